"""Formulas between dollar signs, typeset as MathML that any browser draws: no script, no font.

latex2mathml reads the formula; what it makes is written out here, since it passes markup of the
formula's author on, as in \\href{javascript:...}. Only elements and attributes that draw are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

_ELEMENTS = frozenset(
    ("math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded",
     "mphantom", "mprescripts", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup",
     "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none")
)  # fmt: skip
_ATTRIBUTES = frozenset(
    ("accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display",
     "displaystyle", "fence", "form", "height", "largeop", "linethickness", "lspace", "mathvariant",
     "maxsize", "minsize", "movablelimits", "notation", "rowlines", "rowspacing", "rspace",
     "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width")
)  # fmt: skip
_VALUE = re.compile(r"[A-Za-z0-9 .%+-]{0,80}")
_LONGEST = 2000  # letters; what is longer is no formula, and its parser goes through it many times


@lru_cache(maxsize=4096)  # the same cells stand in every run of a notebook
def formula(source: str, *, block: bool = False) -> Markup:
    """A formula as MathML, on a line of its own with `block`; what is none stays as written."""
    from latex2mathml.converter import convert_to_element

    mark = "$$" if block else "$"
    written = Markup("<code>{0}{1}{0}</code>").format(mark, source)
    if len(source) > _LONGEST:
        return written
    try:
        found = convert_to_element(source, display="block" if block else "inline")
        return Markup("".join(_drawn(found)))
    except Exception:  # of the parser, which raises whatever it stumbles upon
        return written


def _drawn(element: Element) -> Iterator[str]:
    name = element.tag if element.tag in _ELEMENTS else "mrow"
    kept = (
        f' {key}="{value}"'
        for key, value in element.attrib.items()
        if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    # Symbols stand in it as references to characters.
    yield f"<{name}{''.join(kept)}>{escape(unescape(element.text or ''))}"
    for child in element:
        yield from _drawn(child)
        yield str(escape(unescape(child.tail or "")))
    yield f"</{name}>"
