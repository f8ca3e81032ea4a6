"""Markdown that anybody wrote, as HTML in which nothing of theirs can run.

Raw HTML becomes text but for a few tags that only shape it, links and images lead where `Links`
says, and code is highlighted. The evidence comments of generated blocks are not shown; what
`Links.evidence` makes of them stands below each block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from markupsafe import Markup, escape

from lab.site.address import slug
from lab.site.code import highlighted

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

RUN_ID = re.compile(r"(?<![\w-])\d{8}_\d{6}(?:-\d+)?(?:_j\d+)?(?![\w-])")

_SHAPING = frozenset(
    (
        "b",
        "code",
        "del",
        "details",
        "em",
        "i",
        "ins",
        "kbd",
        "mark",
        "s",
        "small",
        "strong",
        "sub",
        "summary",
        "sup",
        "u",
    )
)
_EMPTY = frozenset(("br", "hr"))
_IGNORED = frozenset(("center", "div", "font", "p", "span"))
_PIECE = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>|[^<]+|<", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_EVIDENCE = re.compile(r"<!--\s*lab:evidence\s+(\{.*\})\s*-->", re.DOTALL)
_EVIDENCE_END = re.compile(r"<!--\s*/lab:evidence\s*-->")
_TASK = re.compile(r"\[([ xX])\]\s+")
_MATH = re.compile(r"\$\$(?P<two>[^$]+)\$\$|\$(?!\s)(?P<one>[^$\n]+?)(?<!\s)\$(?!\d)")
_SAFE = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """Where an image lies, and its size in pixels where that is known."""

    src: str
    width: int | None = None
    height: int | None = None


class Links(Protocol):
    """Where the links of a text lead; None is for what is not part of the site."""

    def page(self, target: str) -> str | None:
        """The address of what a relative link names."""

    def picture(self, target: str) -> Picture | None:
        """The image that a source names."""

    def run(self, run_id: str) -> str | None:
        """The address of a run's page."""

    def evidence(self, spec: Mapping[str, Any]) -> Markup:
        """What stands below a generated block, from its evidence."""

    def task(self, line: int) -> str | None:
        """The anchor of the task-list item on this line, counted from 0."""


@dataclass
class _Page:
    """What is being rendered, for the rules."""

    links: Links
    line: int  # of the file, where the text begins
    shift: int  # added to heading levels
    specs: list[dict[str, Any]] = field(default_factory=list)
    closings: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # raw tags, so that none stays open


def render(text: str, links: Links, *, line: int = 0, top: int = 2) -> Markup:
    """The HTML of a text whose highest heading becomes one of level `top`."""
    env: dict[str, Any] = {}
    tokens = _markdown().parse(text, env)
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    page = _Page(links, line, top - min(levels, default=top))
    _mark(tokens, page)
    return _rendered(tokens, page, env)


def render_line(text: str, links: Links) -> Markup:
    """The HTML of a text without blocks."""
    return _rendered(_markdown().parseInline(text), _Page(links, 0, 0), {})


def words(text: str) -> str:
    """The words of a Markdown text, without its marks, for searching."""
    said: list[str] = []
    for token in _markdown().parse(text):
        if token.type in ("fence", "code_block"):
            said.append(token.content)
        for child in token.children or []:
            if child.type in ("text", "code_inline", "math"):
                said.append(child.content)
    return " ".join(" ".join(said).split())


def runs_named(text: str) -> tuple[str, ...]:
    """Every run id in a text, evidence included, each once."""
    return tuple(dict.fromkeys(RUN_ID.findall(text)))


def _rendered(tokens: Sequence[Token], page: _Page, env: Any) -> Markup:
    html = _markdown().renderer.render(tokens, _markdown().options, {**env, "page": page})
    html += "".join(f"</{name}>" for name in reversed(page.opened))
    return Markup(html + "".join(str(_below(page)) for _ in list(page.specs)))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

    def math(state: StateInline, silent: bool) -> bool:
        match = _MATH.match(state.src, state.pos) if state.src[state.pos] == "$" else None
        if match is None:
            return False
        if not silent:
            token = state.push("math", "", 0)
            token.content = match["two"] or match["one"]
            token.block = match["two"] is not None
        state.pos = match.end()
        return True

    made = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    made.inline.ruler.before("escape", "math", math)
    for name, rule in _RULES.items():
        made.add_render_rule(name, rule)
    return made


def _mark(tokens: Sequence[Token], page: _Page) -> None:
    """Settle what a rule alone cannot see: task marks, and breaks between fields."""
    for i, token in enumerate(tokens):
        if token.type == "list_item_open" and i + 2 < len(tokens):
            _mark_task(token, tokens[i + 2], page)
        children = token.children or []
        for k, child in enumerate(children):
            # `**Name**: value` lines are lines to their author and one paragraph to Markdown.
            if child.type == "softbreak" and _is_field(children[k + 1 : k + 6]):
                child.type = "hardbreak"


def _is_field(tokens: Sequence[Token]) -> bool:
    kinds = [token.type for token in tokens if token.content or token.type != "text"]
    if kinds[:3] != ["strong_open", "text", "strong_close"]:
        return False
    name, *rest = [token.content for token in tokens if token.content]
    return name.endswith(":") or "".join(rest[:1]).lstrip().startswith(":")


def _mark_task(item: Token, inline: Token, page: _Page) -> None:
    match = _TASK.match(inline.content) if inline.type == "inline" else None
    if match is None or not inline.children or not inline.map:
        return
    first = inline.children[0]
    first.content = _TASK.sub("", first.content, count=1)
    item.meta["task"] = "done" if match[1] != " " else "open"
    item.meta["anchor"] = page.links.task(page.line + inline.map[0])


# Rules: each is called with the renderer, all tokens and the place among them.


def _heading(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    token, page = tokens[i], env["page"]
    level = min(max(int(token.tag[1]) + page.shift, 2), 6)
    if token.type == "heading_close":
        return f"</h{level}>\n"
    # A name of its own, so that no heading is taken for a part of the page.
    return f'<h{level} id="s-{slug(tokens[i + 1].content)}">'


def _link_open(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    page, target = env["page"], str(tokens[i].attrs.get("href", ""))
    if _SAFE.match(target):
        page.closings.append("</a>")
        return f'<a href="{escape(target)}" rel="noopener noreferrer" target="_blank">'
    inside = page.links.page(target)
    page.closings.append("</a>" if inside else "</span>")
    if inside:
        return f'<a href="{escape(inside)}">'
    return f'<span class="elsewhere" title="{escape(target)} (not part of this site)">'


def _link_close(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    closings = env["page"].closings
    return closings.pop() if closings else ""


def _image(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    token, page = tokens[i], env["page"]
    source, alt = str(token.attrs.get("src", "")), token.content
    if _SAFE.match(source):  # nothing is loaded from a network
        return (
            f'<a href="{escape(source)}" rel="noopener noreferrer" target="_blank">'
            f"{escape(alt or source)} (image on the web)</a>"
        )
    picture = page.links.picture(source)
    if picture is None:
        return f'<span class="missing">Missing image: {escape(alt or source)}</span>'
    return str(image_tag(picture, alt))


def image_tag(picture: Picture, alt: str) -> Markup:
    """An image that is loaded when it comes into view and takes its place before that."""
    size = f' width="{picture.width}" height="{picture.height}"' if picture.width else ""
    return Markup(f'<img src="{escape(picture.src)}" alt="{escape(alt)}"{size} loading="lazy">')


def _code_inline(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    content = tokens[i].content
    code = f"<code>{escape(content)}</code>"
    named = content.strip().removeprefix("runs/").rstrip("/")
    inside_link = bool(env["page"].closings)
    address = None if inside_link else env["page"].links.run(named)
    return f'<a href="{escape(address)}">{code}</a>' if address else code


def _text(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    content, page = tokens[i].content, env["page"]
    if page.closings:
        return str(escape(content))
    parts, end = [], 0
    for match in RUN_ID.finditer(content):
        address = page.links.run(match[0])
        if address:
            parts.append(str(escape(content[end : match.start()])))
            parts.append(f'<a href="{escape(address)}">{escape(match[0])}</a>')
            end = match.end()
    return "".join([*parts, str(escape(content[end:]))])


def _fence(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    language = (tokens[i].info.split() or [""])[0]
    return f"<pre><code>{highlighted(tokens[i].content, language)}</code></pre>\n"


def _math(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    from lab.site.tex import formula

    return str(formula(tokens[i].content.strip(), block=tokens[i].block))


def _cell_open(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    # Written as a class: a style attribute is what the page's security policy refuses.
    style = str(tokens[i].attrs.get("style", ""))
    side = style.rpartition(":")[2]
    return f'<{tokens[i].tag} class="{side}">' if side in _SIDES else f"<{tokens[i].tag}>"


def _item_open(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    task, anchor = tokens[i].meta.get("task"), tokens[i].meta.get("anchor")
    if task is None:
        return "<li>"
    name = f' id="{escape(anchor)}"' if anchor else ""
    mark = f'<span class="box {task}" role="img" aria-label="{task}"></span>'
    return f'<li class="task {task}"{name}>{mark}'


def _html(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    shown = []
    for piece in _PIECE.findall(tokens[i].content):
        if piece.startswith("<!--"):
            shown.append(_comment(piece, env["page"]))
        else:
            shown.append(_raw(piece, env["page"]))
    return "".join(shown)


def _raw(piece: str, page: _Page) -> str:
    """A tag that only shapes text, without its attributes; anything else as text."""
    match = _TAG.match(piece)
    name = match[2].lower() if match and piece.endswith(">") else ""
    if name in _EMPTY:
        return f"<{name}>"
    if name in _IGNORED:
        return ""
    if match is None or name not in _SHAPING:
        return str(escape(piece))
    if not match[1]:
        page.opened.append(name)
        return f"<{name}>"
    if name not in page.opened:
        return ""
    page.opened.reverse()
    page.opened.remove(name)
    page.opened.reverse()
    return f"</{name}>"


def _comment(text: str, page: _Page) -> str:
    if _EVIDENCE_END.match(text):
        return str(_below(page))
    if match := _EVIDENCE.match(text):
        try:
            spec = json.loads(match[1])
        except ValueError:
            spec = {}
        page.specs.append(spec if isinstance(spec, dict) else {})
    return ""


def _below(page: _Page) -> Markup:
    return page.links.evidence(page.specs.pop()) if page.specs else Markup("")


_SIDES = ("left", "right", "center")

_RULES = {
    "heading_open": _heading,
    "heading_close": _heading,
    "link_open": _link_open,
    "link_close": _link_close,
    "image": _image,
    "code_inline": _code_inline,
    "text": _text,
    "fence": _fence,
    "code_block": _fence,
    "math": _math,
    "th_open": _cell_open,
    "td_open": _cell_open,
    "table_open": lambda *_: '<div class="scroll"><table>\n',
    "table_close": lambda *_: "</table></div>\n",
    "list_item_open": _item_open,
    "html_block": _html,
    "html_inline": _html,
}
