"""Annotations of parameters: which values each allows, and how text or YAML becomes such a value.

int, float, str, bool, X | None, Literal[...], list[...] and dict[str, ...], nested at will. The
grammar is read from the syntax tree, so nothing of a notebook is ever evaluated.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any, Protocol

from lab.errors import nearest

ALLOWED = "int, float, str, bool, X | None, Literal[...], list[...], dict[str, ...]"

_TRUE = {"true", "yes", "1", "on"}
_FALSE = {"false", "no", "0", "off"}
_NONE = {"none", "null"}


class Misfit(ValueError):
    """A value that an annotation does not allow; the text says what it does allow."""


class Annotation(Protocol):
    """What a parameter may be."""

    def fit(self, value: Any, *, text: bool) -> Any:
        """`value` as this annotation wants it; `text` when a person typed it on a command line."""
        ...

    def holds(self, value: Any) -> bool:
        """Whether `value` is of this annotation as it stands."""
        ...


@dataclass(frozen=True)
class _Int:
    def holds(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def fit(self, value: Any, *, text: bool) -> int:
        if self.holds(value):
            return int(value)
        try:
            if isinstance(value, str):
                return int(value)
        except ValueError:
            pass
        number = _number(value)  # 3.0 and "1e3" are whole numbers too
        if number is None or not number.is_integer():
            raise Misfit("It has to be a whole number, such as 3.")
        return int(number)


@dataclass(frozen=True)
class _Float:
    def holds(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def fit(self, value: Any, *, text: bool) -> float:
        number = _number(value)  # YAML reads 1e-3 as text, so numeric text is a number here
        if number is None:
            raise Misfit("It has to be a number, such as 0.5 or 1e-3.")
        return number


@dataclass(frozen=True)
class _Str:
    def holds(self, value: Any) -> bool:
        return isinstance(value, str)

    def fit(self, value: Any, *, text: bool) -> str:
        if not isinstance(value, str):
            raise Misfit("It has to be text; in YAML and Python, put it in quotes.")
        return value


@dataclass(frozen=True)
class _Bool:
    def holds(self, value: Any) -> bool:
        return isinstance(value, bool)

    def fit(self, value: Any, *, text: bool) -> bool:
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise Misfit("It has to be true or false.")


@dataclass(frozen=True)
class _None:
    def holds(self, value: Any) -> bool:
        return value is None

    def fit(self, value: Any, *, text: bool) -> None:
        if value is not None and not (isinstance(value, str) and value.lower() in _NONE):
            raise Misfit("It has to be none.")


@dataclass(frozen=True)
class _Literal:
    options: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        return any(type(value) is type(option) and value == option for option in self.options)

    def fit(self, value: Any, *, text: bool) -> Any:
        if self.holds(value):
            return value
        for option in self.options:
            if isinstance(value, str) and not isinstance(option, str):
                same = value.lower() == str(option).lower()
                same = same or (option is None and value.lower() in _NONE)
            else:
                numbers = {type(value), type(option)} == {int, float}
                same = numbers and value == option
            if same:
                return option
        raise Misfit(nearest(str(value), [str(option) for option in self.options]))


@dataclass(frozen=True)
class _Union:
    members: tuple[Annotation, ...]

    def holds(self, value: Any) -> bool:
        return any(member.holds(value) for member in self.members)

    def fit(self, value: Any, *, text: bool) -> Any:
        # A typed "none" means None even where any text would do, but never a literal "none".
        if text and isinstance(value, str) and value.lower() in _NONE and self.holds(None):
            literals = [m for m in self.members if isinstance(m, _Literal) and m.holds(value)]
            return value if literals else None
        # Typed text fits str as it stands, so str is the last resort there.
        ordered = sorted(self.members, key=lambda m: isinstance(m, _Str)) if text else self.members
        if not (text and isinstance(value, str)):
            for member in ordered:
                if member.holds(value):
                    return member.fit(value, text=text)
        reasons = []
        for member in ordered:
            try:
                return member.fit(value, text=text)
            except Misfit as misfit:
                if not isinstance(member, _None):
                    reasons.append(str(misfit))
        raise Misfit(" Or: ".join(reasons) + (" Or none." if self.holds(None) else ""))


@dataclass(frozen=True)
class _List:
    item: Annotation

    def holds(self, value: Any) -> bool:
        return isinstance(value, list) and all(self.item.holds(item) for item in value)

    def fit(self, value: Any, *, text: bool) -> list[Any]:
        value = _container(value) if text else value
        if not isinstance(value, list | tuple):
            raise Misfit("It has to be a list, such as [1, 2].")
        return [self.item.fit(item, text=False) for item in value]


@dataclass(frozen=True)
class _Dict:
    item: Annotation

    def holds(self, value: Any) -> bool:
        return isinstance(value, dict) and all(
            isinstance(key, str) and self.item.holds(item) for key, item in value.items()
        )

    def fit(self, value: Any, *, text: bool) -> dict[str, Any]:
        value = _container(value) if text else value
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise Misfit('It has to be a mapping with text keys, such as {"a": 1}.')
        return {key: self.item.fit(item, text=False) for key, item in value.items()}


_SIMPLE: dict[str, Annotation] = {"int": _Int(), "float": _Float(), "str": _Str(), "bool": _Bool()}


def parse_annotation(node: ast.expr) -> Annotation:
    """The annotation that a syntax tree stands for; Misfit says what is not supported."""
    if isinstance(node, ast.Constant) and node.value is None:
        return _None()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # "int | None", quoted
        return parse_annotation(_quoted(node.value))
    if isinstance(node, ast.Name) and node.id in _SIMPLE:
        return _SIMPLE[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        members: list[Annotation] = []
        for side in (parse_annotation(node.left), parse_annotation(node.right)):
            members.extend(side.members if isinstance(side, _Union) else [side])
        return _Union(tuple(members))
    if isinstance(node, ast.Subscript):
        return _parse_subscript(node)
    raise Misfit(f"The annotation {ast.unparse(node)} is not supported. Allowed: {ALLOWED}.")


def _parse_subscript(node: ast.Subscript) -> Annotation:
    name = ast.unparse(node.value).removeprefix("typing.")
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional" and len(inner) == 1:
        return _Union((parse_annotation(inner[0]), _None()))
    if name in ("list", "List") and len(inner) == 1:
        return _List(parse_annotation(inner[0]))
    if name in ("dict", "Dict") and len(inner) == 2 and ast.unparse(inner[0]) == "str":
        return _Dict(parse_annotation(inner[1]))
    if name == "Literal":
        try:
            options = tuple(ast.literal_eval(option) for option in inner)
        except ValueError:
            options = ()
        if options and all(isinstance(o, str | int | float | None) for o in options):
            return _Literal(options)
    raise Misfit(f"The annotation {ast.unparse(node)} is not supported. Allowed: {ALLOWED}.")


def _quoted(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise Misfit(f"The annotation {text!r} is not supported. Allowed: {ALLOWED}.") from None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _container(value: Any) -> Any:
    """A typed list or mapping: a Python literal or JSON; anything else as it was."""
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
