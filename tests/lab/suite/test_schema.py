"""A suite file that means nothing is refused with its line; nothing else of it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import SuiteError
from lab.suite.schema import read_suite


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_suite_of_the_design_is_read(tmp_path: Path) -> None:
    suite = read_suite(
        written(
            tmp_path,
            """
name: overnight
workers: 2            # parallel runs on this machine
timeout: 4h           # per run
retries: 1
defaults: {notebook: notebooks/domains/image.ipynb, params: {dataset: cifar10}}
matrix: {seed: [0, 1, 2]}
runs:
  - {arm: champion, params: {d_complex: 512, n_layers: 6, pooling: attention, embedding: deep}}
  - {arm: narrow,   params: {d_complex: 256, n_layers: 6, pooling: attention, embedding: deep}}
log: {kind: research, by: arm, metric: val/accuracy, title: "Is width 512 needed?"}
""",
        )
    )
    assert (suite.name, suite.workers, suite.timeout, suite.retries) == ("overnight", 2, 14_400, 1)
    assert [arm.arm for arm in suite.runs] == ["champion", "narrow"]
    assert suite.matrix == {"seed": [0, 1, 2]}
    assert [item.metric for item in suite.log_items] == ["val/accuracy"]


def test_a_list_of_log_items_each_has_its_own_where(tmp_path: Path) -> None:
    text = "name: s\nruns: [{arm: a}]\nlog: [{by: arm, where: 'x == 1'}, {by: arm, kind: suite}]\n"
    items = read_suite(written(tmp_path, text)).log_items
    assert [(item.kind, item.where) for item in items] == [("research", "x == 1"), ("suite", None)]


BAD = {
    "syntax": ("name: s\nruns:\n  - {arm: a\n  - b\n", r"suite\.yaml:4 is not YAML.*line 3"),
    "a key twice": ("name: s\nname: t\nruns: [{arm: a}]\n", r":2 gives a key twice: name"),
    "unknown key": (
        "name: s\nworker: 2\nruns: [{arm: a}]\n",
        r":2 .*unknown key: worker.*'workers'",
    ),
    "unknown key of a run": (
        "name: s\nruns:\n  - {arm: a}\n  - {arm: b, parms: {}}\n",
        r":4 .*unknown key: parms.*'params'",
    ),
    "unknown key of log": (
        "name: s\nruns: [{arm: a}]\nlog:\n  by: arm\n  metrics: x\n",
        r":5 .*unknown key: metrics.*'metric'",
    ),
    "no name": ("runs: [{arm: a}]\n", r":1 lacks a key: name"),
    "no runs": ("name: s\nruns: []\n", r":2 runs"),
    "empty matrix": ("name: s\nmatrix: {}\nruns: [{arm: a}]\n", r":2 has an empty matrix"),
    "empty matrix values": (
        "name: s\nmatrix:\n  lr: [1]\n  seed: []\nruns: [{arm: a}]\n",
        r":4 has an empty matrix.*seed",
    ),
    "a matrix value twice": (
        "name: s\nmatrix: {seed: [0, 0]}\nruns: [{arm: a}]\n",
        r":2 has a value twice.*seed",
    ),
    "ill-typed workers": ("name: s\nworkers: two\nruns: [{arm: a}]\n", r":2 workers.*'two'"),
    "no duration": ("name: s\ntimeout: long\nruns: [{arm: a}]\n", r":2 timeout.*Not a duration"),
    "not a mapping": ("- a\n- b\n", r"not a suite"),
    "empty": ("", r"not a suite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_suites_are_told_with_their_line(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(SuiteError, match=message) as told:
        read_suite(written(tmp_path, text))
    assert told.value.exit_code == 2


def test_a_missing_suite_names_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, "name: s\n")
    with pytest.raises(SuiteError, match=r"No such file.*suites\.yaml.*suite\.yaml"):
        read_suite(tmp_path / "suites.yaml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(SuiteError, match="UTF-8"):
        read_suite(path)
