"""Entries and action items as they stand in the log files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from lab.log.book import Book, Section, Task
from lab.log.dates import date_in, split_date
from lab.log.items.register import Loose, ids_for, read_register
from lab.log.items.wording import Wording, read_item
from lab.log.outline_memory import remembering
from lab.workspace import Workspace

_RELATED = re.compile(r"(?:`[^`]*`|[^,`])+")
_RUN_ID = re.compile(r"\b\d{8}_\d{6}(?:-\d+)?(?:_j\d+)?\b")

STALE_DAYS = 30  # an item open for longer is stale unless another limit is asked for


@dataclass(frozen=True)
class Action:
    """One task-list item; `number` counts over all log files, `line` from 1.

    `by` is the run that did it, `reason` why it was rejected, `since` the day from which its age
    counts: of its entry, else the day it was first read.
    """

    id: str
    number: int
    text: str
    state: str  # "open", "done" or "rejected"
    file: str
    line: int
    entry: str
    date: str | None
    by: str | None = None
    reason: str | None = None
    since: str | None = None

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def age(self) -> int | None:
        """Days since `since`; None where no day is known."""
        day = _day(self.since)
        return max((date.today() - day).days, 0) if day else None

    def stale(self, days: int = STALE_DAYS) -> bool:
        """Whether it has been open for more than this many days."""
        return self.state == "open" and self.age is not None and self.age > days

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"age": self.age}


@dataclass(frozen=True)
class Entry:
    """One entry of a log file; `number` counts over all log files, `line` from 1."""

    number: int
    title: str
    date: str | None
    file: str
    line: int
    category: str | None
    status: str | None
    related: tuple[str, ...]
    actions: tuple[Action, ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the actions are named by their ids."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "related": list(self.related),
            "actions": [action.id for action in self.actions],
            "open": sum(action.state == "open" for action in self.actions),
        }


def read_books(workspace: Workspace) -> list[Book]:
    """Every log file of the workspace."""
    with remembering(workspace.runs):
        return [Book.read(path) for path in workspace.log_files()]


def entries_of(books: Sequence[Book], workspace: Workspace) -> list[Entry]:
    """Every entry, in the order of files and lines."""
    held: dict[tuple[str, int], list[Action]] = defaultdict(list)
    for action, section in _placed_actions(books, workspace):
        if section is not None:
            held[action.file, section.line].append(action)
    found: list[Entry] = []
    for book in books:
        file = workspace.relative(book.path)
        for section in entry_sections(book):
            fields = _fields(book, section)
            found.append(
                Entry(
                    number=len(found) + 1,
                    title=entry_title(section),
                    date=_date(section, fields),
                    file=file,
                    line=section.line + 1,
                    category=fields.get("category"),
                    status=fields.get("status"),
                    related=tuple(_related(fields.get("related", ""))),
                    actions=tuple(held[file, section.line]),
                )
            )
    return found


def actions_of(books: Iterable[Book], workspace: Workspace) -> list[Action]:
    """Every action item, in the order of files and lines."""
    return [action for action, _ in _placed_actions(books, workspace)]


def cited_runs(books: Iterable[Book], workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The runs that the entry of each action names, but for its items, by the action's id."""
    return actions_and_runs(books, workspace)[1]


def actions_and_runs(
    books: Iterable[Book], workspace: Workspace
) -> tuple[list[Action], dict[str, tuple[str, ...]]]:
    """`actions_of` and `cited_runs` at once."""
    known = {workspace.relative(book.path): book for book in books}
    items = {file: {task.line for task in book.tasks} for file, book in known.items()}
    actions: list[Action] = []
    found: dict[str, tuple[str, ...]] = {}
    of_section: dict[tuple[str, int], tuple[str, ...]] = {}  # items of one entry share its runs
    for action, section in _placed_actions(known.values(), workspace):
        actions.append(action)
        if section is None:
            continue
        place = (action.file, section.line)
        if place not in of_section:
            lines = known[action.file].lines
            own = range(section.line, section.end)
            text = "".join(lines[n] for n in own if n not in items[action.file])
            of_section[place] = tuple(dict.fromkeys(_RUN_ID.findall(text)))
        found[action.id] = of_section[place]
    return actions, found


@dataclass(frozen=True)
class _Placed:
    file: str
    task: Task
    wording: Wording
    section: Section | None
    title: str
    day: str | None


def _placed_actions(
    books: Iterable[Book], workspace: Workspace
) -> Iterator[tuple[Action, Section | None]]:
    """Every action with the section it belongs to."""
    placed = [one for book in books for one in _placed(book, workspace)]
    known = read_register(workspace)
    loose = [Loose(one.wording.text, one.title, one.wording.id) for one in placed]
    seen = {one.id: one.seen for one in known}
    today = date.today().isoformat()
    for number, (one, action_id) in enumerate(zip(placed, ids_for(loose, known), strict=True), 1):
        action = Action(
            id=action_id,
            number=number,
            text=one.wording.text,
            state=one.wording.state,
            file=one.file,
            line=one.task.line + 1,
            entry=one.title,
            date=one.day,
            by=one.wording.by,
            reason=one.wording.reason,
            since=one.day or seen.get(action_id, today),
        )
        yield action, one.section


def _placed(book: Book, workspace: Workspace) -> Iterator[_Placed]:
    file = workspace.relative(book.path)
    sections = list(entry_sections(book))
    for task in book.tasks:
        section = _holder(book, sections, task.line)
        yield _Placed(
            file=file,
            task=task,
            wording=read_item(task.text, ticked=task.done),
            section=section,
            title=entry_title(section) if section else "",
            day=_date(section, _fields(book, section)) if section else None,
        )


def entry_sections(book: Book) -> Iterator[Section]:
    """The sections that are entries.

    ## 2026-01-20 Title        an entry, as is any other second-level heading
    # 2026-01-20 Title         an entry: a heading of any level that starts with a date; other
                               second-level headings below it are its parts
    # 2026-01-20               a day: the second-level headings below it are entries of that date
    ### Experiment: Run 1      an entry where a `**Date**:` with a year follows and no dated entry
                               holds it
    """
    dated_until = titled_until = 0
    for section, following in zip(book.sections, (*book.sections[1:], None), strict=False):
        day, title = split_date(section.title)
        holds = following is not None and following.line < section.end and following.level == 2
        dated = day is not None and not (holds and not title)
        inside = section.line < dated_until
        if (
            (section.level == 2 and (dated or section.line >= titled_until))
            or (dated and not inside)
            or (
                section.level > 2 and not inside and date_in(_fields(book, section).get("date", ""))
            )
        ):
            yield section
        if dated and not inside:
            dated_until = section.end
            titled_until = section.end if title else titled_until


def entry_title(section: Section) -> str:
    """The heading without its date."""
    return split_date(section.title)[1] or section.title


def _holder(book: Book, sections: Sequence[Section], line: int) -> Section | None:
    """The entry that a line belongs to, else the nearest heading above."""
    for candidates in (sections, book.sections):
        at = bisect_right(candidates, line, key=lambda section: section.line) - 1
        while at >= 0:
            if line < candidates[at].end:
                return candidates[at]
            at -= 1
    return None


def _fields(book: Book, section: Section) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in book.fields(section):
        found.setdefault(field.name.strip().lower(), field.value)
    return found


def _date(section: Section, fields: dict[str, str]) -> str | None:
    return section.date or date_in(fields.get("date", ""))


def _day(text: str | None) -> date | None:
    """The day of an ISO date; of a month its first."""
    try:
        return date.fromisoformat(f"{text}-01" if text and len(text) == 7 else text or "")
    except ValueError:
        return None


def _related(value: str) -> Iterator[str]:
    for part in _RELATED.findall(value):
        text = part.strip()
        bare = text.strip("`")
        # Only a name that is code as a whole loses its marks.
        if text:
            yield text if "`" in bare else bare
