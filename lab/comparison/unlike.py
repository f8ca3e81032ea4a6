"""Runs that are not of one kind: settings mixed in an arm, data or code that changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lab.comparison.arms import ELSEWHERE, SETTINGS, Placed
from lab.comparison.measure import ARM

_Fingerprints = tuple[tuple[str, str], ...]
_ANYTHING = (ARM, "suite.arm", "notebook", "name", "code", SETTINGS)  # arms meant to differ freely


@dataclass(frozen=True)
class Refusal:
    """Why arms get no verdict, for a reader; and what to ask for instead, for who compares."""

    why: str
    do: str


def refusal(
    members: Sequence[Placed], by: str, rows: str | None, seed_param: str
) -> Refusal | None:
    """Why the arms of one row get no verdict: one mixes settings, or their data differ."""
    ignored = {by, rows, seed_param} | ELSEWHERE
    if mixed := mixtures(members, ignored):
        what = ", ".join(mixed)
        name = next(iter(mixed.values()))
        return Refusal(
            f"runs of one arm differ in {what}, not only in the seed",
            f"Tell them apart with --rows {name} or --where, or say --mix.",
        )
    if told := _data(members, by):
        split = _splitting(members, ignored)
        advice = f"--rows {split}" if split else "--where"
        return Refusal(
            f"{told[:1].lower()}{told[1:]}", f"Tell the runs apart with {advice}, or say --mix."
        )
    return None


def mixtures(members: Sequence[Placed], ignored: set[str | None]) -> dict[str, str]:
    """What varies inside an arm, in words, with its name: {"`lr` (0.1, 0.2)": "lr"}."""
    within: dict[str, set[str]] = defaultdict(set)
    for group in _by_arm(members).values():
        for name, values in _values(group, ignored).items():
            if len(values) > 1:
                within[name] |= values
    return {
        f"`{name}` ({_some(values)})": name
        for name, values in within.items()
        if not _drawn_by_seed(members, lambda m, name=name: m.settings.get(name))  # type: ignore[misc]
    }


def of_mixture(members: Sequence[Placed], ignored: set[str | None]) -> Iterator[str]:
    """Which arms hold runs that differ in more than the seed, for a note."""
    for what, name in mixtures(members, ignored).items():
        groups = _by_arm(members)
        arms = [arm for arm, group in groups.items() if len(_values(group, ignored)[name]) > 1]
        listed = ", ".join(f"`{arm}`" for arm in arms)
        yield f"Mixed arms: runs of {listed} differ in {what}, not only in the seed."


def of_confounding(members: Sequence[Placed], by: str, ignored: set[str | None]) -> Iterator[str]:
    """Parameters that differ between arms beside `by`, each arm having one value."""
    if by in _ANYTHING:
        return
    found = [_values(group, ignored) for group in _by_arm(members).values()]
    told = []
    for name in sorted({name for values in found for name in values}):
        sets = [values.get(name, {"none"}) for values in found]
        if len({frozenset(values) for values in sets}) > 1 and all(len(v) == 1 for v in sets):
            told.append(f"`{name}` ({_some(set().union(*sets))})")
    if told:
        yield f"The arms differ in more than `{by}`: {'; '.join(told)}."


def of_data(members: Sequence[Placed], by: str, where: str) -> Iterator[str]:
    """What is told of the data where it does not forbid a verdict, or --mix allowed one."""
    prints = {_fingerprints(member) for member in members}
    if len(prints) > 1 and _drawn_by_seed(members, _fingerprints):
        yield f"Every seed has data of its own{where}."
    elif told := _data(members, by):
        yield f"{told}{where}."
    elif len(prints) > 1 and by not in _DATA:
        yield f"Every value of `{by}` has generated data of its own{where}."


def of_code(members: Sequence[Placed], by: str) -> Iterator[str]:
    """Versions of the code and of a notebook that ran, which the sentence cannot judge."""
    if by != "code" and (told := _versions(members, lambda m: m.run.record.get("code"))):
        yield f"The runs are of {told[0]} versions of the code{told[1]}."
    notebooks: dict[str, list[Placed]] = defaultdict(list)
    for member in members:
        notebooks[member.run.notebook or ""].append(member)
    for notebook, group in sorted(notebooks.items()):
        if told := _versions(group, lambda m: m.run.record.get("notebook_sha256")):
            yield f"The runs are of {told[0]} versions of `{notebook}`{told[1]}."


_DATA = ("dataset", "data")


def _data(members: Sequence[Placed], by: str) -> str | None:
    """How the data differ where that makes values hard to compare; without a full stop."""
    found = {_fingerprints(member) for member in members}
    if len(found) < 2 or by in _DATA or _drawn_by_seed(members, _fingerprints):
        return None
    names = {tuple(name for name, _ in prints) for prints in found}
    if len(names) > 1:
        listed = ", ".join(sorted({" and ".join(read) or "none" for read in names}))
        return f"The runs read different data sets ({listed})"
    prints: dict[str, set[str]] = defaultdict(set)
    for one in found:
        for name, sha256 in one:
            prints[name].add(sha256)
    changed = sorted(name for name, versions in prints.items() if len(versions) > 1)
    if _is_parameter(members, by) and _generated(members, changed) and _one_each(members):
        return None  # asked for: the parameter says what is generated
    return f"The data changed between runs: {', '.join(changed)}"


def _fingerprints(member: Placed) -> _Fingerprints:
    sources = member.run.record.get("data") or []
    return tuple(sorted((str(s.get("name", "?")), str(s.get("sha256"))) for s in sources))


def _is_parameter(members: Sequence[Placed], by: str) -> bool:
    return by != ARM and any(by in member.run.params for member in members)


def _generated(members: Iterable[Placed], names: Sequence[str]) -> bool:
    """Whether the data of these names came from no file in any run."""
    return all(
        source.get("path") is None
        for member in members
        for source in member.run.record.get("data") or []
        if source.get("name") in names
    )


def _one_each(members: Sequence[Placed]) -> bool:
    return all(len({_fingerprints(m) for m in group}) == 1 for group in _by_arm(members).values())


def _drawn_by_seed(members: Sequence[Placed], of: Callable[[Placed], Any]) -> bool:
    """Whether what is asked differs from seed to seed and is the same in all arms of a seed."""
    found: dict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.seed is None:
            return False
        found[repr(member.seed)].add(repr(of(member)))
    distinct = set().union(*found.values())
    return all(len(values) == 1 for values in found.values()) and 1 < len(distinct) == len(found)


def _splitting(members: Sequence[Placed], ignored: set[str | None]) -> str | None:
    """A parameter, or the notebook, that tells runs on one data set from those on another."""
    names = [name for name in _values(members, ignored) if name not in ignored]
    for name in sorted(names, key=lambda name: (name != "dataset", name)):
        found: dict[str, set[_Fingerprints]] = defaultdict(set)
        for member in members:
            found[member.settings.get(name, "none")].add(_fingerprints(member))
        if len(found) > 1 and all(len(prints) == 1 for prints in found.values()):
            return name
    return None


def _versions(members: Sequence[Placed], of: Callable[[Placed], Any]) -> tuple[int, str] | None:
    """How many versions there are of what is asked, and whether every arm has the same ones."""
    found = {of(member) for member in members}
    if len(found) < 2:
        return None
    per_arm = {frozenset(of(m) for m in group) for group in _by_arm(members).values()}
    return len(found), ", not the same in every arm" if len(per_arm) > 1 else ""


def _values(members: Sequence[Placed], ignored: set[str | None]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for member in members:
        for name, value in member.settings.items():
            if name not in ignored:
                found[name].add(value)
    return found


def _by_arm(members: Iterable[Placed]) -> dict[str, list[Placed]]:
    groups: dict[str, list[Placed]] = defaultdict(list)
    for member in members:
        groups[member.arm or ""].append(member)
    return groups


def _some(values: set[str]) -> str:
    listed = sorted(values)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
