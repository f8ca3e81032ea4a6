"""What may be asked of Slurm, and how it reaches sbatch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import InputError, SuiteError
from lab.executors.resources import Resources, resources_of
from lab.suite.plan import plan_suite
from lab.suite.schema import read_suite
from lab.workspace import Workspace


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("45m", 45),
        ("90s", 2),  # sbatch counts minutes: rather more than less
        ("2h", 120),
        ("1-02:00:00", 26 * 60),
        ("0:30:00", 30),
        (7200, 120),  # YAML reads 2:00:00 as a number of seconds
    ],
)
def test_times(written: Any, minutes: int) -> None:
    assert resources_of({"time": written}).sbatch() == {"time": minutes}


def test_the_limit_of_the_run_sets_that_of_the_job_where_none_is_given() -> None:
    assert Resources().sbatch() == {}
    assert Resources().sbatch(timeout=3600.0) == {"time": 65}
    assert resources_of({"time": "2h"}).sbatch(timeout=3600.0) == {"time": 120}


def test_options_of_sbatch() -> None:
    asked = resources_of({"partition": "gpu", "gpus": "2", "cpus": "8", "mem": "16G", "qos": "hi"})
    assert asked.sbatch() == {
        "partition": "gpu",
        "qos": "hi",
        "gpus": 2,
        "cpus-per-task": 8,
        "mem": "16G",
    }
    assert resources_of({"gpus": "a100:2"}).sbatch() == {"gpus": "a100:2"}
    assert resources_of({"gpus": 0}).sbatch() == {}


BAD = {
    "gpu": ("1", r"gpu\. Did you mean 'gpus'"),
    "gpus": ("many", r"gpus: many\. Gpus is a number"),
    "cpus": (0, r"cpus: 0"),
    "mem": ("16", r"mem: 16\. Memory is a whole number with its unit"),
    "time": ("soon", r"time: soon\. A time is written as"),
    "partition": (3, r"partition: 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_none_is_told(name: str) -> None:
    value, message = BAD[name]
    with pytest.raises(InputError, match=message):
        resources_of({name: value})


SUITE = """
name: s
slurm: {{partition: gpu, gpus: 1, time: 2h}}
runs:
  - {{arm: small, notebook: notebooks/never_starts.ipynb}}
  - {{arm: large, notebook: notebooks/raises.ipynb, slurm: {slurm}}}
"""


def test_a_run_asks_for_what_it_says_over_what_its_suite_says(workspace: Workspace) -> None:
    file = workspace.root / "s.yaml"
    file.write_text(SUITE.format(slurm="{gpus: 4, mem: 64G}"))
    small, large = plan_suite(read_suite(file), workspace)
    assert small.slurm == {"partition": "gpu", "gpus": 1, "time": 7200.0}
    assert large.slurm == {"partition": "gpu", "gpus": 4, "mem": "64G", "time": 7200.0}


@pytest.mark.parametrize(
    ("slurm", "message"),
    [
        ("{gpu: 4}", r"s\.yaml:6 has an unknown key: gpu.*Did you mean 'gpus'.*partition"),
        ("{mem: much}", r"s\.yaml:6 runs\.1\.slurm\.mem: memory is a whole number"),
        ("{time: soon}", r"s\.yaml:6 runs\.1\.slurm\.time: a time is written as"),
    ],
)
def test_a_suite_that_asks_for_what_is_none_is_refused_with_its_line(
    tmp_path: Path, slurm: str, message: str
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(SUITE.format(slurm=slurm))
    with pytest.raises(SuiteError, match=message):
        read_suite(file)
