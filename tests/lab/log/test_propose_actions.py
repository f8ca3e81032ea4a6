"""What would close an item, when it looks done, and what is not asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import seeded_runs, write_notebook, write_run

import lab.log
from lab.log.items.closing import closer_of
from lab.log.items.repeats import topic_of
from lab.record.run import Run
from lab.workspace import Workspace

SUITE = """name: pooling
matrix: {seed: [0, 1]}
defaults: {notebook: notebooks/image.ipynb, params: {epochs: 5}}
runs:
  - {arm: mean, params: {pooling: mean}}
  - {arm: attention, params: {pooling: attention}}
"""
PARAMETERS = (
    'epochs: int = 5  # passes\npooling: str = "mean"  # how\n'
    "seed: int = 0  # repeats\nwidth: int = 8  # channels"
)


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """A workspace with one notebook and one suite, of which nothing was run."""
    write_notebook(workspace.root, "image", PARAMETERS)
    folder = workspace.root / "experiments" / "suites"
    folder.mkdir(parents=True)
    (folder / "pooling.yaml").write_text(SUITE, encoding="utf-8")
    return workspace


def run(
    place: Workspace, minute: int, *, arm: str | None = None, status: str = "done", **params: object
) -> str:
    """A run of the notebook on 2026-01-20 at 10:MINUTE; of the suite where an arm is given."""
    values = {"epochs": 5, "pooling": arm or "mean", "seed": 0, "width": 8} | params
    suite = {"name": "pooling", "arm": arm, "index": 0, "matrix": {"seed": values["seed"]}}
    folder = write_run(
        place.runs, f"20260120_10{minute:02d}00", params=values, status=status,
        curves={"val/accuracy": [0.5, 0.6]}, headline="val/accuracy",
        notebook="notebooks/image.ipynb", suite=suite if arm else None,
        seconds=60.0 + minute,
    )  # fmt: skip
    return folder.name


def asks(place: Workspace, item: str, finding: str = "") -> None:
    place.research_log.write_text(
        f"## 2026-01-20 Entry\n\n{finding}\n\n- [ ] {item}\n", encoding="utf-8"
    )


def looks_done(place: Workspace) -> list[tuple[str, ...]]:
    return list(lab.log.looks_done(workspace=place).values())


@pytest.mark.parametrize(
    ("text", "suites", "values", "conditions"),
    [
        ("x (closes with suite `pooling`)", ("pooling",), {}, []),
        ("x (closes with suite pooling).", ("pooling",), {}, []),
        ("x (Closes by `epochs=50`)", (), {"epochs": (50,)}, []),
        (
            "x (closes with suite `s`, `seed=3` and `seed=4`, `lr=1e-3`)",
            ("s",),
            {"seed": (3, 4), "lr": (0.001,)},
            [],
        ),
        ("x (closes with `amp=false`, `to='none'`)", (), {"amp": (False,), "to": ("none",)}, []),
        ("x (closes when `epochs >= 50 and width in [8, 9]`)", (), {},
         ["epochs >= 50 and width in [8, 9]"]),
        ("Run seeds 1, 2 and 3 of every arm: so", (), {"seed": (1, 2, 3)}, []),
        ("Run seed 4 of every arm", (), {"seed": (4,)}, []),
        ("Run longer (`epochs=10`): 3 of 4", (), {"epochs": (10,)}, []),
        ("Try `d_complex` above 256: the best", (), {}, ["d_complex > 256"]),
        ("Try `lr` below 1e-05: the best", (), {}, ["lr < 1e-05"]),
        ("Run at least 5 epochs to judge a curve", (), {}, ["epochs >= 5"]),
        ("Run it: `lab run NOTEBOOK -p epochs=8 --name 'It''s 8'`, then", (), {},
         ["name == 'Its 8'"]),
        ("Run it: `lab run notebooks/a.ipynb -p epochs=8 --name E`, then", (), {"epochs": (8,)},
         []),
    ],
)  # fmt: skip
def test_what_the_words_ask_for(
    text: str, suites: tuple[str, ...], values: dict[str, object], conditions: list[str]
) -> None:
    closer = closer_of(text)
    assert closer is not None
    assert (closer.suites, closer.values) == (suites, values)
    assert [query.text for query in closer.conditions] == conditions


@pytest.mark.parametrize(
    "text",
    [
        "Write it up",
        "Run it: `lab run NOTEBOOK`",
        "Run it: `lab run 'open`",
        "x (closes with a bang)",
        "Set `epochs=50` as default",
        "x (closes with)",
        "",
    ],
)
def test_words_that_no_run_can_close(text: str) -> None:
    assert closer_of(text) is None


def test_a_suite_closes_when_all_it_plans_is_done(place: Workspace) -> None:
    asks(place, "Which pooling? (closes with suite `pooling`)")
    planned = [("mean", 0), ("mean", 1), ("attention", 0)]
    ids = [run(place, i, arm=arm, seed=seed) for i, (arm, seed) in enumerate(planned)]
    run(place, 8, arm="attention", seed=1, status="failed")
    assert looks_done(place) == []
    ids.append(run(place, 9, arm="attention", seed=1))
    assert looks_done(place) == [tuple(sorted(ids, reverse=True))]


def test_a_value_closes_when_a_run_has_it(place: Workspace) -> None:
    asks(place, "Train longer (closes with `epochs=50`)")
    run(place, 1, epochs=5)
    run(place, 2, epochs=50, status="crashed")
    assert looks_done(place) == []
    done = run(place, 3, epochs=50)
    assert looks_done(place) == [(done,)]
    lab.log.done(1, by=done, workspace=place)
    assert looks_done(place) == []


def test_runs_of_before_close_nothing(place: Workspace) -> None:
    earlier = run(place, 1, epochs=50)
    asks(place, "Again (closes with suite `pooling`)", f"See `{earlier}`.")
    text = place.research_log.read_text().replace("2026-01-20", "2026-01-21")
    place.research_log.write_text(text.replace("suite `pooling`", "`epochs=50`"))
    assert looks_done(place) == []
    place.research_log.write_text(text.replace("2026-01-21", "2026-01-19"))
    assert looks_done(place) == []  # the suite has four runs, and none is there


def test_every_arm_of_the_runs_that_the_entry_names(place: Workspace) -> None:
    named = [run(place, i, pooling=p) for i, p in enumerate(["mean", "attention", "max"])]
    asks(place, "Run seeds 1 and 2 of every arm: so far there is one", f"Runs {named}.")
    made = [
        run(place, 10 + 3 * seed + i, pooling=p, seed=seed)
        for seed in (1, 2)
        for i, p in enumerate(["mean", "attention"])
    ]
    run(place, 40, pooling="max", seed=1, width=16)
    assert looks_done(place) == []
    made += [run(place, 41, pooling="max", seed=1), run(place, 42, pooling="max", seed=2)]
    assert looks_done(place) == [tuple(sorted(made, reverse=True))]


def test_beyond_the_largest_tried(place: Workspace) -> None:
    before = run(place, 1, width=64)
    named = run(place, 2, width=16)
    asks(place, "Try `width` above 16: the best value is the largest tried", f"Run `{named}`.")
    assert looks_done(place) == []
    after = run(place, 3, width=32)
    assert looks_done(place) == [(after,)]
    assert before not in looks_done(place)[0]


def test_what_failed_closes_when_it_was_run_again(place: Workspace) -> None:
    failed = run(place, 1, arm="mean", status="failed")
    asks(place, f"Mend and run again what failed: `{failed}` (ValueError)", f"Run `{failed}`.")
    run(place, 2, arm="attention")
    assert looks_done(place) == []
    mended = run(place, 3, arm="mean")
    assert looks_done(place) == [(mended,)]


def test_another_seed_of_the_same(place: Workspace) -> None:
    first = run(place, 1, seed=0)
    asks(place, "Repeat with other seeds: one run shows no spread", f"Run `{first}`.")
    run(place, 2, seed=0)
    run(place, 3, seed=1, width=16)
    assert looks_done(place) == []
    assert [run(place, 4, seed=1)] == list(looks_done(place)[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Run seeds 3 and 4 of every arm: 5 allow", "Run seed 4 of every arm: 5 allow"),
        ("Run seed 1 of every arm", "Repeat with other seeds: one run shows no spread"),
        ("Stop early or regularise (weight decay): in 3", "Stop around epoch 27 (early stopping)"),
        ("Lower the learning rate", "Lower the learning rate (now 0.1) or clip gradients"),
        ("Decide whether 1.2 points are worth it: a", "Decide whether 0.8 points are worth it: b"),
    ],
)
def test_one_topic(one: str, other: str) -> None:
    assert topic_of(one) == topic_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Try `width` above 16: the best", "Try `width` above 32: the best"),
        ("Run longer (`epochs=10`)", "Run longer (`epochs=20`)"),
        ("Make `pooling=mean` the default", "Make `pooling=max` the default"),
        ("Run longer (`epochs=10`)", "Run seed 10 of every arm"),
    ],
)
def test_two_topics(one: str, other: str) -> None:
    assert topic_of(one) != topic_of(other)


def new(place: Workspace, where: str = "epochs == 5", day: str = "2026-01-20") -> lab.log.NewEntry:
    return lab.log.new("research", runs=where, by="pooling", date=day, workspace=place)


def seeds_asked(entry: lab.log.NewEntry) -> int:
    return entry.text.count("Run seed")


def two_arms(place: Workspace) -> list[Run]:
    made = seeded_runs(
        place.runs, "pooling", {"mean": [0.50, 0.52, 0.51], "max": [0.61, 0.60, 0.62]},
        params={"epochs": 5},
    )  # fmt: skip
    return [Run.read(folder) for folder in made]


def test_what_is_open_is_not_asked_for_again(place: Workspace) -> None:
    two_arms(place)
    first = new(place)
    assert (seeds_asked(first), first.repeated) == (1, ())
    (item,) = [a for a in lab.log.actions(workspace=place) if a.text.startswith("Run seed")]
    assert f"<!-- lab:action {item.id} -->" in first.text
    second = new(place, day="2026-01-21")
    assert seeds_asked(second) == 0
    assert [action.id for action in second.repeated] == [item.id]


def test_not_when_it_was_reworded_or_moved_either(place: Workspace) -> None:
    two_arms(place)
    text = new(place).text
    reworded = text.replace("Run seeds 3 and 4 of every arm", "Get more seeds, perhaps")
    place.research_log.write_text(reworded)
    assert seeds_asked(new(place, day="2026-01-21")) == 0
    line = next(line for line in text.splitlines() if "Run seed" in line)
    place.research_log.write_text(f"## Plans\n\n{line}\n")
    assert seeds_asked(new(place, day="2026-01-21")) == 0


def test_what_was_rejected_is_not_asked_for_again(place: Workspace) -> None:
    two_arms(place)
    new(place)
    (item,) = [a for a in lab.log.actions(workspace=place) if a.text.startswith("Run seed")]
    lab.log.reject(item.id, why="settled by eye", workspace=place)
    assert seeds_asked(new(place, day="2026-01-21")) == 0


def test_what_was_done_can_be_asked_for_again(place: Workspace) -> None:
    two_arms(place)
    new(place)
    (item,) = [a for a in lab.log.actions(workspace=place) if a.text.startswith("Run seed")]
    lab.log.done(item.id, workspace=place)
    again = new(place, day="2026-01-21")
    assert seeds_asked(again) == 1
    assert f"{item.id}-2" in again.text


def test_other_arms_are_another_item(place: Workspace) -> None:
    two_arms(place)
    assert seeds_asked(new(place)) == 1
    seeded_runs(place.runs, "pooling", {"mean": [0.3, 0.4], "max": [0.5, 0.3]}, start=60,
                params={"epochs": 7})  # fmt: skip
    assert seeds_asked(new(place, "epochs == 7", "2026-01-21")) == 1


def test_a_persons_own_items_are_kept_as_they_are(place: Workspace) -> None:
    asks(place, "Ask a colleague")
    entry = lab.log.new(
        "research", "Title", finding="F.", actions=["Ask a colleague"], workspace=place
    )
    assert "\n- [ ] Ask a colleague\n" in entry.text
    assert entry.repeated == ()


def test_the_suite_that_would_close_it_is_named(place: Workspace) -> None:
    for i, (arm, seed) in enumerate([("mean", 0), ("mean", 1), ("attention", 0), ("attention", 1)]):
        run(place, i, arm=arm, seed=seed)
    text = lab.log.new("suite", suite="pooling", date="2026-01-20", workspace=place).text
    assert "(closes with suite `pooling`, `seed=2`, `seed=3`, `seed=4`) <!-- lab:action a" in text
    # The item says it all, so it may stand anywhere.
    line = next(line for line in text.splitlines() if "Run seed" in line)
    place.research_log.write_text(f"## Plans\n\n{line}\n")
    made = [
        run(place, 10 + i, arm=arm, seed=seed)
        for i, (arm, seed) in enumerate(
            (arm, seed) for arm in ("mean", "attention") for seed in (2, 3, 4)
        )
    ]
    assert looks_done(place) == [tuple(sorted(made, reverse=True))]


def test_nothing_is_read_where_nothing_is_asked(place: Workspace, tmp_path: Path) -> None:
    asks(place, "Write it up")
    (place.runs / "20260120_100000").mkdir()
    (place.runs / "20260120_100000" / "run.json").write_text("{", encoding="utf-8")
    assert looks_done(place) == []  # reading that run would warn, and warnings are errors


def test_a_run_that_diverged_asks_for_a_lower_rate(place: Workspace) -> None:
    for seed in (0, 1):
        for arm, losses in {"mean": [2.0, 1.5, 1.2, 1.1, 1.0], "max": [2.0, float("nan")]}.items():
            write_run(
                place.runs, f"20260120_10{seed}{len(losses)}00",
                params={"pooling": arm, "seed": seed, "epochs": 5, "amp": True},
                curves={"train/loss": losses, "val/accuracy": [0.5] * len(losses)},
                headline="val/accuracy",
            )  # fmt: skip
    asked = [line for line in new(place).text.splitlines() if "2 of 4 runs diverged" in line]
    assert [line.partition(":")[0] for line in asked] == [
        "- [ ] Train in full precision", "- [ ] Lower the learning rate",
    ]  # fmt: skip
    assert "`20260120_100200` (" in asked[0]
    assert "runs diverged" not in new(place, day="2026-01-21").text


@pytest.mark.parametrize(
    ("train", "val", "wanted"),
    [
        ([0.35, 0.41, 0.41, 0.41, 0.41, 0.41], [0.35, 0.41, 0.41, 0.41, 0.41, 0.41], "one class"),
        ([0.25] * 6, [0.25, 0.26, 0.24, 0.25, 0.26, 0.25], "one batch can be learned"),
        ([0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0.25, 0.26, 0.24, 0.25, 0.26, 0.25], "more data"),
    ],
)
def test_collapse_and_chance_reach_the_items(
    workspace: Workspace, train: list[float], val: list[float], wanted: str
) -> None:
    for number, width in enumerate((8, 16)):
        write_run(
            workspace.runs, f"20260120_10{number:02d}00",
            params={"width": width, "seed": 0, "epochs": 6, "n_classes": 4, "validation_size": 200},
            curves={
                "train/accuracy": train, "val/accuracy": val,
                **({"val/majority_accuracy": [0.41] * 6} if val[-1] == 0.41 else {}),
            },
            headline="val/accuracy",
        )  # fmt: skip
    made = lab.log.new("research", runs="seed == 0", by="width", dry_run=True, workspace=workspace)
    items = made.text.partition("### Action Items")[2].lower()
    assert wanted in items
    assert "2 of 2 runs" in items
