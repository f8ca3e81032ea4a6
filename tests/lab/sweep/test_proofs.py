"""How often the card is wrong, on simulated studies: the proofs of docs/sweep_validation.md."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sweep_helpers import drawn

from lab.sweep.analysis import analyze, as_json
from lab.sweep.space import Parameter, Space

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "sweep" / "analysis.json"
# Of the full size, which benchmarks/sweep_validation.py has.
SCALES = {
    "null": 0.25,
    "beside": 0.2,
    "branches": 0.2,
    "ranges": 0.3,
    "importance": 0.25,
    "known": 0.3,
    "metamorphic": 0.5,
    "intervals": 0.25,
    "winner": 1.0,
    "bytes": 1.0,
}


@pytest.fixture(scope="module")
def validation() -> Iterator[ModuleType]:
    """benchmarks/sweep_validation.py, which is in no package, with the modules beside it."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location(
        "sweep_validation", ROOT / "benchmarks" / "sweep_validation.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "benchmarks"))


def test_every_proof_is_run(validation: ModuleType) -> None:
    assert set(validation.PROOFS) == set(SCALES)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCALES))
def test_the_card_is_as_often_right_as_it_says(validation: ModuleType, name: str) -> None:
    _, proof = validation.PROOFS[name]
    wrong = [str(one) for one in proof(SCALES[name]) if one.holds is False]
    assert wrong == []


@pytest.mark.parametrize("name", ["metamorphic", "winner"])
def test_a_few_of_each_hold(validation: ModuleType, name: str) -> None:
    _, proof = validation.PROOFS[name]
    assert [one.what for one in proof(0.1) if one.holds is False] == []


@pytest.mark.slow
def test_the_numbers_of_a_study_are_the_same_on_any_machine() -> None:
    space = Space(
        name="golden",
        objective="val/accuracy",
        params=(
            Parameter("model", "categorical", choices=("a", "b")),
            Parameter("lr", "float", 1e-5, 1e-1, log=True),
            Parameter("depth", "int", 1, 5, when={"model": ("a",)}),
        ),
    )

    def objective(params: dict[str, object], rng: np.random.Generator) -> float:
        lr = float(str(params["lr"]))
        return float(0.5 - 0.05 * (np.log10(lr) + 3) ** 2 + 0.02 * rng.normal())

    found = as_json(analyze(drawn(space, 60, objective, seed=11)))
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))
