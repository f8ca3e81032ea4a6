"""Tomorrow's plan: what looks done, what to run and how long it takes, what is left to a person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import InputError
from lab.log.entry import STALE_DAYS, Action, cited_runs, read_books
from lab.log.items.closing import Closer, closer_of
from lab.log.items.inventory import Inventory, Slot
from lab.log.items.life import actions
from lab.log.items.needs import Need, needs_of
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.suite.schema import Suite


_LEAST = re.compile(r"(?P<name>\w+) >= (?P<value>\d+)")


@dataclass(frozen=True)
class LooksDone:
    """An open item and the runs that answer it."""

    action: Action
    runs: tuple[str, ...]  # newest first

    def as_dict(self) -> dict[str, Any]:
        return self.action.as_dict() | {"runs": list(self.runs)}


@dataclass(frozen=True)
class ToRun:
    """Runs that open items ask for, and how to get them.

    `done` of them are there already. `seconds` is the time of the others by what is recorded,
    without the `unknown` ones of which nothing alike was run. Where no one `command` starts them
    all, it is the first of `commands`. `also` counts what the suite's
    command would run besides, since other runs of it are due, `also_seconds` their time but for the
    `also_unknown` that nothing is known of.
    """

    name: str  # of the suite, else the notebook
    file: str | None
    command: str
    before: str | None  # what to change first
    actions: tuple[Action, ...]
    runs: int
    done: int
    seconds: float
    unknown: int
    workers: int
    also: int = 0
    also_seconds: float = 0.0
    also_unknown: int = 0
    commands: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"actions": [action.id for action in self.actions]}


@dataclass(frozen=True)
class NextPlan:
    """What the open items of the log ask for next."""

    looks_done: tuple[LooksDone, ...]
    to_run: tuple[ToRun, ...]
    by_hand: tuple[Action, ...]  # no run is known that would close them
    stale: tuple[Action, ...]
    stale_after: int  # days
    open: int
    recorded: int  # runs on this machine, from which all this is known
    runs: int  # that are missing, each counted once however many items ask for it
    seconds: float
    unknown: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "open": self.open,
            "recorded": self.recorded,
            "looks_done": [item.as_dict() for item in self.looks_done],
            "to_run": [item.as_dict() for item in self.to_run],
            "by_hand": [action.as_dict() for action in self.by_hand],
            "stale": [action.as_dict() for action in self.stale],
            "stale_after": self.stale_after,
            "runs": self.runs,
            "seconds": self.seconds,
            "unknown": self.unknown,
        }


def next_plan(*, stale_after: int = STALE_DAYS, workspace: Workspace | None = None) -> NextPlan:
    """What to do next: the open items, the runs that would close them, and their time.

    `stale_after` is in days. Times are of runs alike, as recorded. Changes nothing.

    plan = lab.next()
    plan.seconds / 3600
    """
    if stale_after < 0:
        raise InputError("A number of days is not negative", seen=stale_after, do="As in: 30.")
    workspace = workspace or Workspace.find()
    found = _newest_first(actions("open", workspace=workspace))
    inventory = Inventory(workspace)
    asked = dict(_asked(found, inventory, workspace))
    looks_done = {i: needs for i, needs in asked.items() if needs and all(n.run for n in needs)}
    waiting = {i: needs for i, needs in asked.items() if needs and i not in looks_done}
    to_run = _to_run([a for a in found if a.id in waiting], waiting, inventory, workspace)
    missing = {n.key: n for needs in waiting.values() for n in needs if n.run is None}
    times = [_seconds(need, inventory) for need in missing.values()]
    by_hand = [a for a in found if a.id not in looks_done and a.id not in waiting]
    return NextPlan(
        looks_done=tuple(
            LooksDone(a, _answers(looks_done[a.id])) for a in found if a.id in looks_done
        ),
        to_run=tuple(to_run),
        by_hand=tuple(a for a in by_hand if not a.stale(stale_after)),
        stale=tuple(a for a in found if a.stale(stale_after)),
        stale_after=stale_after,
        open=len(found),
        recorded=len(inventory.runs),
        runs=len(times),
        seconds=sum(time or 0.0 for time in times),
        unknown=sum(time is None for time in times),
    )


def looks_done(*, workspace: Workspace | None = None) -> dict[str, tuple[str, ...]]:
    """The open items that done runs answer, by id: the runs, newest first."""
    workspace = workspace or Workspace.find()
    asked = _asked(actions("open", workspace=workspace), Inventory(workspace), workspace)
    return {i: _answers(needs) for i, needs in asked if needs and all(n.run for n in needs)}


def _asked(
    found: Sequence[Action], inventory: Inventory, workspace: Workspace
) -> list[tuple[str, tuple[Need, ...]]]:
    """The runs that each item asks for; nothing is read where none asks for any."""
    closers: list[tuple[Action, Closer]] = [
        (action, closer) for action in found if (closer := closer_of(action.text))
    ]
    if not closers:
        return []
    cited = cited_runs(read_books(workspace), workspace)
    return [
        (action.id, needs_of(action, closer, cited.get(action.id, ()), inventory))
        for action, closer in closers
    ]


def _answers(needs: Sequence[Need]) -> tuple[str, ...]:
    return tuple(sorted({need.run for need in needs if need.run}, reverse=True))


def _newest_first(found: Sequence[Action]) -> list[Action]:
    return sorted(found, key=lambda a: (a.since or "", a.number), reverse=True)


def _to_run(
    found: Sequence[Action],
    waiting: Mapping[str, Sequence[Need]],
    inventory: Inventory,
    workspace: Workspace,
) -> list[ToRun]:
    """The runs that are missing, grouped by what starts them."""
    groups: dict[tuple[str, ...], dict[str, Need]] = defaultdict(dict)
    asking: dict[tuple[str, ...], dict[str, Action]] = defaultdict(dict)
    for action in found:
        for need in waiting[action.id]:
            group = _group(need)
            groups[group][need.key] = need
            if need.run is None:
                asking[group][action.id] = action
    made = [
        _one_to_run(list(groups[group].values()), tuple(items.values()), inventory, workspace)
        for group, items in asking.items()
    ]
    # The newest question first; of equal ones what closes most, then what is done soonest.
    made.sort(key=lambda item: (-len(item.actions), item.seconds))
    made.sort(key=lambda item: max(a.since or "" for a in item.actions), reverse=True)
    return made


def _group(need: Need) -> tuple[str, ...]:
    name = _name(need)
    # Seeds are added to a suite together; another value of anything else is another experiment.
    rest = [f"{n}={v}" for n, v in need.changes.items() if n != "seed"]
    rest += [query.text for query in need.conditions]
    rest += [need.command] if need.command else []
    return (name, *(["seed"] if "seed" in need.changes else []), *rest)


def _one_to_run(
    needs: Sequence[Need], asking: tuple[Action, ...], inventory: Inventory, workspace: Workspace
) -> ToRun:
    missing = [need for need in needs if need.run is None]
    first = missing[0]
    times = [_seconds(need, inventory) for need in missing]
    suite = inventory.suites.get(first.suite or "") if _by_suite_file(first) else None
    start = _by_suite(missing, *suite, inventory, workspace) if suite else _by_hand(first)
    others = [inventory.seconds((i.notebook,), i.params, i.suite, i.arm) for i in start.others]
    return ToRun(
        name=_name(first),
        file=workspace.relative(suite[0]) if suite else None,
        command=start.command,
        before=start.before,
        actions=asking,
        runs=len(missing),
        done=len(needs) - len(missing),
        seconds=sum(time or 0.0 for time in times),
        unknown=sum(time is None for time in times),
        workers=suite[1].workers if suite else 1,
        also=len(start.others),
        also_seconds=sum(time or 0.0 for time in others),
        also_unknown=sum(time is None for time in others),
        commands=() if suite else tuple(dict.fromkeys(_by_hand(n).command for n in missing)),
    )


@dataclass(frozen=True)
class _Start:
    """The command that starts runs, what to change first, and what it starts besides."""

    command: str
    before: str | None = None
    others: tuple[Slot, ...] = ()


def _by_suite_file(need: Need) -> bool:
    """Whether a suite's file can ask for such a run: not for one with conditions, or like one."""
    return need.slot is not None or bool(need.changes) or not need.notebooks


def _name(need: Need) -> str:
    suite = need.suite if _by_suite_file(need) else None
    return suite or ", ".join(sorted(need.notebooks)) or need.label


def _by_hand(need: Need) -> _Start:
    if need.command:
        return _Start(need.command)
    given = {name: str(value) for name, value in need.changes.items()}
    asked = []
    for query in need.conditions:
        least = _LEAST.fullmatch(query.text)
        given |= {least["name"]: least["value"]} if least else {}
        if not least:
            given |= {name: "VALUE" for name in query.names if "/" not in name}
            asked.append(query.text)
    if need.not_seed is not None:
        given["seed"] = str(need.not_seed + 1)
    values = "".join(f" -p {name}={value}" for name, value in given.items())
    what = f"lab rerun {need.like}" if need.like else f"lab run {_first(need.notebooks)}"
    return _Start(f"{what}{values}", f"choose {' and '.join(asked)}" if asked else None)


def _first(notebooks: frozenset[str]) -> str:
    return min(notebooks, default="NOTEBOOK")


def _by_suite(
    missing: Sequence[Need], path: Path, suite: Suite, inventory: Inventory, workspace: Workspace
) -> _Start:
    file = workspace.relative(path)
    matrix = suite.matrix or {}
    values = _values(missing)
    if set(values) - set(matrix):
        told = ", ".join(f"`{n}: {v}`" for n, vs in values.items() for v in vs)
        return _Start("lab suite run COPY.yaml", f"copy {file}, give it a `name:` and {told}")
    added = {n: [v for v in vs if v not in matrix[n]] for n, vs in values.items()}
    added = {n: vs for n, vs in added.items() if vs}
    wider = {n: [*matrix[n], *added.get(n, ())] for n in matrix} or None
    plan = inventory.slots_of(suite.model_copy(update={"matrix": wider})) or []
    due = [item for item in plan if item.due]
    others = [item for item in due if not any(_is(need, item) for need in missing)]
    # By its own rules the suite may have nothing to run, since nothing changed.
    fresh = "" if added or len(due) - len(others) >= len(missing) else " --fresh"
    told = " and ".join(
        f"add {', '.join(map(str, vs))} to `{n}` under `matrix:`" for n, vs in added.items()
    )
    return _Start(
        f"lab suite run {file}{fresh}", f"{told} in {file}" if told else None, tuple(others)
    )


def _values(needs: Sequence[Need]) -> dict[str, list[Any]]:
    """The values that the runs need beyond what their suite's file says."""
    found: dict[str, list[Any]] = defaultdict(list)
    for need in needs:
        for name, value in need.changes.items():
            if value not in found[name]:
                found[name].append(value)
    return found


def _is(need: Need, item: Slot) -> bool:
    """Whether a planned run of a suite is the one that is needed."""
    if need.slot is not None:
        return (need.slot.arm, need.slot.matrix) == (item.arm, item.matrix)
    return (
        need.arm == item.arm
        and item.notebook in need.notebooks
        and all(item.params.get(name) == value for name, value in need.changes.items())
    )


def _seconds(need: Need, inventory: Inventory) -> float | None:
    least = [m for query in need.conditions if (m := _LEAST.fullmatch(query.text))]
    params = need.params | {match["name"]: int(match["value"]) for match in least}
    return inventory.seconds(need.notebooks, params, need.suite, need.arm)
