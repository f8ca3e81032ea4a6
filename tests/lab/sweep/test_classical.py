"""The usual analysis gives the figures of the hand-written card of 20 trials, and scipy's."""

from __future__ import annotations

import pytest
from scipy import stats
from sweep_helpers import drawn, plain_space, visual_study

from lab.sweep.classical import Choices, Classical, Direction, classical
from lab.sweep.configuration import configurations, factors


@pytest.fixture(scope="module")
def view() -> Classical:
    study = visual_study()
    rows = configurations(study)
    return classical(rows, factors(study, rows))


def direction(view: Classical, name: str) -> Direction:
    return next(d for d in view.directions if d.name == name)


def choices(view: Classical, name: str) -> Choices:
    return next(c for c in view.choices if c.name == name)


@pytest.mark.parametrize(
    ("name", "rho", "p"),
    [
        ("batch_size", -0.669, 0.001),
        ("depth", 0.479, 0.071),
        ("label_smoothing", -0.407, 0.075),
        ("weight_decay", 0.366, 0.112),
        ("width_mult", 0.289, 0.297),
        ("lr", -0.148, 0.534),
        ("embed_dim", 0.050, 0.834),
    ],
)
def test_rho_and_its_usual_p_are_those_of_the_hand_written_card(
    view: Classical, name: str, rho: float, p: float
) -> None:
    found = direction(view, name)
    assert round(found.rho, 3) == rho
    assert round(found.p, 3) == p


def test_the_strongest_five_of_the_shared_and_cnn_parameters_stand_in_the_order_of_the_card(
    view: Classical,
) -> None:
    order = [d.name for d in view.directions if not d.name.startswith("ctx_")]
    known = [n for n in order if n not in ("temperature", "mlp_hidden")]
    assert known[:5] == ["batch_size", "depth", "label_smoothing", "weight_decay", "width_mult"]


@pytest.mark.parametrize(
    ("name", "best", "gap"),
    [
        ("demo_agg", "flatten", 0.071),
        ("use_scheduler", True, 0.050),
        ("use_coords", False, 0.035),
        ("use_cosine", False, 0.016),
        ("encoder_type", "cnn", 0.038),
    ],
)
def test_best_against_worst_choice(view: Classical, name: str, best: object, gap: float) -> None:
    found = choices(view, name)
    assert found.values[0].value == best
    assert round(found.gap, 3) == gap


def test_means_of_the_encoders(view: Classical) -> None:
    cnn, context = choices(view, "encoder_type").values
    assert (round(cnn.mean, 3), round(context.mean, 3)) == (0.272, 0.234)


def test_the_best_of_the_card_is_the_mean_of_the_flatten_trials(view: Classical) -> None:
    assert round(choices(view, "demo_agg").values[0].mean, 3) == 0.286
    assert view.elite[0].value == 0.3625


def test_the_top_quarter_agrees_on_what_the_card_calls_convergence(view: Classical) -> None:
    for name, value in (("encoder_type", "cnn"), ("demo_agg", "flatten"), ("use_scheduler", True)):
        best = choices(view, name).values[0]
        assert (best.value, best.elite) == (value, 1.0)
    assert {row.params["batch_size"] for row in view.elite} == {16}


def test_boundary_hits_are_those_of_the_top_quarter(view: Classical) -> None:
    found = {(b.name, b.side): b.share for b in view.boundaries}
    assert found["depth", "high"] == pytest.approx(2 / 5)
    assert found["width_mult", "high"] == pytest.approx(1 / 5)


def test_naive_p_is_the_one_of_scipy() -> None:
    study = drawn(plain_space(2), 17, lambda params, rng: params["x0"] + rng.normal())
    rows = configurations(study)
    known = stats.spearmanr([r.params["x0"] for r in rows], [r.value for r in rows])
    found = direction(classical(rows, factors(study, rows)), "x0")
    assert found.rho == pytest.approx(known.statistic)
    assert found.p == pytest.approx(known.pvalue)
