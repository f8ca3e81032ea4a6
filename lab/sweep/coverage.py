"""Coverage: what a search space holds, exactly, and what of it the trials of a study visited."""

from __future__ import annotations

from typing import Any

from lab.sweep import visits
from lab.sweep.changes import change_of, dropped, parent_space
from lab.sweep.space import Parameter, Space, value_text
from lab.sweep.storage import read_study
from lab.sweep.study import Study
from lab.workspace import Workspace

_PHASES = ("random", "adaptive", "imported")
FEW = 10  # trials of a branch below which it is compared with nothing


def coverage(study: Study | str, workspace: Workspace | None = None) -> dict[str, Any]:
    """All that the coverage document says, as plain values.

    `space` is exact and needs no trials; `visited` is None where there are none.
    """
    place = workspace or Workspace.find()
    if not isinstance(study, Study):
        study = read_study(study, place)
    return {
        "study_name": study.name,
        "notebook": study.notebook,
        "objective": study.objective,
        "direction": study.direction,
        "source": study.source,
        "inferred": study.inferred,
        "space": _space(study.space, place),
        "visited": _visited(study) if study.trials else None,
    }


def _space(space: Space, workspace: Workspace) -> dict[str, Any]:
    parent = parent_space(space, workspace)
    branches = [
        {
            "name": branch.name,
            "combinations": space.combinations(branch),
            "discrete": [
                {"name": n, "values": len(space.parameter(n).values or ())}
                for n in branch.active
                if space.parameter(n).values is not None and n not in branch.values
            ],
            "continuous": [n for n in branch.active if space.parameter(n).values is None],
        }
        for branch in space.branches()
    ]
    combinations = _combinations(space)
    return {
        "parameters": len(space.params),
        "groups": _groups(space, parent),
        "parent": space.parent if parent is not None else None,
        "new": _new(space, parent),
        "dropped": dropped(space, parent) if parent is not None else [],
        "fixed": dict(space.fixed),
        "seeds": list(space.seeds),
        "tree": tree(space),
        "branches": branches,
        "by_switch": _by_switch(space),
        "combinations": combinations,
        "reachable_percent": 100 * min(space.n_trials / combinations, 1),
        "n_trials": space.n_trials,
        "n_random": space.n_random,
        "n_adaptive": space.n_trials - space.n_random,
        "last_random": space.n_random - 1,
        "random_each_branch": space.n_random / len(branches),
        "sampler": space.sampler,
        "pruner": space.pruner,
        "notes": space.notes,
        "rationale": space.rationale,
    }


def _combinations(space: Space) -> int:
    return sum(space.combinations(branch) for branch in space.branches())


def _groups(space: Space, parent: Space | None) -> list[dict[str, Any]]:
    """The parameters by condition: those that are always active first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for parameter in sorted(space.params, key=lambda p: bool(p.when)):
        groups.setdefault(condition_text(parameter), []).append(
            {
                "name": parameter.name,
                "type": parameter.type_text,
                "range": parameter.describe(),
                "note": _note(parameter, parent),
            }
        )
    return [{"condition": name, "parameters": rows} for name, rows in groups.items()]


def _note(parameter: Parameter, parent: Space | None) -> str:
    change = change_of(parameter, parent) if parent is not None else ""
    limits = [
        f"never {word} {value_text(limit)}"
        for word, limit in (("below", parameter.hard_low), ("above", parameter.hard_high))
        if limit is not None
    ]
    return "; ".join(part for part in (change, parameter.note, *limits) if part)


def _new(space: Space, parent: Space | None) -> list[str]:
    return [] if parent is None else [n for n in space.names if n not in parent.names]


def condition_text(parameter: Parameter) -> str:
    """`encoder_type = "cnn"`; "" for a parameter that is always active."""
    return " and ".join(
        f"{name} = {' or '.join(map(value_text, values))}"
        for name, values in parameter.when.items()
    )


def _by_switch(space: Space) -> list[dict[str, Any]]:
    """Combinations by the value of the first switch, as a total over the branches below it."""
    if len(space.switches) < 2:
        return []
    first = space.switches[0].name
    totals: dict[str, int] = {}
    for branch in space.branches():
        if first in branch.values:
            name = f"{first} = {value_text(branch.values[first])}"
            totals[name] = totals.get(name, 0) + space.combinations(branch)
    return [{"name": name, "combinations": count} for name, count in totals.items()]


def tree(space: Space) -> list[str]:
    """The conditions as lines of a tree: switches, their values, what each value brings."""
    lines: list[str] = []
    for switch in space.switches:
        if not switch.when:
            lines.append(switch.name)
            lines += _limbs(space, switch, "")
    return lines


def _limbs(space: Space, switch: Parameter, indent: str) -> list[str]:
    lines = []
    values = list(switch.values or ())
    for value in values:
        last = value is values[-1]
        below = [p for p in space.params if value in p.when.get(switch.name, ())]
        names = ", ".join(_with_rest(p, switch.name) for p in below) or "nothing more"
        lines.append(f"{indent}{'└──' if last else '├──'} {value_text(value)}: {names}")
        deeper = indent + ("    " if last else "│   ")
        for parameter in below:
            if parameter in space.switches:
                lines.append(f"{deeper}{parameter.name}")
                lines += _limbs(space, parameter, deeper)
    return lines


def _with_rest(parameter: Parameter, switch: str) -> str:
    """A parameter, with the part of its condition that another switch makes."""
    rest = Parameter(
        parameter.name,
        parameter.kind,
        when={name: values for name, values in parameter.when.items() if name != switch},
    )
    return f"{parameter.name} (if {condition_text(rest)})" if rest.when else parameter.name


def _visited(study: Study) -> dict[str, Any]:
    trials = list(study.trials)
    space = study.space
    branches = [_branch(study, name, trials) for name, trials in _by_branch(study)]
    states = ("complete", "pruned", "failed", "running")
    best = study.best
    tried = {
        (branch.name, tuple(t.params.get(n) for n in _discrete(space, branch.active)))
        for branch in space.branches()
        for t in study.of(branch)
    }
    return {
        "trials": len(trials),
        **{state: sum(t.state == state for t in trials) for state in states},
        "phases": {phase: sum(t.phase == phase for t in trials) for phase in _PHASES},
        "best": None if best is None else {"number": best.number, "value": best.value},
        "branches": branches,
        "outside": sum(not any(b.holds(t.params) for b in space.branches()) for t in trials),
        "combinations": len(tried),
        "combinations_percent": 100 * len(tried) / _combinations(space),
        "parameters": [
            visits.visited(parameter, trials)
            | {
                "by_branch": {
                    name: visits.visited(parameter, inside)
                    for name, inside in _by_branch(study)
                    if any(parameter.name in t.params for t in inside)
                }
            }
            for parameter in space.params
        ],
        "pairs": visits.pairs(space, trials),
        "discrepancy": visits.discrepancy(study),
        "boundary_hits": visits.boundary_hits(study),
        "duplicates": visits.duplicates(trials),
        "holes": visits.holes(study),
        "never": [b["name"] for b in branches if not b["trials"]],
    }


def _discrete(space: Space, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if space.parameter(name).values is not None]


def _by_branch(study: Study) -> list[tuple[str, list[Any]]]:
    return [(branch.name, study.of(branch)) for branch in study.space.branches()]


def _branch(study: Study, name: str, trials: list[Any]) -> dict[str, Any]:
    inside = [t for t in study.ranked() if t in trials]
    return {
        "name": name,
        "trials": len(trials),
        **{s: sum(t.state == s for t in trials) for s in ("complete", "pruned", "failed")},
        "best": inside[0].value if inside else None,
        "few": len(inside) < FEW,
    }
