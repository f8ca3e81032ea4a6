"""Presets are configurations that hold, of data that exists."""

from __future__ import annotations

import pytest

import cvkan
from cvkan.config.presets import PRESETS
from cvkan.errors import UnknownNameError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_configuration_of_its_domain(name: str) -> None:
    config = cvkan.preset(name)
    assert config.domain == PRESETS[name].domain
    assert PRESETS[name].notebook == f"notebooks/domains/{config.domain}.ipynb"
    assert {option: getattr(config, option) for option in PRESETS[name].values} == dict(
        PRESETS[name].values
    )


def test_values_stand_above_those_of_the_preset() -> None:
    config = cvkan.preset("speech_commands_fast", epochs=2, d_complex=8)
    assert (config.epochs, config.d_complex, config.n_fft) == (2, 8, 512)


def test_the_windows_of_the_speech_presets() -> None:
    windows = {name: cvkan.preset(name).n_fft for name in PRESETS if name.startswith("speech")}
    assert windows == {"speech_commands": 1024, "speech_commands_fast": 512}


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown preset: 'cifar'. Did you mean 'cifar10'?"):
        cvkan.preset("cifar")
