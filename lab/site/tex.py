r"""Short formulas between dollar signs, readable without a typesetter.

Letters, common symbols, sub- and superscripts and roots are shown as such; a command that is not
known stays as it was written. formula(r"z_n \bar a") is z<sub>n</sub> a̅.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "cdot": "·", "times": "×", "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "circ": "∘", "ast": "∗",
    "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈",
    "sim": "∼", "propto": "∝", "equiv": "≡", "in": "∈", "notin": "∉", "to": "→",
    "rightarrow": "→", "leftarrow": "←", "mapsto": "↦", "infty": "∞", "sum": "∑", "prod": "∏",
    "int": "∫", "partial": "∂", "nabla": "∇", "ldots": "…", "dots": "…", "cdots": "⋯",
    "langle": "⟨", "rangle": "⟩", "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|",
    "rvert": "|", "mid": "|", "ell": "ℓ", "forall": "∀", "exists": "∃", "angle": "∠",
    "quad": " ", "qquad": " ", ",": " ", ";": " ", ":": " ", "!": "", " ": " ", "{": "{",
    "}": "}", "|": "‖", "left": "", "right": "", "big": "", "Big": "", "bigl": "", "bigr": "",
    "%": "%", "_": "_", "#": "#", "&": "&", "dagger": "†", "star": "⋆", "wedge": "∧", "vee": "∨",
}  # fmt: skip
_WORDS = frozenset(
    ("exp", "log", "ln", "sin", "cos", "tan", "tanh", "max", "min", "arg", "det", "softmax")
)
_UPRIGHT = frozenset(("mathrm", "text", "operatorname", "textrm", "mathsf", "mathtt", "rm"))
_OTHER_FONT = frozenset(("mathbf", "mathcal", "mathbb", "boldsymbol", "mathit", "bm"))
_ACCENTS = {"bar": "\u0305", "overline": "\u0305", "hat": "\u0302", "tilde": "\u0303",
            "vec": "\u20d7", "dot": "\u0307", "widehat": "\u0302"}  # fmt: skip
_TOKEN = re.compile(
    r"\\([A-Za-z]+|.)\s*|([{}^_])|([A-Za-z]+)|(\s+)|([^\\{}^_A-Za-z\s]+)", re.DOTALL
)
_DEEP = 20  # nested braces


def formula(source: str) -> Markup:
    """A formula as HTML; every letter of it is escaped."""
    html, _ = _row(_TOKEN.findall(source.strip()), 0, 0)
    return html


_Token = tuple[str, str, str, str, str]


def _row(tokens: list[_Token], at: int, depth: int) -> tuple[Markup, int]:
    """Everything up to the closing brace, and the place behind it."""
    html = Markup("")
    while at < len(tokens):
        if tokens[at][1] == "}":
            return html, at + 1
        part, at = _atom(tokens, at, depth)
        html += part
    return html, at


def _atom(tokens: list[_Token], at: int, depth: int) -> tuple[Markup, int]:
    """One letter, word, group or command with what belongs to it, and the place behind it."""
    if at >= len(tokens) or depth > _DEEP:
        return Markup(""), at + 1
    command, mark, letters, space, other = tokens[at]
    if mark == "{":
        return _row(tokens, at + 1, depth + 1)
    if mark in ("^", "_"):
        inner, at = _atom(tokens, at + 1, depth + 1)
        tag = "sup" if mark == "^" else "sub"
        return Markup("<{0}>{1}</{0}>").format(Markup(tag), inner), at
    if letters:
        return Markup("<i>{}</i>").format(letters), at + 1
    if not command:
        return (Markup(" ") if space else escape(other or mark)), at + 1
    return _command(command, tokens, at + 1, depth + 1)


def _command(name: str, tokens: list[_Token], at: int, depth: int) -> tuple[Markup, int]:
    if name in _SYMBOLS:
        return escape(_SYMBOLS[name]), at
    if name in _WORDS:
        return escape(f"{name} "), at
    if name in ("frac", "tfrac", "dfrac"):
        top, at = _atom(tokens, at, depth)
        below, at = _atom(tokens, at, depth)
        return Markup("({})/({})").format(top, below), at
    if name in _UPRIGHT:
        inner, at = _atom(tokens, at, depth)
        return Markup(re.sub(r"</?i>", "", str(inner))), at
    if name in _OTHER_FONT:
        return _atom(tokens, at, depth)
    if name == "sqrt":
        inner, at = _atom(tokens, at, depth)
        return Markup("√({})").format(inner), at
    if name in _ACCENTS:
        inner, at = _atom(tokens, at, depth)
        return inner + Markup(_ACCENTS[name]), at
    return escape(f"\\{name} "), at
