"""Imports point one way, from the top floor down; the two packages never meet."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAB = ROOT / "lab"

FLOORS = {
    "errors": 1,
    "stats": 1,
    "duration": 1,
    "numbers": 1,
    "provenance": 1,
    "annotation": 1,
    "workspace": 2,
    "yamlfile": 2,
    "schema": 2,
    "datasets": 2,
    "presets": 2,
    "record": 3,
    "notebook": 4,
    "comparison": 4,
    "diagnosis": 4,
    "plotting": 5,
    "api": 6,
    "exchange": 5,
    "executors": 5,
    "reproduce": 6,
    "suite": 6,
    "sweep": 6,
    "log": 7,
    "site": 7,
    "doctor": 7,
    "cli": 8,
}


def imports(file: Path) -> set[str]:
    """Every module a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where a name comes from"
            module = node.module or ""
            found.add(module)
            if module == "lab":
                found.update(f"lab.{alias.name}" for alias in node.names)
    return found


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "lab" and len(parts) > 1 else None


LAB_FILES = sorted(path for path in LAB.rglob("*.py") if path != LAB / "__init__.py")


@pytest.mark.parametrize("file", LAB_FILES, ids=lambda path: path.relative_to(LAB).as_posix())
def test_imports_point_down(file: Path) -> None:
    own = file.relative_to(LAB).parts[0].removesuffix(".py")
    assert own in FLOORS, f"{own} has no floor: give it one in FLOORS"
    for module in imports(file):
        other = room(module)
        if other is None or other == own or other not in FLOORS:
            continue
        assert FLOORS[other] <= FLOORS[own], f"floor {FLOORS[own]} imports up: {module}"


@pytest.mark.parametrize("file", LAB_FILES, ids=lambda path: path.relative_to(LAB).as_posix())
def test_lab_knows_no_science(file: Path) -> None:
    tops = {module.split(".")[0] for module in imports(file)}
    assert not tops & {"torch", "torchvision", "torchaudio", "cvkan"}


@pytest.mark.parametrize("file", sorted((ROOT / "src" / "cvkan").rglob("*.py")), ids=str)
def test_science_knows_no_lab(file: Path) -> None:
    assert "lab" not in {module.split(".")[0] for module in imports(file)}


@pytest.mark.parametrize("package", [LAB, ROOT / "src" / "cvkan"], ids=["lab", "cvkan"])
def test_modules_stay_small(package: Path) -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in package.rglob("*.py")
    }
    assert {name: size for name, size in sizes.items() if size > 400} == {}
