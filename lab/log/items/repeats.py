"""Action items that comparisons and diagnoses propose: each once, unless it was done meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.diagnosis.finding import STEPS
from lab.errors import LabError
from lab.log.entry import Action, actions_and_runs, read_books
from lab.log.items.closing import closer_of, without_closer
from lab.log.items.inventory import SUITES
from lab.log.items.register import fresh_id, read_register
from lab.log.items.wording import stamped
from lab.record.lazy import shelf_of
from lab.record.run import Run
from lab.workspace import Workspace

# What an item is about, whatever numbers it gives: two of one topic ask for the same.
_TOPICS = {
    "more_seeds": r"run seeds? .* of (?:every arm|`)|repeat with (?:other|more) seeds",
    "early_stopping": r"stop (?:early|around)",
    "regularise": r"regularise",
    "lower_lr": r"lower the learning rate",
    "clip_gradients": r"clip (?:the )?gradients",
    "disable_amp": r"train in full precision|disable amp",
}
_LONGER = re.compile(r"run (?:longer|at least)\D*(?P<count>\d+)?", re.IGNORECASE)
_RUN_ID = re.compile(r"\b\d{8}_\d{6}")
_NUMBER = re.compile(r"(`[^`]*`)|\d+(?:\.\d+)?")
_SUITE_FILES = (".yaml", ".yml")

Scope = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Proposed:
    """The items an entry asks for, and those that it leaves out since the log has them already."""

    texts: tuple[str, ...]
    repeated: tuple[Action, ...]


def not_repeated(
    texts: Sequence[str], about: Sequence[Run], workspace: Workspace, *, keep: Sequence[str] = ()
) -> Proposed:
    """The items among `texts` that no open or rejected one of the log asks for already.

    An item repeats another of the same topic that was written about the same arms, or about more.
    What is new gets an id on its line, and names the suite that would close it where there is one.
    Texts in `keep` are a person's own and stay as they are.
    """
    if not any(text not in keep for text in texts):
        return Proposed(tuple(texts), ())
    books = read_books(workspace)
    known, cited = actions_and_runs(books, workspace)
    asked = [action for action in known if action.state in ("open", "rejected")]
    taken = {*(one.id for one in read_register(workspace)), *(action.id for action in known)}
    scope, suite = _scope(about), _whole_suite(about, workspace)
    seen = _Scopes(cited, workspace)
    kept: list[str] = []
    repeated: list[Action] = []
    for text in texts:
        if text in keep:
            kept.append(text)
            continue
        before = _repeats(text, scope, about, asked, seen)
        if before is not None:
            repeated.append(before)
            continue
        action_id = fresh_id(_identity(text, scope), taken)
        taken.add(action_id)
        kept.append(stamped(_closing(text, suite), action_id))
    return Proposed(tuple(kept), tuple(dict.fromkeys(repeated)))


@lru_cache(maxsize=8192)
def topic_of(text: str) -> str:
    """What an item asks for: its topic, else its words up to the reason, without numbers.

    Run seeds 3 and 4 of every arm: 5 seeds allow a verdict    "more_seeds"
    Run longer (`epochs=10`): 14 of 18 runs were improving     "longer 10"
    Try `width` above 256: the best value is the largest tried "try `width` above 256"
    """
    plain = without_closer(text)
    for topic, pattern in _TOPICS.items():
        if re.match(pattern, plain, re.IGNORECASE):
            return topic
    if match := _LONGER.match(plain):
        return f"longer {match['count'] or ''}".strip()
    head = plain.partition(": ")[0].lower().rstrip(".")
    for key, step in STEPS.items():
        if head == step.partition(": ")[0].lower():
            return key
    if _RUN_ID.search(plain):
        return plain.lower()
    if head.startswith("try "):
        return head  # there the number is what is asked for
    return _NUMBER.sub(lambda match: match[1] or "#", head)


class _Scopes:
    """The arms that items were written about, each entry's runs read once."""

    def __init__(self, cited: dict[str, tuple[str, ...]], workspace: Workspace) -> None:
        self._cited = cited
        self._shelf = shelf_of(workspace)
        self._runs: dict[str, Run | None] = {}
        self._lacking: dict[str, set[str]] = {}  # runs without a suite or notebook of this name
        self._scopes: dict[tuple[str, ...], Scope] = {}  # items of one entry share theirs

    def may_have(self, action: Action, scope: Scope) -> bool:
        """Whether a run of an item can be of the first arm of a scope; none is read for it."""
        name = next((arm[0] for arm in sorted(scope)), "")
        if not name:
            return True
        if name not in self._lacking:
            ids = self._shelf.ids
            self._lacking[name] = {*ids} - {*self._shelf.may_hold("record", [name])}
        return not self._lacking[name].issuperset(self._cited.get(action.id, ()))

    def of(self, action: Action) -> Scope:
        cited = self._cited.get(action.id, ())
        if cited not in self._scopes:
            self._scopes[cited] = _scope(filter(None, map(self._run, cited)))
        return self._scopes[cited]

    def _run(self, run_id: str) -> Run | None:
        if run_id not in self._runs:
            try:
                self._runs[run_id] = self._shelf.run(run_id)
            except LabError:  # `lab check` tells of what is damaged
                self._runs[run_id] = None
        return self._runs[run_id]


def _repeats(
    text: str, scope: Scope, about: Sequence[Run], asked: Sequence[Action], seen: _Scopes
) -> Action | None:
    topic = topic_of(text)
    own = fresh_id(_identity(text, scope), ())
    suites = {_suite(run) for run in about}
    for action in reversed(asked):
        if action.id.partition("-")[0] == own:
            return action
        if topic_of(action.text) != topic:
            continue
        closer = closer_of(action.text)
        if closer and closer.suites and suites <= {*closer.suites}:
            return action
        if seen.may_have(action, scope) and scope <= seen.of(action):
            return action
    return None


def _identity(text: str, scope: Scope) -> str:
    return f"{topic_of(text)}\n{sorted(scope)}"


def _scope(runs: Iterable[Run]) -> Scope:
    """The arms of runs: as their suite names them, else by notebook and parameters."""
    return frozenset(_arm(run) for run in runs)


def _arm(run: Run) -> tuple[str, ...]:
    suite = _suite(run)
    if suite and run.arm:
        return (suite, run.arm, run.notebook or "")
    params: dict[str, Any] = {n: v for n, v in run.params.items() if n != "seed"}
    return (run.notebook or "", repr(sorted(params.items())))


def _whole_suite(about: Sequence[Run], workspace: Workspace) -> str | None:
    """The suite whose arms are those of these runs, all of them and no other."""
    names = {_suite(run) for run in about}
    name = names.pop() if len(names) == 1 else None
    if not name:
        return None
    files = [workspace.root / SUITES / f"{name}{suffix}" for suffix in _SUITE_FILES]
    for file in filter(Path.is_file, files):
        from lab.suite import read_suite

        try:
            suite = read_suite(file)
        except (LabError, OSError):
            continue
        arms = {item.arm for item in suite.runs}
        if suite.name == name and arms == {run.arm for run in about}:
            return name
    return None


def _closing(text: str, suite: str | None) -> str:
    """The text with the suite that would close it, where it asks for runs of every arm."""
    closer = closer_of(text)
    if suite is None or closer is None or closer.written or not closer.every:
        return text
    values = [f"`{name}={value}`" for name, found in closer.values.items() for value in found]
    return f"{text} (closes with {', '.join([f'suite `{suite}`', *values])})"


def _suite(run: Run) -> str | None:
    suite = run.record.get("suite")
    return suite.get("name") if isinstance(suite, dict) else None
