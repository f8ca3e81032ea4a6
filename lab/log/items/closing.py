"""What would close an action item, as its own words say it.

(closes with suite `ablation_pooling`)                 every run that the suite plans is done
(closes with `epochs=50`)                              a run with that value is done
(closes with suite `cifar10`, `seed=3`, `seed=4`)      every arm of the suite is done with each
(closes with notebook `notebooks/studies/long_run.ipynb`)
(closes with `notebook ~ image and val/accuracy > 0.9`)   any expression as for `lab runs --where`

The items that comparisons, claims and diagnoses propose say it in words of their own, as in "Run
seeds 3 and 4 of every arm", which are read as well, and so is a notebook that an item names.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lab.errors import LabError
from lab.record.where import Query, parse_query

_WRITTEN = re.compile(
    r"\(\s*closes?\s+(?:with|by|when)\s+(?P<terms>(?:`[^`]*`|[^()`])+)\)", re.IGNORECASE
)
_TERM = re.compile(
    r"(?:(?P<kind>suite|notebook)\s+)?(?:`(?P<code>[^`]+)`|(?P<word>[^\s,;`]+))", re.IGNORECASE
)
_FILLERS = {"and", "a", "the", "run", "runs", "with", "of", "is", "done", "or"}
_VALUE = re.compile(r"(?P<name>[A-Za-z_][\w.]*)\s*=(?!=)\s*(?P<value>.+)")

_SEEDS = re.compile(r"Run seeds? (?P<seeds>\d+(?:(?:, | and )\d+)*) of every arm", re.IGNORECASE)
_SEEDS_OF = re.compile(
    r"Run seeds? (?P<seeds>\d+(?:(?:, | and )\d+)*) of (?P<arms>`[^`]+`(?:(?:, | and )`[^`]+`)*) "
    r"\(`(?P<by>[^`]+)`\)",
    re.IGNORECASE,
)
_LONGER = re.compile(r"Run longer \(`(?P<name>\w+)=(?P<value>\d+)`\)", re.IGNORECASE)
_AT_LEAST = re.compile(
    r"Run (?:longer: about|at least) (?P<count>\d+) (?P<name>epochs|steps)\b", re.IGNORECASE
)
_BEYOND = re.compile(r"Try `(?P<name>\w+)` (?P<way>above|below) (?P<value>-?[\d.]+(?:e-?\d+)?)")
_OTHER_SEEDS = re.compile(r"Repeat with (?:other|more) seeds", re.IGNORECASE)
_MEND = re.compile(r"Mend and run again", re.IGNORECASE)
_RUN_ID = re.compile(r"\b\d{8}_\d{6}(?:-\d+)?(?:_j\d+)?\b")
_PLANNED = re.compile(r"Run it: `lab run (?P<words>[^`]+)`")
_NOTEBOOK = re.compile(r"(?:notebooks/)?[\w-]+(?:/[\w-]+)+(?:\.ipynb)?")


@dataclass(frozen=True)
class Closer:
    """What runs an item asks for.

    `every` asks for it of every arm among the runs that the item's entry names, or of those whose
    `by` is one of `arms`, `like_first` of a run like the first of those, `other_seeds` for a repeat
    of that one; `again` for these runs once more.
    """

    suites: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    conditions: tuple[Query, ...] = ()
    every: bool = False
    by: str | None = None
    arms: tuple[str, ...] = ()
    like_first: bool = False
    other_seeds: bool = False
    again: tuple[str, ...] = ()
    written: bool = False  # by the item's author, in brackets
    named: str | None = None  # what the run of a planned experiment is to be called
    command: str | None = None  # which starts that run


def closer_of(text: str) -> Closer | None:
    """What the words of an item ask for; None where no run can close it."""
    written = _WRITTEN.search(text)
    if written:
        return _from_terms(written["terms"], every="every arm" in text.lower())
    if planned := _PLANNED.match(text):
        return _from_command(planned["words"])
    return _from_words(text) or _from_notebooks(text)


def closing_command(number: int, text: str, run: str) -> str:
    """The command that closes an item with the run that answers it.

    The run of a planned experiment completes its entry, which ticks the item as well.
    """
    closer = closer_of(text)
    if closer is not None and closer.named is not None:
        return f"lab log new experiment {shlex.quote(closer.named)} --run {run}"
    return f"lab log done {number} --by {run}"


def without_closer(text: str) -> str:
    """The words of an item without what would close it."""
    return " ".join(_WRITTEN.sub("", text).split())


def literal(text: str) -> Any:
    """A value as written: a number, a truth value, none, else text."""
    words = {"true": True, "false": False, "none": None, "null": None}
    bare = text.strip().strip("'\"")
    if bare != text.strip():
        return bare
    if bare.lower() in words:
        return words[bare.lower()]
    for kind in (int, float):
        try:
            return kind(bare)
        except ValueError:
            continue
    return bare


def _from_terms(terms: str, *, every: bool) -> Closer | None:
    suites: list[str] = []
    notebooks: list[str] = []
    values: dict[str, tuple[Any, ...]] = {}
    conditions: list[Query] = []
    for kind, term in _terms(terms):
        value = _VALUE.fullmatch(term)
        if kind == "suite":
            suites.append(term)
        elif kind == "notebook":
            notebooks.append(term)
        elif value:
            name = value["name"]
            values[name] = (*values.get(name, ()), literal(value["value"]))
        else:
            try:
                conditions.append(parse_query(term))
            except LabError:
                return None  # words that are no expression close nothing by themselves
    if not (suites or notebooks or values or conditions):
        return None
    return Closer(
        suites=tuple(suites), notebooks=tuple(notebooks), values=values,
        conditions=tuple(conditions), every=every, written=True,
    )  # fmt: skip


def _terms(text: str) -> Iterator[tuple[str | None, str]]:
    for match in _TERM.finditer(text):
        kind = match["kind"].lower() if match["kind"] else None
        if match["code"]:
            yield kind, match["code"].strip()
        elif kind or match["word"].lower() not in _FILLERS:
            yield kind, match["word"].rstrip(".")


def _from_words(text: str) -> Closer | None:
    if match := _SEEDS.match(text):
        seeds = tuple(int(seed) for seed in re.findall(r"\d+", match["seeds"]))
        return Closer(values={"seed": seeds}, every=True)
    if match := _SEEDS_OF.match(text):
        seeds = tuple(int(seed) for seed in re.findall(r"\d+", match["seeds"]))
        arms = tuple(re.findall(r"`([^`]+)`", match["arms"]))
        return Closer(values={"seed": seeds}, every=True, by=match["by"], arms=arms)
    if match := _LONGER.match(text):
        return Closer(values={match["name"]: (int(match["value"]),)}, every=True)
    if match := _AT_LEAST.match(text):
        enough = parse_query(f"{match['name']} >= {match['count']}")
        return Closer(conditions=(enough,), like_first=True)
    if match := _BEYOND.match(text):
        sign = ">" if match["way"] == "above" else "<"
        value = match["value"].rstrip(".")
        return Closer(conditions=(parse_query(f"{match['name']} {sign} {value}"),))
    if _OTHER_SEEDS.match(text):
        return Closer(like_first=True, other_seeds=True)
    if _MEND.match(text) and (ids := _RUN_ID.findall(text)):
        return Closer(again=tuple(ids))
    return None


def _from_command(text: str) -> Closer | None:
    """The run of a planned experiment: one of its notebook with its values, else one of its name.

    None where the command says neither.
    """
    try:
        notebook, *words = shlex.split(text)
    except ValueError:
        return None
    options = list(zip(words[::2], words[1::2], strict=False))
    given = (word.partition("=") for option, word in options if option == "-p")
    values = {name: (literal(value),) for name, _, value in given}
    named = next((word for option, word in options if option == "--name"), None)
    if values and notebook.endswith(".ipynb"):
        asked = Closer(notebooks=(notebook,), values=values)
    elif named is not None:
        asked = Closer(conditions=(parse_query(f"name == {named!r}"),))
    else:
        return None
    return replace(asked, written=True, named=named, command=f"lab run {text}")


def _from_notebooks(text: str) -> Closer | None:
    found = [name for name in _NOTEBOOK.findall(text) if not name.startswith("docs/")]
    return Closer(notebooks=tuple(dict.fromkeys(found))) if found else None
