"""Next spaces: what they keep, widen, freeze and drop, and what the files say of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from sweep_helpers import visual_study

from lab.errors import InputError
from lab.sweep import (
    Parameter,
    Refinement,
    Space,
    Study,
    Trial,
    optimum,
    refine,
    refinement,
    write_refinement,
)
from lab.sweep.advice import _mild
from lab.sweep.carrying import inside, placed
from lab.sweep.configuration import configurations, factors
from lab.sweep.freezing import usual
from lab.sweep.good_range import Good, narrowed
from lab.sweep.importance import fanova
from lab.sweep.next_space import NextSpace
from lab.sweep.optimum import draw
from lab.sweep.refinement import option_text

Objective = Callable[[dict[str, Any]], float]


def study(space: Space, value: Objective, n: int, seed: int = 0) -> Study:
    """Trials drawn at random, with a little noise."""
    import numpy as np

    rng, noise = np.random.default_rng(seed), random.Random(seed)
    trials = []
    for number in range(n):
        params = draw(space, rng)
        found = value(params) + 0.02 * noise.gauss(0, 1)
        trials.append(Trial(number, params, found, "complete", "random", (found,)))
    return Study(space.name, "val/accuracy", "maximize", space, tuple(trials))


BRANCHED = Space(
    "branched",
    (
        Parameter("kind", "categorical", choices=("cnn", "context")),
        Parameter("lr", "float", 1e-5, 1e-1, log=True, hard_high=1.0),
        Parameter("depth", "int", 2, 6, when={"kind": ("cnn",)}),
        Parameter("layers", "int", 1, 5, when={"kind": ("context",)}),
        Parameter("useless", "float", 0.0, 1.0),
    ),
    notebook="notebooks/tiny.ipynb",
)


def branched(params: dict[str, Any]) -> float:
    """Best at lr 1e-3; context is far worse; more depth is better."""
    from math import log10

    value = 1 - 0.4 * (log10(params["lr"]) + 3) ** 2
    return value - 2 if params["kind"] == "context" else value + 0.8 * params["depth"]


@pytest.fixture(scope="module", autouse=True)
def _fewer_forests() -> Iterator[None]:
    """A noise line of 19 shuffles instead of 99, and 20 refits instead of 100."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refinement, "fanova", partial(fanova, shuffled=19))
        patch.setattr(optimum, "REFITS", 20)
        yield


@pytest.fixture(scope="module")
def found(_fewer_forests: None) -> Refinement:
    return refine(study(BRANCHED, branched, 80))


def change(option: Any, name: str) -> Any:
    return next(change for change in option.changes if change.parameter == name)


def test_the_aggressive_option_drops_a_branch_that_is_told_to_be_worse(found: Refinement) -> None:
    space = found.aggressive.space
    assert space.fixed["kind"] == "cnn"
    assert "layers" not in space.names
    assert change(found.aggressive, "layers").new == "dropped"
    assert "worse than the best" in change(found.aggressive, "kind").reason
    # With one branch left nothing depends on it any more.
    assert space.parameter("depth").when == {}
    assert found.conservative.space.parameter("kind").choices == ("cnn", "context")


def test_a_bound_that_the_best_hit_moves_out_and_the_optimum_stays_in(found: Refinement) -> None:
    for option in (found.aggressive, found.conservative):
        depth, lr = option.space.parameter("depth"), option.space.parameter("lr")
        assert depth.high == 8  # half of the width of 2 to 6 beyond it
        assert "at the upper bound, so it is moved" in change(option, "depth").reason
        assert lr.contains(1e-3)
        assert option.keeps_optimum is not None
        assert option.keeps_optimum >= 0.9
    assert found.conservative.volume_ratio > found.aggressive.volume_ratio


def test_what_is_not_told_from_noise_is_frozen_for_lack_of_evidence(found: Refinement) -> None:
    assert 0 <= found.aggressive.space.fixed["useless"] <= 1
    reason = change(found.aggressive, "useless").reason
    assert re.match(r"not told from noise \(0\.\d times chance\), which does not show", reason)
    assert "useless" in found.conservative.space.names


def test_a_frozen_parameter_takes_a_value_of_the_best() -> None:
    parameter = Parameter("x", "float", 0.0, 1.0)
    source = study(Space("s", (parameter,)), lambda params: params["x"], 40)
    (factor,) = factors(source, configurations(source))
    value, which = usual(factor)
    assert value > 0.7
    assert which == "the middle of the top quarter"


def test_the_files_read_back_and_give_a_reason_beside_each_changed_line(
    found: Refinement, tmp_path: Path
) -> None:
    before = BRANCHED.to_yaml().splitlines()
    for path, option in zip(
        write_refinement(found, tmp_path), (found.aggressive, found.conservative), strict=True
    ):
        assert path.name == f"branched_{option.name}.yaml"
        assert Space.read(path) == option.space
        assert (option.space.parent, option.space.carry_over) == ("branched", "branched")
        text = path.read_text(encoding="utf-8")
        ranges = text.partition("param_ranges:\n")[2].splitlines()
        changed = [
            line
            for line in ranges
            if not line.startswith("#") and line not in before and "when:" not in line
        ]
        assert changed
        assert all("  # was " in line for line in changed), changed
    write_refinement(found, tmp_path)  # the same files again are no harm
    path.write_text(text + "# mine\n", encoding="utf-8")
    with pytest.raises(InputError, match="another file of that name"):
        write_refinement(found, tmp_path)


def test_the_volume_is_the_share_of_random_draws_that_fall_inside() -> None:
    import numpy as np

    made = NextSpace(BRANCHED)
    lr, depth, kind = (BRANCHED.parameter(name) for name in ("lr", "depth", "kind"))
    made.change(lr, replace(lr, low=1e-4, high=1e-2), "")
    made.change(depth, replace(depth, low=4), "")
    made.settle()
    rng = np.random.default_rng(0)
    inside_of = [made.holds(draw(BRANCHED, rng)) for _ in range(4000)]
    # Half of the draws are cnn with 3 of 5 depths; all have half of the width of lr.
    assert made.volume == pytest.approx(0.5 * 0.5 * 0.6 + 0.5 * 0.5)
    assert sum(inside_of) / 4000 == pytest.approx(made.volume, abs=0.03)
    made.change(kind, replace(kind, choices=("cnn",)), "")
    made.settle()
    assert made.volume == pytest.approx(0.5 * 0.5 * 0.6)


def test_nothing_is_dropped_where_there_is_nothing_to_see() -> None:
    space = replace(BRANCHED, params=BRANCHED.params[:2])
    result = refine(study(space, lambda params: 0.0, 40))
    for option in (result.aggressive, result.conservative):
        assert "kind" in option.space.names
        assert option.keeps_optimum is not None
        assert option.volume_ratio >= 1 / 3 or option.keeps_optimum >= 0.95


@pytest.mark.parametrize(
    ("parameter", "low", "high"),
    [
        (Parameter("dropout", "float", 0.0, 0.5), 0.0, 0.205),
        (Parameter("n", "int", 1, 9), 1, 5),
        (Parameter("n", "int", 3, 9, hard_low=2), 2, 6),
        (Parameter("lr", "float", 1e-4, 1e-2, log=True), 1e-5, 6.46e-4),
    ],
)
def test_a_range_grows_at_the_bound_that_was_hit_as_far_as_it_may(
    parameter: Parameter, low: float, high: float
) -> None:
    good = Good(0.0, 0.3, 80, "the top quarter", low_hit=0.4, high_hit=None)
    found = narrowed(parameter, good, 0.35)
    assert found is not None
    assert found[0].low == pytest.approx(low)
    assert found[0].high == pytest.approx(high, rel=0.03)


def test_few_trials_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="at least 10 complete configurations"):
        refine(study(BRANCHED, branched, 9))


def test_carried_trials_are_those_the_new_space_could_have_drawn(found: Refinement) -> None:
    source = study(BRANCHED, branched, 80)
    aggressive, conservative = found.aggressive.space, found.conservative.space
    for option in (found.aggressive, found.conservative):
        assert list(option.carried) == [t.number for t in inside(source, option.space)]
    lr, depth = (conservative.parameter(name) for name in ("lr", "depth"))
    expected = [
        trial.number
        for trial in source.trials
        if lr.contains(trial.params["lr"]) and depth.contains(trial.params.get("depth", depth.low))
    ]
    assert list(found.conservative.carried) == expected
    # What is frozen may have been anything, and is left out; the branch that was dropped is not.
    assert aggressive.carry_ignoring == ("useless",)
    assert found.aggressive.carried
    for trial in source.trials:
        values = placed(trial, BRANCHED, aggressive, {})
        assert (values is None) == (trial.number not in found.aggressive.carried)
        assert values is None or values.keys() == {"lr", "depth"}
        assert values is None or trial.params["kind"] == "cnn"


def test_the_users_twenty_trials_widen_what_their_own_card_widened() -> None:
    source = visual_study()
    result = refine(source)
    for option in (result.aggressive, result.conservative):
        assert option.space.parameter("depth").high == 8
        assert option.space.parameter("width_mult").high > 3.0  # type: ignore[operator]
        assert "encoder_type" in option.space.names  # five context trials prove nothing
    assert yaml.safe_load(option_text(result.aggressive))["carry_over"] == source.name
    assert any("top half" in note for note in result.notes)


def test_what_the_objective_cannot_be_compared_across_is_not_narrowed() -> None:
    space = Space(
        "mended",
        (
            Parameter("batch_size", "categorical", choices=(8, 16, 32, 64)),
            Parameter("x", "float", 0.0, 1.0),
        ),
    )

    def value(params: dict[str, Any]) -> float:
        return 8 / params["batch_size"] + 0.1 * params["x"]

    source = study(space, value, 40)
    found = refine(source, rankings=())
    assert found.conservative.space.parameter("batch_size").choices == (8, 16, 32)
    assert "keeps what is next to" in _mild(found.conservative)
    # The same trials, where ten named one class only and scored by their batches.
    single = {"val/accuracy/a": 1.0, "val/accuracy/b": 0.0}
    trials = [
        replace(t, value=2 / t.params["batch_size"], extra=single) if t.number % 4 == 0 else t
        for t in source.trials
    ]
    told = refine(replace(source, trials=tuple(trials)), rankings=())
    for option in (told.conservative, told.aggressive):
        assert option.space.parameter("batch_size") == space.parameter("batch_size")
    assert "`batch_size` stays as it is" in " ".join(told.notes)
    assert not any("the end of its choices" in note for note in told.notes)


@pytest.mark.parametrize("n", [30, 60])
def test_a_margin_is_one_number_wherever_it_is_told(n: int) -> None:
    space = Space("one", (Parameter("x", "float", 0.0, 1.0), Parameter("y", "float", 0.0, 1.0)))
    found = refine(study(space, lambda p: -((p["x"] - 0.5) ** 2), n, seed=1))
    for option in (found.aggressive, found.conservative):
        told = re.search(r"margin (\d+)%", option.described)
        beside = set(re.findall(r"margin (\d+)%", option_text(option)))
        assert told is not None
        assert beside == ({told[1]} if option.changes else set())
        assert round(100 * option.margin) == int(told[1])
    assert found.conservative.changes


def test_one_next_space_where_both_options_come_to_the_same(tmp_path: Path) -> None:
    space = Space("one", (Parameter("depth", "int", 1, 12),), notebook="notebooks/tiny.ipynb")
    # The best lie at the upper bound, which is moved, and nothing else changes.
    found = refine(study(space, lambda p: 0.3 * p["depth"], 60))
    assert found.same
    assert found.options == (found.conservative,)
    assert "there is one next space" in found.told[0]
    assert [p.name for p in write_refinement(found, tmp_path)] == ["one_conservative.yaml"]


def test_no_next_space_where_nothing_would_change(tmp_path: Path) -> None:
    space = Space("one", (Parameter("depth", "int", 1, 12),), notebook="notebooks/tiny.ipynb")
    found = refine(study(space, lambda p: 0.3 * p["depth"], 60))
    unchanged = replace(found.conservative, space=space, changes=())
    same = replace(found, conservative=unchanged, aggressive=replace(unchanged, name="aggressive"))
    assert "Nothing speaks for another space" in same.told[0]
    assert write_refinement(same, tmp_path) == []


def test_a_random_phase_that_was_too_short_is_not_inherited() -> None:
    space = Space(
        "short",
        (Parameter("x", "float", 0.0, 1.0), Parameter("y", "float", 0.0, 1.0)),
        sampler={"name": "tpe", "n_startup_trials": 10},
    )
    found = refine(study(space, lambda p: p["x"], 40))
    assert "n_startup_trials" not in found.conservative.space.sampler
    assert found.conservative.space.n_random == 20
    long = replace(space, sampler={"name": "tpe", "n_startup_trials": 30})
    kept = refine(study(long, lambda p: p["x"], 40)).conservative.space
    assert kept.n_random == 30


def test_the_sampler_of_a_next_space_can_be_made() -> None:
    from lab.sweep.asking import _sampler

    space = replace(BRANCHED, sampler={"name": "tpe", "seed": 9999})
    for phase in ("random", "adaptive"):
        assert _sampler(space, phase, 200) is not None
