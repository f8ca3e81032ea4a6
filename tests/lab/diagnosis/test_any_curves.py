"""Whatever a run logged, it is diagnosed, and the diagnosis is plain JSON."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.diagnosis import Diagnosis
from lab.diagnosis.build import findings_of
from lab.diagnosis.curve import curves_of
from lab.diagnosis.finding import STEPS, Seen
from lab.diagnosis.report import gaps_of
from lab.record.files import encode

NAMES = (
    "train/loss", "train/accuracy", "train/lr", "val/loss", "val/accuracy", "val/mse", "val/auroc",
    "val/majority", "val/accuracy_se", "val/balanced_accuracy", "val/recall_0", "val/recall_1",
    "val/predicted_a", "val/predicted_b", "test/accuracy", "test/majority", "gradient/norm",
)  # fmt: skip
values = st.one_of(
    st.floats(),
    st.floats(0, 1),
    st.integers(-3, 3),
    st.sampled_from([0.0, 0.5, 1.0, 1e300, -1e300]),
)
rows = st.lists(st.dictionaries(st.sampled_from(NAMES), values), max_size=40)
params = st.dictionaries(
    st.sampled_from(["lr", "dropout", "weight_decay", "amp", "n_classes", "validation_size"]),
    st.one_of(st.none(), st.booleans(), st.integers(-2, 50), st.floats(), st.text(max_size=5)),
)  # fmt: skip


@settings(max_examples=100)
@given(rows=rows, params=params)
def test_nothing_breaks_it(rows: list[dict[str, float]], params: dict[str, object]) -> None:
    history = [{"step": step, "time": 0.0, **row} for step, row in enumerate(rows)]
    curves = curves_of(history, {})
    findings = tuple(findings_of(Seen(curves, "epoch", params)))
    diagnosis = Diagnosis("20260120_100000", "epoch", curves, findings, gaps_of(curves))
    for found in findings:
        assert found.text.endswith(".")
        assert found.do.endswith(".")
        assert found.rule
        assert found.keys
        assert set(found.keys) <= set(STEPS)
    steps = [step.key for step in diagnosis.next_steps]
    assert len(steps) == len(set(steps))
    assert encode(diagnosis.as_dict()) is not None
    assert diagnosis.to_markdown()
