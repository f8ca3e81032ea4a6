"""Space files: the YAML of a search space, read with the line of every error, and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import InputError, SweepError, nearest
from lab.executors.resources import resources_of
from lab.sweep.space import CONFIRM, Parameter, Space, value_text
from lab.sweep.space_check import check_notebook, check_space
from lab.yamlfile import Location, YamlFile, load_yaml

if TYPE_CHECKING:
    from lab.workspace import Workspace

SAMPLERS = {"tpe": {"n_startup_trials", "seed"}, "random": {"seed"}}
PRUNERS = {
    "none": set[str](),
    "median": {"n_startup_trials", "n_warmup_steps"},
    "hyperband": {"min_resource", "max_resource", "reduction_factor"},
}

_KEYS = (
    *("study_name", "parent", "notes", "notebook", "objective", "direction", "n_trials"),
    *("sampler", "pruner", "seeds", "confirm", "slurm", "carry_over", "carry_ignoring"),
    *("fixed", "param_ranges", "rationale"),
)
_PARAMETER_KEYS = (
    *("type", "low", "high", "log", "step", "choices", "when", "condition"),
    *("hard_low", "hard_high", "note"),
)
_FOR = {
    "float": {"low", "high", "log", "step", "hard_low", "hard_high"},
    "int": {"low", "high", "log", "step", "hard_low", "hard_high"},
    "categorical": {"choices"},
}
_COMMON = {"type", "when", "condition", "note"}


def read_space(path: Path, workspace: Workspace | None = None) -> Space:
    """The space of a file, checked whole; against its notebook where `workspace` is given."""
    file = load_yaml(path, SweepError)
    if not isinstance(file.value, dict):
        raise SweepError(
            f"{path} is not a search space",
            seen=type(file.value).__name__,
            do="It is a mapping with at least `study_name:`, `notebook:` and `param_ranges:`.",
        )
    space = _Reader(file).space()
    check_space(file, space)
    if workspace is not None:
        check_notebook(file, space, workspace)
    return space


class _Reader:
    """Takes the values of a file apart, and tells the line of what does not fit."""

    def __init__(self, file: YamlFile) -> None:
        self._file = file

    def space(self) -> Space:
        value = self._file.value
        self._known(value, _KEYS, ())
        name = self._text(value, "study_name", required=True) or ""
        if name in (".", "..") or "/" in name or "\\" in name:
            raise self._wrong(("study_name",), repr(name), "It names a folder: no slashes.")
        direction = value.get("direction", "maximize")
        if direction not in ("maximize", "minimize"):
            raise self._wrong(("direction",), direction, nearest(str(direction), _DIRECTIONS))
        given = {
            key: self._text(value, key)
            for key in ("notebook", "objective", "parent", "carry_over", "notes", "rationale")
            if value.get(key) is not None
        }
        return Space(
            name=name,
            direction=direction,
            n_trials=self._count(value.get("n_trials", 100), ("n_trials",)),
            sampler=self._method(value.get("sampler", "tpe"), "sampler", SAMPLERS),
            pruner=self._method(value.get("pruner", "none"), "pruner", PRUNERS),
            fixed=self._mapping(value.get("fixed") or {}, ("fixed",)),
            seeds=self._seeds(value.get("seeds")),
            carry_ignoring=self._names(value.get("carry_ignoring") or [], "carry_ignoring"),
            confirm=self._confirm(value.get("confirm", {})),
            slurm=self._slurm(value.get("slurm") or {}),
            params=self._parameters(value.get("param_ranges")),
            **given,  # type: ignore[arg-type]
        )

    def _parameters(self, ranges: Any) -> tuple[Parameter, ...]:
        at: Location = ("param_ranges",)
        if not ranges:
            raise self._wrong(at, "nothing", "Name at least one parameter to search.")
        return tuple(
            self._parameter(name, self._mapping(entry, (*at, name)), (*at, name))
            for name, entry in self._mapping(ranges, at).items()
        )

    def _parameter(self, name: str, entry: dict[str, Any], at: Location) -> Parameter:
        self._known(entry, _PARAMETER_KEYS, at)
        kind = entry.get("type", "categorical" if "choices" in entry else None)
        if kind not in _FOR:
            raise self._wrong((*at, "type"), kind, nearest(str(kind), _FOR))
        for key in entry:
            if key not in _FOR[kind] | _COMMON:
                allowed = nearest(key, sorted(_FOR[kind] | _COMMON))
                raise self._wrong((*at, key), f"it is {kind}", allowed, "cannot be there")
        choices = entry.get("choices", [])
        if not isinstance(choices, list):
            raise self._wrong((*at, "choices"), choices, "Write a list, as in [16, 32].")
        whole = kind == "int"
        for key in ("low", "high"):
            if kind != "categorical" and key not in entry:
                raise self._wrong(at, "missing", f"Give `{key}:`.", f"lacks {key}")
        numbers = {
            key: self._number(entry[key], (*at, key), whole=whole)
            for key in ("low", "high", "step", "hard_low", "hard_high")
            if key in entry
        }
        if not isinstance(entry.get("log", False), bool):
            raise self._wrong((*at, "log"), entry["log"], "Write true or false.")
        return Parameter(
            name=name,
            kind=kind,
            log=entry.get("log", False),
            choices=tuple(choices),
            when=self._when(entry, at),
            note=str(entry.get("note") or ""),
            **numbers,
        )

    def _when(self, entry: dict[str, Any], at: Location) -> dict[str, tuple[Any, ...]]:
        if "when" in entry and "condition" in entry:
            raise self._wrong((*at, "condition"), "and `when`", "Keep one of the two.", "is twice")
        if "condition" in entry:
            condition = self._mapping(entry["condition"], (*at, "condition"))
            self._known(condition, ("equals",), (*at, "condition"))
            given = self._mapping(condition.get("equals"), (*at, "condition", "equals"))
        else:
            given = self._mapping(entry.get("when") or {}, (*at, "when"))
        return {n: tuple(v) if isinstance(v, list) else (v,) for n, v in given.items()}

    def _method(self, value: Any, key: str, known: dict[str, set[str]]) -> dict[str, Any]:
        """A sampler or pruner: its name, or a mapping of `name` (or `type`) and options."""
        if isinstance(value, str) or value is None:
            value = {"name": value or "none"}
        options = dict(self._mapping(value, (key,)))
        name = options.pop("name", None) or options.pop("type", None)
        name = str(name).lower().removesuffix("sampler").removesuffix("pruner")
        if name not in known:
            raise self._wrong((key,), name, nearest(name, known))
        for option, number in options.items():
            if option not in known[name]:
                raise self._wrong((key, option), name, nearest(option, sorted(known[name])))
            least = 0 if option == "seed" or option == "n_warmup_steps" else 1
            self._count(number, (key, option), least=least)
        return {"name": name, **options}

    def _seeds(self, value: Any) -> tuple[int, ...]:
        if value is None:
            return ()
        seeds = list(range(value)) if isinstance(value, int) and value > 0 else value
        whole = isinstance(seeds, list) and all(type(seed) is int for seed in seeds)
        if not whole or not seeds or len(set(seeds)) < len(seeds):
            raise self._wrong(("seeds",), value, "Write how many, or a list such as [0, 1, 2].")
        return tuple(seeds)

    def _names(self, value: Any, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._wrong((key,), value, "Write a list of names, as in [lr, depth].")
        return tuple(value)

    def _confirm(self, value: Any) -> dict[str, int]:
        """How many of the best are run again, and on how many seeds; `none` or 0: none are."""
        if value in (None, "none") or type(value) is int:
            value = {"top": value if type(value) is int else 0}
        given = self._mapping(value, ("confirm",))
        for key, number in given.items():
            if key not in CONFIRM:
                raise self._wrong(("confirm", key), key, nearest(key, CONFIRM), "is unknown")
            self._count(number, ("confirm", key), least=0 if key == "top" else 1)
        return CONFIRM | given

    def _slurm(self, value: Any) -> dict[str, Any]:
        """What each run asks of a cluster, as the `slurm:` of a suite says it."""
        given = self._mapping(value, ("slurm",))
        for key, one in given.items():
            try:
                resources_of({key: one})
            except InputError as problem:
                place = f"{self._file.path}:{self._file.line(('slurm', key))}"
                what = problem.what[:1].lower() + problem.what[1:]
                raise SweepError(
                    f"{place} slurm.{key}: {what}", seen=problem.seen, do=problem.do
                ) from None
        return given

    def _text(self, value: dict[str, Any], key: str, *, required: bool = False) -> str | None:
        text = value.get(key)
        if text is None and required:
            raise self._wrong((), "missing", f"Add `{key}:`.", f"lacks {key}")
        if text is not None and not isinstance(text, str):
            raise self._wrong((key,), text, "It has to be text.")
        return text

    def _count(self, value: Any, at: Location, *, least: int = 1) -> int:
        if type(value) is not int or value < least:
            raise self._wrong(at, value, f"Give a whole number of at least {least}.")
        return value

    def _number(self, value: Any, at: Location, *, whole: bool) -> Any:
        if isinstance(value, str):  # YAML reads 1e-4 as text
            try:
                value = float(value)
            except ValueError:
                raise self._wrong(at, repr(value), "It has to be a number.") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(at, value, "It has to be a number.")
        if value != value or value in (float("inf"), float("-inf")):
            raise self._wrong(at, value, "It has to be finite.")
        if not whole:
            return float(value)
        if value != int(value):
            raise self._wrong(at, value, "It has to be a whole number, as the type is int.")
        return int(value)

    def _mapping(self, value: Any, at: Location) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self._wrong(at, repr(value), "It has to be a mapping of names to values.")
        return value

    def _known(self, value: dict[str, Any], allowed: tuple[str, ...], at: Location) -> None:
        for key in value:
            if key not in allowed:
                raise self._wrong((*at, key), key, nearest(str(key), allowed), "is unknown")

    def _wrong(
        self, at: Location, seen: object, do: str, what: str = "cannot be used"
    ) -> SweepError:
        name = ".".join(str(part) for part in at[1:] or at)
        place = f"{self._file.path}:{self._file.line(at)}"
        return SweepError(f"{place} {name} {what}".replace("  ", " "), seen=seen, do=do)


_DIRECTIONS = ("maximize", "minimize")


def space_text(space: Space, reasons: Mapping[tuple[str, str], str]) -> str:
    """YAML of a space; `read_space` reads it back equal. `reasons` stand beside their lines."""
    head: dict[str, Any] = {"study_name": space.name}
    for key in ("parent", "notes", "notebook", "objective", "direction", "n_trials"):
        if getattr(space, key) not in (None, ""):
            head[key] = getattr(space, key)
    head |= {"sampler": space.sampler, "pruner": space.pruner}
    if space.seeds:
        head["seeds"] = list(space.seeds)
    if space.confirm != CONFIRM:
        head["confirm"] = space.confirm
    if space.slurm:
        head["slurm"] = space.slurm
    if space.carry_over is not None:
        head["carry_over"] = space.carry_over
    if space.carry_ignoring:
        head["carry_ignoring"] = list(space.carry_ignoring)
    if space.rationale:
        head["rationale"] = space.rationale
    lines = _yaml(head).splitlines()
    lines += ["fixed:"] if space.fixed else []
    for name, value in space.fixed.items():
        first, *rest = _yaml({name: value}).splitlines()
        lines += [f"  {_beside(first, reasons.get((name, 'fixed')))}", *(f"  {r}" for r in rest)]
    lines.append("param_ranges:")
    for parameter in space.params:
        lines.append(f"  {parameter.name}:")
        for key, value in _entry(parameter):
            lines.append(f"    {_beside(f'{key}: {value}', reasons.get((parameter.name, key)))}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text


def _beside(line: str, reason: str | None) -> str:
    return line if reason is None else f"{line}  # {reason}"


def _entry(parameter: Parameter) -> Iterator[tuple[str, str]]:
    yield "type", parameter.kind
    for key in ("low", "high", "step", "hard_low", "hard_high"):
        value = getattr(parameter, key)
        if value is not None:
            yield key, _yaml_number(value)
    if parameter.log:
        yield "log", "true"
    if parameter.choices:
        yield "choices", parameter.describe()
    if parameter.when:
        yield "when", f"{{{', '.join(_condition(n, v) for n, v in parameter.when.items())}}}"
    if parameter.note:
        yield "note", _quoted(parameter.note)


def _condition(name: str, values: tuple[Any, ...]) -> str:
    texts = [value_text(value) for value in values]
    return f"{name}: {texts[0]}" if len(texts) == 1 else f"{name}: [{', '.join(texts)}]"


def _yaml_number(value: float | int) -> str:
    # YAML wants a dot in a mantissa before an exponent; nothing of the value may be lost.
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
