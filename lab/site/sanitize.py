"""HTML that a notebook's output holds, without anything that could run or load."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup

_TAGS = frozenset(
    ("a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del",
     "details", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5",
     "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "progress", "s",
     "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
     "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var")
)  # fmt: skip
_ATTRIBUTES = {
    "a": ["href", "title"],
    "abbr": ["title"],
    "img": ["src", "alt", "width", "height"],
    "ol": ["start"],
    "progress": ["value", "max"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan"],
}
# Elements whose text is no text for a reader; taking away the tags alone would leave it standing.
_SILENT = re.compile(
    r"<(script|style|template|title|noscript|iframe|object|svg|math)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


@lru_cache(maxsize=512)
def sanitized(html: str) -> Markup:
    """The HTML with a few harmless tags left; images only where their data is part of it."""
    return Markup(_cleaner().clean(_SILENT.sub("", html)))


@lru_cache(maxsize=1)
def _cleaner() -> Any:
    from bleach.sanitizer import Cleaner

    return Cleaner(
        tags=_TAGS,
        attributes=_allowed,
        protocols=["http", "https", "mailto", "data"],
        strip=True,
        strip_comments=True,
    )


def _allowed(tag: str, name: str, value: str) -> bool:
    if name not in _ATTRIBUTES.get(tag, ()):
        return False
    if name == "src":
        return re.match(r"data:image/(png|jpeg|gif|webp);base64,", value) is not None
    if name == "href":
        return re.match(r"(https?://|mailto:)", value, re.IGNORECASE) is not None
    return True
