"""Markdown and notebook outputs as HTML: what is kept, what becomes text, what is dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

import lab.site
from lab.site.code import COLOURED, highlighted, plain_output
from lab.site.markdown import Picture, render, render_line, words
from lab.site.sanitize import sanitized
from lab.site.tex import formula


class Links:
    """Leads to one page, one picture and one run."""

    def page(self, target: str) -> str | None:
        return "page.html" if target == "known.md" else None

    def picture(self, target: str) -> Picture | None:
        return Picture("p.png", 4, 3) if target == "known.png" else None

    def run(self, run_id: str) -> str | None:
        return "run.html" if run_id == "20260120_100000" else None

    def evidence(self, spec: Mapping[str, Any]) -> Markup:
        return Markup("<u>{}</u>").format(",".join(spec.get("runs", ["none"])))

    def task(self, line: int) -> str | None:
        return f"task-{line}"


class Seen(HTMLParser):
    """Tags, attributes and addresses as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a <b>bold</b> c", "<p>a <b>bold</b> c</p>\n"),
        ("a <b onclick=x>bold", "<p>a <b>bold</p>\n</b>"),
        ("one<br/>two", "<p>one<br>two</p>\n"),
        ("</div></main>x", "&lt;/main&gt;x"),
        ("<div>\nx\n</div>", "\nx\n"),
        ("a <!-- hidden --> b", "<p>a  b</p>\n"),
        ("<script>x()</script>", "&lt;script&gt;x()&lt;/script&gt;"),
        ("[a](javascript:x)", "<p>[a](javascript:x)</p>\n"),
        (
            "[a](known.md) [b](other.md)",
            '<p><a href="page.html">a</a> <span class="elsewhere" title="other.md '
            '(not part of this site)">b</span></p>\n',
        ),
        (
            "![a](known.png) ![b](other.png)",
            '<p><img src="p.png" alt="a" width="4" height="3" loading="lazy"> '
            '<span class="missing">Missing image: b</span></p>\n',
        ),
        (
            "`runs/20260120_100000/` 20260120_100000 20260120_100000-2",
            '<p><a href="run.html"><code>runs/20260120_100000/</code></a> '
            '<a href="run.html">20260120_100000</a> 20260120_100000-2</p>\n',
        ),
        ("**A**: x\n**B**: y", "<p><strong>A</strong>: x<br />\n<strong>B</strong>: y</p>\n"),
        ("one\n**two** three: x", "<p>one\n<strong>two</strong> three: x</p>\n"),
        ("#### Deep", '<h2 id="s-deep">Deep</h2>\n'),
        ("costs $5 and $6", "<p>costs $5 and $6</p>\n"),
        (
            "$z_n$",
            '<p><math display="inline"><mrow><msub><mi>z</mi><mi>n</mi></msub></mrow></math></p>\n',
        ),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert render(text, Links()) == html


def test_an_image_on_the_web_is_a_link() -> None:
    seen = Seen(render("![chart](https://example.org/x.png)", Links()))
    assert "img" not in seen.tags
    assert seen.attributes["href"] == ["https://example.org/x.png"]


def test_tables_carry_their_sides_as_classes() -> None:
    html = render("| a | b |\n|---|---:|\n| x | 1 |", Links())
    assert '<td class="right">1</td>' in html
    assert "style" not in html


def test_tasks_are_marked_and_named_by_their_line() -> None:
    html = render("- [ ] one\n- [x] two\n- three", Links(), line=10)
    assert '<li class="task open" id="task-10">' in html
    assert '<li class="task done" id="task-11">' in html
    assert "[ ]" not in html
    assert "<li>three" in html


@pytest.mark.parametrize(
    ("text", "below"),
    [
        ('<!-- lab:evidence {"runs": ["r1"]} -->\n\nx\n\n<!-- /lab:evidence -->', "<u>r1</u>"),
        ('<!-- lab:evidence {"runs": ["<i>"]} -->\n\nx\n\n<!-- /lab:evidence -->', "<u>&lt;i&gt;"),
        ("<!-- lab:evidence {broken} -->\n\nx\n\n<!-- /lab:evidence -->", "<u>none</u>"),
        ('<!-- lab:evidence {"runs": ["r1"]} -->\n\nx', "<u>r1</u>"),
    ],
)
def test_evidence_is_hidden_and_its_runs_stand_below(text: str, below: str) -> None:
    html = render(text, Links())
    assert "lab:evidence" not in html
    assert html.index("<p>x</p>") < html.index(below)


TAGS = [
    *("a", "b", "blockquote", "br", "code", "del", "details", "em", "h2", "h3", "h4", "h5", "h6"),
    *("hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "s", "small", "span"),
    *("strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
    "div",
]
_BITS = st.sampled_from(
    [
        *("<", ">", "<b", "<script>", "</script>", "<!--", "-->", "<img src=x onerror=y>", '"'),
        *("'", "`", "[a](", ")", "javascript:x", "data:text/html,x", "![", "](x)", "\n", "\n\n"),
        *("- [ ] ", "|", "<a href='javascript:x'>", "&lt;", "&#106;avascript:", "<svg/onload=x>"),
        *("$", "\\", "<x:y>", "|---|\n", "~~", "**", "```", "<details open ontoggle=x>"),
        *("\u2028", "\x00", "20260120_100000"),
    ]
)


# What browsers draw of a formula, of MathML Core; maction, annotation-xml and href are not in it.
FORMULA = {
    *("math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded"),
    *("mphantom", "mprescripts", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup"),
    *("msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none"),
}
DRAWING = {
    *("accent", "accentunder", "columnalign", "depth", "display", "displaystyle", "fence", "form"),
    *("height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize"),
    *("movablelimits", "rspace", "scriptlevel", "separator", "stretchy", "width"),
}


@settings(max_examples=60)
@given(st.lists(_BITS | st.text(max_size=4), max_size=14).map("".join))
def test_whatever_is_written_gives_harmless_tags_only(text: str) -> None:
    seen = Seen(render(text, Links()) + render_line(text, Links()))
    assert set(seen.tags) <= {*TAGS, *FORMULA}
    allowed = {*DRAWING, "href", "src", "alt", "width", "height", "loading", "class", "id", "title"}
    allowed |= {"rel", "target", "role", "aria-label"}
    assert set(seen.attributes) <= allowed
    for address in seen.attributes.get("href", []) + seen.attributes.get("src", []):
        assert address.lower().startswith(("https://", "http://", "mailto:", "page.", "p.", "run."))


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<table><tr><td colspan=2>1</td></tr></table>", True),
        ("<p onclick=x()>a</p>", False),
        ("<script>x()</script>a", False),
        ("<style>td {color: red}</style>a", False),
        ("<a href='javascript:x()'>a</a>", False),
        ("<a href='https://example.org'>a</a>", True),
        ("<img src='https://example.org/x.png'>", False),
        ("<img src='data:image/png;base64,AA=='>", True),
        ("<img src='data:image/svg+xml;base64,AA=='>", False),
        ("<meta http-equiv=refresh content='0;url=https://example.org'>", False),
        ("<iframe srcdoc='<script>x()</script>'></iframe>", False),
        ("<svg><script>x()</script></svg>", False),
        ("<math><mtext><style><img src=x onerror=x()></style></mtext></math>", False),
        ("<noscript><p title='</noscript><img src=x onerror=x()>'></noscript>", False),
        ("<form action=x><input onfocus=x() autofocus></form>", False),
    ],
)
def test_outputs_in_html(html: str, kept: bool) -> None:
    seen = Seen(sanitized(html))
    asked = {name for name in Seen(html).attributes if name in ("colspan", "href", "src")}
    assert (set(seen.attributes) == asked and bool(asked)) is kept
    dangerous = {"script", "style", "meta", "iframe", "svg", "math", "form", "input", "noscript"}
    assert not set(seen.tags) & dangerous
    assert "x()" not in sanitized(html)


def test_styles_of_pandas_leave_no_text_behind() -> None:
    html = "<div><style scoped>.dataframe th {}</style><table class='dataframe'></table></div>"
    assert sanitized(html) == "<div><table></table></div>"


def test_terminal_output_is_what_stood_there_in_the_end() -> None:
    text = "\x1b[31mred\x1b[0m\n 10%\r 50%\r100%\nwindows\r\nbell\x07"
    assert plain_output(text) == "red\n100%\nwindows\nbell"


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        (r"\alpha^2", "<msup><mi>α</mi><mn>2</mn></msup>"),
        (r"\frac{1}{n}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>"),
        (r"\mathbb{C}", "<mi>ℂ</mi>"),
        (r"\sqrt{x}", "<msqrt><mrow><mi>x</mi></mrow></msqrt>"),
        (r"a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"\text{<b onclick=x()>}", "<mtext>&lt;b\u00a0onclick=x()&gt;</mtext>"),
        (r"\href{javascript:x()}{y}", "<mrow><mrow><mi>y</mi></mrow></mrow>"),
        (r"\style{color:red}{y}", "<mrow><mi>y</mi></mrow>"),
        (r"\class{a\" onclick=x()}{y}", "<mrow><mi>y</mi></mrow>"),
        ("&lt;script&gt;", "<mi>&amp;</mi><mi>l</mi><mi>t</mi><mi>;</mi>"),
    ],
)
def test_formulas(source: str, drawn: str) -> None:
    html = formula(source)
    assert drawn in html
    assert set(Seen(html).attributes) <= {"display", "stretchy"}
    assert html.startswith('<math display="inline">')
    assert formula(source, block=True).startswith('<math display="block">')


@pytest.mark.parametrize("source", ["{" * 30, r"\frac", "<b>^", "a" * 3000])
def test_what_is_no_formula_stays_as_written(source: str) -> None:
    assert formula(source) == Markup("<code>${}$</code>").format(source)


def test_formulas_in_text() -> None:
    html = render("so $z_n$ and\n\n$$\nz + u\n$$", Links())
    assert html.count("<math") == 2
    assert '<p><math display="block">' in html


def test_words_for_searching_leave_out_marks_and_evidence() -> None:
    text = "## T\n\n<!-- lab:evidence {} -->\nA **bold** `code`\n\n```py\nx = 1\n```\n"
    assert words(text) == "T A bold code x = 1"


def test_only_words_that_have_a_colour_are_marked() -> None:
    """Of the others there are thousands a notebook, and no style sheet says anything of them."""
    source = 'def f(x: int) -> str:\n    return f"{x + 1} <b>"  # why\n'
    html = str(highlighted(source, "python"))
    used = set(re.findall(r'class="hl-(\w+)"', html))
    assert {"k", "nf", "c1", "mi"} <= used <= COLOURED
    assert unescape(re.sub(r"<[^>]*>", "", html)) == source
    folder = Path(lab.site.__file__).parent / "static"
    styled = set()
    for name in ("site.css", "notebook.css"):
        styled |= set(re.findall(r"\.hl-(\w+)", (folder / name).read_text()))
    assert styled == COLOURED
