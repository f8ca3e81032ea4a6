"""Every reason has its sentence on what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

from lab.record.advice import next_step
from lab.record.outcome import REASONS
from lab.record.run import Run

ID = "20260120_231502"


def ended(tmp_path: Path, **how: Any) -> Run:
    return Run.read(write_run(tmp_path, ID, **how))


@pytest.mark.parametrize("reason", REASONS)
def test_one_sentence_that_names_the_run(tmp_path: Path, reason: str) -> None:
    error = {"type": "ValueError", "message": "wrong", "cell": 4}
    advice = next_step(ended(tmp_path, status="failed", reason=reason, error=error))
    assert advice is not None
    assert f"lab rerun {ID}" in advice
    assert advice.endswith(".")
    assert advice.count(". ") == 0
    assert "\n" not in advice


def test_an_exception_is_in_its_cell(tmp_path: Path) -> None:
    error = {"type": "ValueError", "message": "wrong", "cell": 4}
    advice = next_step(ended(tmp_path, status="failed", reason="exception", error=error))
    assert advice == f"Open cell 4 of the executed notebook, mend what raised, then lab rerun {ID}."


@pytest.mark.parametrize(
    ("name", "message", "params", "words"),
    [
        ("OutOfMemoryError", "CUDA out of memory", {"batch_size": 8}, "less GPU memory, by a smal"),
        ("MemoryError", "", {"batch_size": 8}, "less memory, by a smaller batch_size"),
        ("MemoryError", "", {}, "less memory, by smaller data or batches"),
    ],
)
def test_which_memory_ran_out(
    tmp_path: Path, name: str, message: str, params: dict[str, Any], words: str
) -> None:
    error = {"type": name, "message": message, "cell": 4}
    run = ended(tmp_path, status="failed", reason="oom", error=error, params=params)
    assert words in str(next_step(run))


@pytest.mark.parametrize("status", ["done", "pruned"])
def test_nothing_went_wrong(tmp_path: Path, status: str) -> None:
    advice = next_step(ended(tmp_path, status=status))
    assert "rerun" not in str(advice)
    assert (advice is None) == (status == "done")


def test_what_was_saved_can_be_gone_on_from(tmp_path: Path) -> None:
    run = ended(tmp_path, status="stopped", reason="interrupted", params={"resume": None})
    assert next_step(run) == f"Somebody stopped it: lab rerun {ID} repeats it."
    run.path.checkpoints.mkdir(exist_ok=True)
    (run.path.checkpoints / "state.pt").touch()
    assert next_step(run) == (
        f"Somebody stopped it: lab rerun {ID} repeats it, lab rerun {ID} -p resume={ID} goes on "
        "where it broke off."
    )
