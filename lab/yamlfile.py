"""YAML files read so that every complaint about them can name its line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import InputError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """The value of a YAML file and the line (from 1) at which each part of it starts."""

    path: Path
    value: Any
    lines: dict[Location, int]

    def line(self, location: Location) -> int:
        """The line of `location`, or of the nearest part that encloses it."""
        while location not in self.lines and location:
            location = location[:-1]
        return self.lines.get(location, 1)


def load_yaml(path: Path, error: type[InputError] = InputError) -> YamlFile:
    """Read `path`; raises `error` for a missing file, wrong syntax or a key given twice."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error("No such file", seen=path, do=_others(path)) from None
    except IsADirectoryError:
        raise error("That is a folder, not a file", seen=path, do=_others(path / "x")) from None
    except OSError as problem:
        raise error(
            f"{path} cannot be read", seen=problem.strerror, do="Mend its permissions."
        ) from None
    except UnicodeDecodeError as problem:
        raise error(f"{path} cannot be read", seen=problem, do="It has to be UTF-8 text.") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        lines: dict[Location, int] = {}
        if node is not None:
            _walk(node, (), lines, path, error)
        value = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as problem:
        raise _not_yaml(path, text, problem, error) from None
    return YamlFile(path, value, lines)


def _not_yaml(path: Path, text: str, problem: Any, error: type[InputError]) -> InputError:
    mark, began = (getattr(problem, name, None) for name in ("problem_mark", "context_mark"))
    what = getattr(problem, "problem", None) or str(problem)
    if began is not None:
        what += f", {problem.context} that begins in line {began.line + 1}"
    # An unclosed bracket is noticed behind the last line only.
    where = f"{path}:{min(mark.line + 1, len(text.splitlines()))}" if mark else str(path)
    return error(f"{where} is not YAML", seen=what, do="Mend it; mind indentation and colons.")


def _walk(
    node: Any, at: Location, lines: dict[Location, int], path: Path, error: type[InputError]
) -> None:
    import yaml

    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, item in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise error(
                    f"{path}:{line} gives a key twice",
                    seen=name,
                    do=f"It stands in line {seen[name]} already; keep one of them.",
                )
            seen[name] = line
            _walk(item, (*at, name), lines, path, error)
            lines[(*at, name)] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*at, index), lines, path, error)


def _others(path: Path) -> str:
    """Files that may have been meant: those beside it, else of its name among the experiments."""
    beside = _yaml_files(path.parent) if path.parent.is_dir() else []
    names = [file.name for file in beside]
    known = [
        file for folder in _folders(path.parent / "experiments") for file in _yaml_files(folder)
    ]
    same = [str(file) for file in known if file.stem == path.stem]
    if same:
        return f"Did you mean {' or '.join(same)}?"
    near = difflib.get_close_matches(path.name, names, n=1)
    guess = f"Did you mean '{near[0]}'? " if near else ""
    return f"{guess}In that folder: {', '.join(names)}." if names else "Check the path."


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.y*ml") if not p.name.startswith("."))


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
