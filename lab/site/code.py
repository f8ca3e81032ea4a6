"""Source code and terminal output as safe HTML."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

_LONG = 200_000  # characters; longer text would make the page slow, and nobody reads it there
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
# Pygments' classes that a style sheet of the site has a colour for; most words have none.
COLOURED = {
    *("c", "c1", "ch", "cm", "fm", "k", "kc", "kd", "kn", "kr", "kt", "l", "m", "mf", "mh"),
    *("mi", "na", "nc", "nd", "nf", "nt", "ow", "s", "s1", "s2", "sa", "sb", "sd", "se", "si"),
}
_WORD = re.compile(r'<span class="hl-([a-z0-9]+)">([^<]*)</span>')
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@lru_cache(maxsize=4096)  # the same cells stand in every run of a notebook
def highlighted(source: str, language: str = "") -> Markup:
    """Source code with its coloured words in classes; as it is where the language is not known."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    text = shortened(source)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(text)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True, classprefix="hl-"))
    return Markup(_WORD.sub(lambda m: m[0] if m[1] in COLOURED else m[2], html))


def plain_output(text: str) -> str:
    """What a terminal would show in the end: no colours, and progress bars only as they ended."""
    lines = _ANSI.sub("", shortened(text)).replace("\r\n", "\n").split("\n")
    last = [line.rstrip("\r").rpartition("\r")[2] for line in lines]
    return _CONTROL.sub("", "\n".join(last))


def shortened(text: str, limit: int = _LONG) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n... {len(text) - limit:,} more characters"
