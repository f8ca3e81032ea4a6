"""What was planned and expected of a run, held against what it did."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab import numbers
from lab.comparison.measure import headline, label, measured
from lab.errors import QueryError
from lab.record.run import Run
from lab.record.where import Query, has_name, parse_query

_EXPECTED = re.compile(
    r"\s*(?:[-*+]\s+)?(?:\*\*)?expect(?:ed|ation)(?:\*\*)?\s*:(?:\*\*)?\s*(?P<text>\S.*?)\s*$",
    re.IGNORECASE,
)
_CONFIGURATION = re.compile(r"\s*(?:\*\*|#+\s+)configuration\b", re.IGNORECASE)
_SETTING = re.compile(
    r"\s*[-*+]\s+`?(?P<name>[A-Za-z_]\w*)`?\s*[:=]\s*`?(?P<value>[^`\r\n]*?)`?\s*$"
)


@dataclass(frozen=True)
class Plan:
    """What somebody expected of a run and wanted to set; values as they are written."""

    expect: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    def as_spec(self) -> dict[str, Any]:
        """The evidence of a plan; nothing where nothing was planned."""
        spec = {"expect": self.expect, "planned": dict(self.params)}
        return {name: value for name, value in spec.items() if value}

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> Plan:
        return cls(spec.get("expect"), spec.get("planned") or {})

    @classmethod
    def read(cls, lines: tuple[str, ...] | list[str]) -> Plan:
        """The plan that an entry tells: its expectation and the settings of its configuration."""
        expect = next((m["text"] for line in lines if (m := _EXPECTED.match(line))), None)
        params: dict[str, str] = {}
        inside = False
        for line in lines:
            if _CONFIGURATION.match(line):
                inside = True
            elif inside and (setting := _SETTING.match(line)):
                params[setting["name"]] = setting["value"]
            elif line.strip():
                inside = False
        return cls(expect, params)


def against_plan(run: Run, plan: Plan) -> tuple[str, ...]:
    """Sentences that hold a run against its plan; none where nothing was planned."""
    return (*_expected(run, plan), *_planned(run, plan))


def _expected(run: Run, plan: Plan) -> Iterator[str]:
    if not plan.expect:
        return
    query = _condition(plan.expect)
    if query is None:
        metric = headline(run)
        value = measured(run, metric) if metric else None
        found = "nothing was measured"
        if metric and value is not None:
            found = f"{numbers.heading(metric)} {numbers.amount(metric, value)}"
        yield f"Expected: {plan.expect.rstrip('.')}. Measured: {found}."
        return
    missing = [name for name in query.names if not has_name(run, name)]
    if missing:
        yield f"Expected `{plan.expect}`: cannot be told, the run has no `{missing[0]}`."
        return
    verdict = "✅ it holds" if query.matches(run) else "❌ it does not hold"
    values = ", ".join(
        f"{name} {numbers.amount(name, value)}"
        for name in query.names
        if "/" in name and (value := run.best(name.removesuffix(".best"))) is not None
    )
    yield f"Expected `{plan.expect}`: {verdict}" + (f" ({values})." if values else ".")


def _condition(text: str) -> Query | None:
    """An expectation that is an expression about a metric, as `val/accuracy > 0.7`."""
    try:
        query = parse_query(text.strip("`"))
    except QueryError:
        return None
    return query if any("/" in name for name in query.names) else None


def _planned(run: Run, plan: Plan) -> Iterator[str]:
    known = {name: value for name, value in plan.params.items() if name in run.params}
    other = {n: v for n, v in known.items() if label(run.params[n]) != _plain(v)}
    for name, value in other.items():
        yield f"⚠️ Planned `{name}` {value}, ran with {label(run.params[name])}."
    if known and len(known) == len(plan.params) and not other:
        yield "Run with the settings that were planned."


def _plain(text: str) -> str:
    """A written value as `label` shows the same one."""
    try:
        return label(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return {"true": label(True), "false": label(False)}.get(text.lower(), text)
