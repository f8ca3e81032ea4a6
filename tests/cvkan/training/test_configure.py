"""A configuration is frozen, refuses what it does not know, and has no option that does nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import cvkan
from cvkan.config.options import Options
from cvkan.errors import ConfigError, UnknownNameError

DOMAINS = ("image", "audio", "timeseries", "synthetic")


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_defaults_are_the_embedded_data(domain: str) -> None:
    config = cvkan.config_for(domain)
    assert config.domain == domain
    assert cvkan.DATASETS[config.dataset].embedded
    assert cvkan.DATASETS[config.dataset].domain == domain


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_option_is_described(domain: str) -> None:
    """Where it is declared, or where a domain changed only its default, by a base of its class."""
    kinds = [k for k in type(cvkan.config_for(domain)).__mro__ if issubclass(k, Options)]
    described = {name for k in kinds for name, f in k.model_fields.items() if f.description}
    assert set(kinds[0].model_fields) == described


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown option: 'epoch'. Did you mean 'epochs'?"):
        cvkan.config_for("image", epoch=3)


def test_an_unknown_domain_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown domain: 'images'. Did you mean 'image'?"):
        cvkan.config_for("images")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "option epochs cannot be that: 0. Input should be greater than 0."),
        ({"lr": "fast"}, "option lr cannot be that: 'fast'. Input should be a valid number"),
        ({"dataset": "etth1"}, "option dataset cannot be that: 'etth1'. Input should be 'digits'"),
        ({"optimizer": "adam"}, "option optimizer cannot be that: 'adam'. Input should be 'adamw'"),
    ],
)
def test_a_bad_value_is_told_with_what_is_allowed(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cvkan.config_for("image", **values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("domain", "name"),
    [("timeseries", "label_smoothing"), ("audio", "flip"), ("image", "n_fft"), ("image", "noise")],
)
def test_options_of_other_domains_do_not_exist(domain: str, name: str) -> None:
    with pytest.raises(UnknownNameError):
        cvkan.config_for(domain, **{name: 0})


def test_a_configuration_is_frozen() -> None:
    config = cvkan.config_for("image")
    with pytest.raises(ValidationError):
        config.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("option", ["lr", "clip", "weight_decay"])
def test_no_option_is_infinite(option):
    with pytest.raises(
        ConfigError, match=f"option {option} cannot be that: inf. Input should be a"
    ):
        cvkan.config_for("image", **{option: float("inf")})
