"""Templates of pages: values are placed and escaped, nothing is computed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).resolve().parent
STATIC = _HERE / "static"

# Only files of the site itself are loaded, no script in a page runs, nothing is sent anywhere.
# `file:` stands beside 'self' for browsers that give pages from a folder no origin.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; "
    "img-src 'self' file: data:; frame-src 'self' file:; base-uri 'none'; form-action 'none'"
)
NOTEBOOK_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def page(name: str, **values: Any) -> str:
    """The template NAME.html.j2 with these values."""
    return _environment().get_template(f"{name}.html.j2").render(values)


def part(name: str, **values: Any) -> Markup:
    """A piece of a page."""
    return Markup(page(name, **values))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    import jinja2

    from lab.site.entry_page import tone

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["tone"] = tone
    made.globals |= {
        "policy": POLICY,
        "notebook_policy": NOTEBOOK_POLICY,
        "notebook_style": Markup((STATIC / "notebook.css").read_text(encoding="utf-8")),
    }
    return made
