"""Templates: place values, compute nothing, and say file and line where they are wrong."""

from __future__ import annotations

import re
import traceback
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.duration import show_duration
from lab.errors import TemplateError
from lab.workspace import Workspace

if TYPE_CHECKING:
    from jinja2 import Environment

BUILT_IN = Path(__file__).resolve().parent.parent / "log_templates"
SUFFIX = ".md.j2"


def render(name: str, workspace: Workspace, **values: Any) -> str:
    """The template `name` with `values`; the workspace's own of that name comes first.

    Raises TemplateError with file and line for syntax errors and undefined names.
    """
    import jinja2

    environment = _environment(workspace.templates, _own(workspace.templates))
    try:
        text = environment.get_template(name + SUFFIX).render(values)
    except jinja2.TemplateSyntaxError as error:
        place = f"{error.filename or name + SUFFIX}:{error.lineno}"
        raise _wrong(place, error.message or "syntax error") from None
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            "There is no such template", seen=error.name, do=f"Put one into {workspace.templates}."
        ) from None
    except jinja2.TemplateError as error:
        raise _wrong(_place(error, name), str(error)) from None
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise _wrong(_place(error, name), f"{type(error).__name__}: {error}") from None
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def _own(templates: Path) -> tuple[tuple[str, int], ...]:
    """The workspace's own templates and when they were saved."""
    found = sorted(templates.glob(f"*{SUFFIX}")) if templates.is_dir() else []
    return tuple((path.name, path.stat().st_mtime_ns) for path in found)


@lru_cache(maxsize=4)  # a log of hundreds of blocks is rendered from the same few templates
def _environment(templates: Path, own: tuple[tuple[str, int], ...]) -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, BUILT_IN]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "amount": lambda value, metric: numbers.amount(metric, value),
        "capitalize_first": numbers.capital,
        "cell": cell,
        "delta": lambda value, metric: numbers.delta(metric, value),
        "duration": show_duration,
        "figure": numbers.figure,
        "percent": numbers.percent,
        "points": numbers.points,
    }
    return environment


def cell(text: str) -> str:
    """Text that cannot break the table it stands in."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def _place(error: BaseException, name: str) -> str:
    """File and line of the template, which jinja2 puts into the traceback as if it were Python."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.endswith(".j2")]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else name + SUFFIX


def _wrong(place: str, message: str) -> TemplateError:
    return TemplateError(
        f"{place}: the template cannot be rendered",
        seen=message,
        do="Mend that line, or remove the file to use the built-in template.",
    )
