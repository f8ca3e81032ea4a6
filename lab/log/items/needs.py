"""The runs that would close an item, and which of them are there."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab.comparison.measure import attribute, label
from lab.log.entry import Action
from lab.log.items.closing import Closer
from lab.log.items.inventory import Inventory, Slot
from lab.record.run import Run
from lab.record.where import Query

SEED = "seed"


@dataclass(frozen=True)
class Need:
    """One run that is asked for; `run` is the one that answers it, None where there is none yet.

    It matches a done run of one of `notebooks` (any where empty) whose parameters hold `params`,
    or one of `either`.
    `changes` are the parameters that its suite's file gives other values.
    """

    label: str
    notebooks: frozenset[str] = frozenset()
    params: dict[str, Any] = field(default_factory=dict)
    either: tuple[dict[str, Any], ...] = ()
    suite: str | None = None
    arm: str | None = None
    slot: Slot | None = None
    conditions: tuple[Query, ...] = ()
    not_seed: Any = None
    like: str | None = None  # the run it is like
    changes: dict[str, Any] = field(default_factory=dict)
    command: str | None = None  # as a planned experiment says it, with the name it is found by
    run: str | None = None

    @property
    def key(self) -> str:
        """What two items that ask for the same run have in common."""
        same = (sorted(self.notebooks), sorted((k, str(v)) for k, v in self.params.items()))
        rest = [*(query.text for query in self.conditions), self.command]
        return repr((*same, self.suite if not self.params else None, self.not_seed, rest))

    def matches(self, run: Run) -> bool:
        """Whether this done run is the one asked for."""
        if self.notebooks and run.notebook not in self.notebooks:
            return False
        if self.slot is not None:
            return self.slot.is_of(run) and self._fulfils(run)
        if self.suite and not self.params and _suite(run) != self.suite:
            return False
        if self.not_seed is not None and run.params.get(SEED) == self.not_seed:
            return False
        held = any(_holds(run, params) for params in (self.params, *self.either))
        return held and self._fulfils(run)

    def _fulfils(self, run: Run) -> bool:
        return all(query.matches(run) for query in self.conditions)


def needs_of(
    action: Action, closer: Closer, cited: Sequence[str], inventory: Inventory
) -> tuple[Need, ...]:
    """The runs that `action` asks for, each with the run that answers it where there is one.

    A run answers only if it is done, started on the day of the item's entry or later, and after the
    runs that the entry names; of those themselves only one that has the values asked for, since
    then the entry was refreshed with it. Empty where nothing is known to run.
    """
    named = [run for run in (inventory.run(run_id) for run_id in cited) if run is not None]
    by_itself = closer.suites or closer.notebooks or closer.again
    if not named and not by_itself and (closer.every or not closer.written):
        return ()  # it means runs that its entry does not name, or that are not on this machine
    asked = (replace(need, command=closer.command) for need in _asked(closer, named, inventory))
    found = {need.key: need for need in asked}
    own = {*cited} - {*closer.again}
    last = max((run.id for run in named), default="")
    return tuple(
        replace(
            need, run=_answer(need, inventory.done_since(action.date, need.notebooks), own, last)
        )
        for need in found.values()
    )


def same(value: Any, wanted: Any) -> bool:
    """Whether a recorded value is the one asked for, which may have been read from text."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted) or str(value) == str(wanted)


def _holds(run: Run, params: Mapping[str, Any]) -> bool:
    return all(name in run.params and same(run.params[name], v) for name, v in params.items())


def _answer(need: Need, runs: Iterable[Run], own: set[str], last: str) -> str | None:
    for run in runs:
        known = run.id in own and need.slot is None
        if (known or (run.id not in own and run.id > last)) and need.matches(run):
            return run.id
    return None


def _asked(closer: Closer, named: Sequence[Run], inventory: Inventory) -> Iterator[Need]:
    if closer.again:
        for run in (inventory.run(run_id) for run_id in closer.again):
            if run is not None:
                yield _again(run, inventory)
    elif closer.suites:
        for name in closer.suites:
            yield from _of_suite(name, closer, inventory)
    elif closer.notebooks:
        for notebook in inventory.notebooks(closer.notebooks):
            yield from _of_notebook(notebook, closer, inventory)
    elif closer.like_first and named:
        yield _like_first(named[0], closer)
    elif closer.arms:
        yield from _of_arms(named, closer)
    elif closer.every and named:
        for run in named:
            yield from _changed(replace(_like(run, run.params), like=run.id), closer)
    elif closer.values or closer.conditions:
        notebooks = frozenset(run.notebook for run in named if run.notebook)
        for values in _products(closer.values):
            yield Need(
                label=_label("", values) or closer.conditions[0].text,
                notebooks=notebooks,
                params=values,
                conditions=closer.conditions,
                changes=values,
            )


def _again(run: Run, inventory: Inventory) -> Need:
    for item in inventory.slots(_suite(run) or "") or ():
        if item.is_of(run):
            return _of_slot(item, Closer())
    return replace(_like(run, run.params), like=run.id)


def _like_first(run: Run, closer: Closer) -> Need:
    free = {SEED, *(name for query in closer.conditions for name in query.names)}
    need = _like(run, _without(run.params, free))
    asked = [query.text for query in closer.conditions] or ["another seed"]
    return replace(
        need,
        label=" ".join([need.label, *asked]),
        conditions=closer.conditions,
        not_seed=run.seed if closer.other_seeds else None,
        like=run.id,
    )


def _of_arms(named: Sequence[Run], closer: Closer) -> Iterator[Need]:
    """What is asked of each of these arms, on each task: in any setting in which it was run."""
    tasks: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in sorted(named, key=lambda run: run.id, reverse=True):
        arm = label(attribute(run, str(closer.by)))
        if arm in closer.arms:
            tasks[arm, str(run.notebook), label(attribute(run, "dataset"))].append(run)
    for runs in tasks.values():
        settings = [_changed(_like(run, run.params), closer) for run in runs]
        for latest, *others in zip(*settings, strict=True):
            yield replace(latest, either=tuple(need.params for need in others), like=runs[0].id)


def _of_suite(name: str, closer: Closer, inventory: Inventory) -> Iterator[Need]:
    slots = inventory.slots(name)
    if slots:
        bases = [_of_slot(item, closer) for item in slots]
    else:
        bases = [_like(run, run.params) for run in inventory.of_suite(name)]
        if not bases or not closer.values:
            yield Need(label=f"suite {name}", suite=name, conditions=closer.conditions)
            return
    for base in bases:
        yield from _changed(base, closer) if closer.values else (base,)


def _of_notebook(notebook: str, closer: Closer, inventory: Inventory) -> Iterator[Need]:
    holding = inventory.suites_with(notebook)
    if len(holding) == 1 and not closer.values:
        for item in inventory.slots(holding[0]) or ():
            if item.notebook == notebook:
                yield _of_slot(item, closer)
        return
    for values in _products(closer.values):
        yield Need(
            label=_label(notebook.rsplit("/", 1)[-1].removesuffix(".ipynb"), values),
            notebooks=frozenset({notebook}),
            params=values,
            conditions=closer.conditions,
            changes=values,
        )


def _of_slot(item: Slot, closer: Closer) -> Need:
    return Need(
        label=item.label,
        notebooks=frozenset({item.notebook}),
        params=item.params,
        suite=item.suite,
        arm=item.arm,
        slot=item,
        conditions=closer.conditions,
    )


def _like(run: Run, params: Mapping[str, Any]) -> Need:
    stem = (run.notebook or "run").rsplit("/", 1)[-1].removesuffix(".ipynb")
    return Need(
        label=" ".join(part for part in (stem, run.arm if run.arm != stem else "") if part),
        notebooks=frozenset({run.notebook} if run.notebook else ()),
        params=dict(params),
        suite=_suite(run),
        arm=run.arm,
    )


def _changed(base: Need, closer: Closer) -> Iterator[Need]:
    """The run of `base` with each of the values asked for; any seed will do unless one is named."""
    for values in _products(closer.values):
        dropped = {*values, SEED}
        yield replace(
            base,
            label=_label(base.label.partition(" seed=")[0], values),
            params=_without(base.params, dropped) | values,
            slot=None,
            conditions=closer.conditions,
            changes=values,
        )


def _products(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for point in itertools.product(*values.values()):
        yield dict(zip(values, point, strict=True))


def _without(params: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in names}


def _label(name: str, values: Mapping[str, Any]) -> str:
    told = " ".join(f"{key}={value}" for key, value in values.items())
    return f"{name} {told}".strip()


def _suite(run: Run) -> str | None:
    suite = run.record.get("suite")
    return suite.get("name") if isinstance(suite, dict) else None
