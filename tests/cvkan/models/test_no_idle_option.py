"""No option of any model of any domain is idle: another value changes something, or is refused."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import torch

import cvkan
from cvkan.config import ClassifierConfig, ModelConfig, TrainingConfig
from cvkan.errors import CvkanError
from cvkan.models.registry import MODELS
from cvkan.training.augment import augmenter_for

SIZES = {"train_size": 25, "validation_size": 13, "test_size": 13, "batch_size": 13, "epochs": 2}
TINY: dict[str, dict[str, Any]] = {
    "image": {},
    "audio": {"n_fft": 128, "hop": 64},
    "timeseries": {"lookback": 48, "horizon": 6},
    "text": {"max_words": 16},
    "synthetic": {},
    "scanline": {"lines": 24, "pixels": 16},
    "grid": {"patch_size": 8},
}
# Where an option has a say only beside others.
BESIDE: dict[str, dict[str, Any]] = {
    # nothing is learned, so nothing improves
    "patience": {"optimizer": "sgd", "lr": 1e-30, "epochs": 3},
    "clip": {"optimizer": "sgd"},
}
# What a value is changed to where a step up or down would not show.
OTHERS: dict[str, Any] = {
    "clip": 1e-3,
    "patience": 1,
    "warmup": 1.5,
    "max_words": 4,
    "min_count": 9,
}
# Of training, which is the same for all models, and of the layers of complex tokens, which are the
# same in all domains: these are looked at once. Baselines have to refuse the layers' everywhere.
ONCE = "synthetic"
KANS = cvkan.config.model.KANS
OF_DATA = {"dataset", "train_size", "validation_size", "test_size", "data_seed"}
OF_MODELS = frozenset(ModelConfig.model_fields)
OF_LAYERS = frozenset(ModelConfig.of_layers)
OF_TRAINING = frozenset(ClassifierConfig.model_fields) - OF_MODELS - OF_DATA
CASES = [
    (domain, model)
    for domain, models in MODELS.items()
    for model in models
    if domain == ONCE or model not in KANS[1:]  # twins are one model in all domains, too
]
EXCEPTIONS = {
    "compile": "what is compiled gives the same numbers, and test_compile.py sees that it is",
    "device": "this machine may have one alone; a device that is not there is refused",
}
# `naive` has nothing to learn: a seed changes nothing, as none of the options of training do,
# but a suite gives both to all of its models.
NOTHING_TO_DRAW = {("timeseries", "naive", "seed")}


def other_values(kind: type[TrainingConfig], option: str) -> list[Any]:
    """Values of an option that are not its default: all the others, or one of many."""
    field = kind.model_fields[option]
    parts = _parts(field.annotation)
    named = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    if option in OTHERS:
        return [OTHERS[option]]
    if named:
        return [value for value in named if value != field.default]
    if bool in parts:
        return [not field.default]
    if str in parts:
        return []
    default = field.default
    if int in parts:
        return [(default or 2) // 2 if (default or 2) > 1 else 2]
    return [0.25 if default in (None, 0.0) else default / 2]


def _parts(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [part for one in get_args(annotation) for part in _parts(one)]
    return [annotation]


def configured(domain: str, **options: Any) -> TrainingConfig:
    tiny = TINY[domain]
    if options["model"] == "m5":  # hears no spectrogram
        tiny = {}
    return cvkan.config_for(domain, **SIZES | tiny | options)


def loaded(config: TrainingConfig) -> cvkan.Splits:
    return _loaded(for_any_model(config))


@cache
def _loaded(config: TrainingConfig) -> cvkan.Splits:
    return cvkan.load(config)


def for_any_model(config: TrainingConfig) -> TrainingConfig:
    """The same data: no model's options but the seed, by which tasks may be split."""
    return config.model_copy(
        update={name: type(config).model_fields[name].default for name in OF_MODELS - {"seed"}}
    )


@cache
def data_of(config: TrainingConfig) -> list[torch.Tensor]:
    """What training and evaluation are given, training inputs as they are changed for it."""
    splits = _loaded(config)
    three = (splits.train, splits.validation, splits.test)
    parts = [tensor for part in three for tensor in part[:]]
    change = augmenter_for(config)
    if change is not None:
        parts.append(change(splits.train[:][0], torch.Generator().manual_seed(0)))
    return parts


@cache
def model_of(config: TrainingConfig) -> list[torch.Tensor]:
    """Initial weights, and outputs in training once they have moved away from these."""
    splits = loaded(config)
    model = cvkan.build(config, splits.info)
    weights = [p.detach().clone() for p in model.parameters()]
    generator = torch.Generator().manual_seed(0)
    for p in model.parameters():
        p.data.add_(0.3 * torch.randn(p.shape, generator=generator))
    torch.manual_seed(0)
    return [*weights, model(splits.train[:5][0]).detach()]


@cache
def training_of(config: TrainingConfig) -> list[torch.Tensor]:
    """Metrics of every epoch and of the test, without times."""
    splits = loaded(config)
    result = cvkan.fit(cvkan.build(config, splits.info), splits, config)
    rows = (*result.history, result.test)
    return [
        torch.tensor([v for name, v in row.items() if not name.startswith("time")]) for row in rows
    ]


def differ(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    if [t.shape for t in a] != [t.shape for t in b]:
        return True
    return not all(torch.equal(x.nan_to_num(), y.nan_to_num()) for x, y in zip(a, b, strict=True))


def has_effect(domain: str, model: str, option: str, value: Any) -> bool:
    beside = BESIDE.get(option, {})
    plain = configured(domain, model=model, **beside)
    try:
        changed = configured(domain, model=model, **beside | {option: value})
        if option in OF_TRAINING:
            return differ(training_of(changed), training_of(plain))
        if option not in OF_MODELS and differ(*map(data_of, map(for_any_model, (changed, plain)))):
            return True
        return differ(model_of(changed), model_of(plain))
    except CvkanError:  # refused, or data that are not on this machine
        return True


def cases_of(domain: str, model: str) -> list[tuple[str, Any]]:
    kind = type(cvkan.config_for(domain))
    options = set(kind.model_fields) - set(EXCEPTIONS) - {"model"}
    options -= {option for option in options if (domain, model, option) in NOTHING_TO_DRAW}
    if (domain, model) != (ONCE, "cvkan"):
        options -= OF_TRAINING
    if domain != ONCE and model in KANS:
        options -= OF_LAYERS
    return [
        (option, value)
        for option in sorted(options)
        for value in other_values(kind, option)
        if value != getattr(configured(domain, model=model, **BESIDE.get(option, {})), option)
    ]


@pytest.fixture(autouse=True)
def no_data_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("CVKAN_DATA", str(tmp_path))
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path))


@pytest.mark.parametrize(("domain", "model"), CASES, ids=lambda value: value)
def test_another_value_of_an_option_changes_something_or_is_refused(domain, model):
    idle = [case for case in cases_of(domain, model) if not has_effect(domain, model, *case)]
    assert idle == []
