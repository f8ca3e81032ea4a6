"""Expressions that select runs, parsed and never evaluated.

    status == done and epochs > 2
    suite.arm in [wide, narrow] or not notebook ~ image
    val/accuracy >= 0.5 and val/loss.last < 1

A name is a key of run.json (`suite.arm` dotted), a parameter, or a metric, which contains `/` and
means its best value (`.last` its last). A name that a run lacks never matches; one that no run has
is an error.
"""

from __future__ import annotations

import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.errors import QueryError, nearest
from lab.record.run import Run

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<op>==|!=|<=|>=|<|>|~)
      | (?P<mark>[()\[\],])
      | (?P<word>[^\s()\[\],<>=!~"']+)
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in"}
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_OPERATORS = "== != < <= > >= in ~"
_MISSING = object()

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Query:
    """A parsed expression: whether it matches a run, and the names it asks for.

    `needs` are (name, value) that every match has, as the `==` of an expression of `and` alone.
    """

    text: str
    names: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]
    _test: Callable[[Run], bool]

    @property
    def texts(self) -> list[str]:
        """Texts that run.json of every match holds, each the value of a key."""
        return [
            value
            for name, value in self.needs
            if "." in name
            and "/" not in name
            and not name.startswith("params.")
            # A number, or true, equals others that are written differently.
            and isinstance(_literal(value), str)
        ]

    def matches(self, run: Run) -> bool:
        return self._test(run)

    def select(self, runs: Iterable[Run]) -> list[Run]:
        """The runs that match; QueryError for a name that no run has.

        Goes through `runs` once, but for that error.
        """
        if isinstance(runs, Iterator):
            runs = list(runs)
        found, some, unknown = [], False, list(self.names)
        for run in runs:
            some = True
            unknown = [name for name in unknown if not _knows(run, name)]
            if self._test(run):
                found.append(run)
        if some and unknown:
            known = sorted({known for run in runs for known in names_of(run)})
            raise QueryError(
                "No run has that name",
                seen=unknown[0],
                do=nearest(unknown[0], known, see="`lab runs --json`"),
            )
        return found


def parse_query(text: str) -> Query:
    """The query of an expression; QueryError with the place where it stops making sense."""
    try:
        return _Parser(text).whole()
    except RecursionError:
        raise QueryError(
            "The expression is nested too deeply", seen=f"{text[:40]}...", do="Write it simpler."
        ) from None


def lookup(run: Run, name: str) -> Any:
    """What `name` is for this run; a sentinel equal to nothing where it has no such thing."""
    if "/" in name:
        return _metric(run, name)
    if ("." in name or run.may_have(name)) and name in run.record:
        return run.record[name]
    # A parameter is a Python name, so that what has a dot is none and its file is not read.
    if "." not in name and name in run.params:
        return run.params[name]
    if name == "arm":
        name = "suite.arm"
    head, _, rest = name.partition(".")
    if head == "params":
        return run.params.get(rest, _MISSING)
    value: Any = run.record
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value


def has_name(run: Run, name: str) -> bool:
    """Whether `name` means anything for this run."""
    return lookup(run, name) is not _MISSING


def _knows(run: Run, name: str) -> bool:
    """Whether a run like this could have `name`: without a suite, it has no suite.arm."""
    head, dot, _ = ("suite.arm" if name == "arm" else name).partition(".")
    return has_name(run, name) or (bool(dot) and run.record.get(head, _MISSING) is None)


def names_of(run: Run) -> set[str]:
    """Every name an expression can ask this run for."""
    nested = {
        f"{key}.{inner}"
        for key, value in run.record.items()
        if isinstance(value, dict)
        for inner in value
    }
    return {*run.record, *nested, *run.params, *run.metrics}


def _metric(run: Run, name: str) -> Any:
    base, dot, which = name.rpartition(".")
    if dot and which in ("last", "best") and base in run.metrics:
        return run.metrics[base][which]
    entry = run.metrics.get(name)
    return _MISSING if entry is None else entry["best"]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class _Value:
    """A value as it was written, and what it means where it is no text: run ids are digits, too."""

    text: str
    literal: Any


class _Parser:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._names: list[str] = []
        self._equal: list[tuple[str, str]] = []

    def whole(self) -> Query:
        test = self._or()
        if self._peek().kind != "end":
            raise self._stuck("`and`, `or` or the end")
        plain = all(token.text not in ("or", "not") for token in self._tokens)
        needs = tuple(self._equal) if plain else ()
        return Query(self._text, tuple(dict.fromkeys(self._names)), needs, test)

    def _or(self) -> Callable[[Run], bool]:
        tests = [self._and()]
        while self._take("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda run: any(test(run) for test in tests)

    def _and(self) -> Callable[[Run], bool]:
        tests = [self._not()]
        while self._take("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda run: all(test(run) for test in tests)

    def _not(self) -> Callable[[Run], bool]:
        if self._take("not"):
            test = self._not()
            return lambda run: not test(run)
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                raise self._stuck("`)`")
            return inner
        return self._comparison()

    def _comparison(self) -> Callable[[Run], bool]:
        token = self._peek()
        if token.kind not in ("word", "string") or token.text in _KEYWORDS:
            raise self._stuck("a name")
        self._next += 1
        name = _unquoted(token)
        self._names.append(name)
        if self._take("in"):
            return self._membership(name)
        if self._take("not"):
            if not self._take("in"):
                raise self._stuck("`in` after `not`")
            inside = self._membership(name)
            return lambda run: lookup(run, name) is not _MISSING and not inside(run)
        op = self._peek()
        if op.kind != "op":
            raise self._stuck(f"an operator after {name!r} ({_OPERATORS})")
        self._next += 1
        wanted = self._value()
        if op.text == "!=":
            # A run that lacks the name does not match, as with every other operator.
            return lambda run: (
                lookup(run, name) is not _MISSING
                and not _any(lookup(run, name), lambda value: _equal(value, wanted))
            )
        if op.text == "~":
            pattern = self._pattern(wanted, op)
            return lambda run: _any(lookup(run, name), lambda value: _found(pattern, value))
        if op.text == "==":
            self._equal.append((name, wanted.text))
            return lambda run: _any(lookup(run, name), lambda value: _equal(value, wanted))
        compare = _ORDER[op.text]
        return lambda run: _any(lookup(run, name), lambda v: _ordered(compare, v, wanted))

    def _membership(self, name: str) -> Callable[[Run], bool]:
        allowed = self._list()
        return lambda run: _any(
            lookup(run, name), lambda value: any(_equal(value, wanted) for wanted in allowed)
        )

    def _list(self) -> list[_Value]:
        closing = {"[": "]", "(": ")"}.get(self._peek().text)
        if closing is None:
            raise self._stuck("a list such as [a, b]")
        self._next += 1
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(closing):
            raise self._stuck(f"`{closing}`")
        return values

    def _value(self) -> _Value:
        token = self._peek()
        if token.kind == "string":
            self._next += 1
            return _Value(_unquoted(token), _unquoted(token))
        if token.kind == "word" and token.text not in _KEYWORDS:
            self._next += 1
            return _Value(token.text, _literal(token.text))
        raise self._stuck("a value")

    def _pattern(self, wanted: _Value, op: _Token) -> re.Pattern[str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what may change in patterns one day
                return re.compile(wanted.text, re.IGNORECASE)
        except (re.error, OverflowError) as error:
            raise QueryError(
                f"Not a pattern at place {op.at + 1} of the expression",
                seen=f"{wanted.text!r} ({error})",
                do="`~` takes a regular expression; plain words are fine.",
            ) from None

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, text: str) -> bool:
        token = self._peek()
        if token.kind in ("word", "mark") and token.text == text:
            self._next += 1
            return True
        return False

    def _stuck(self, wanted: str) -> QueryError:
        token = self._peek()
        seen = f"{token.text!r} at place {token.at + 1}" if token.text else "the end"
        hint = " One = is written ==." if token.text == "=" else ""
        return QueryError(
            f"The expression {self._text!r} cannot be read",
            seen=seen,
            do=f"There should be {wanted}.{hint} As in: status == done and epochs > 2.",
        )


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            found.append(_Token("stray", text[start], start))
            break
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _unquoted(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "string" else token.text


def _literal(word: str) -> Any:
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    """A list, such as tags, matches by any of its members."""
    if value is _MISSING:
        return False
    return any(test(item) for item in value) if isinstance(value, list) else test(value)


def _equal(value: Any, wanted: _Value) -> bool:
    if isinstance(value, str):
        return value == wanted.text
    literal = wanted.literal
    if isinstance(value, bool) or isinstance(literal, bool):
        return value is literal
    if isinstance(value, float) and isinstance(literal, float) and math.isnan(value):
        return math.isnan(literal)
    return bool(value == literal)


def _ordered(compare: Callable[[Any, Any], bool], value: Any, wanted: _Value) -> bool:
    try:
        return compare(value, wanted.text if isinstance(value, str) else wanted.literal)
    except TypeError:
        return False


def _found(pattern: re.Pattern[str], value: Any) -> bool:
    return value is not None and pattern.search(str(value)) is not None
