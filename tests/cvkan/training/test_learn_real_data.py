"""Small models on real data come to what simple methods reach there; minutes, so run by hand."""

from __future__ import annotations

import pytest

import cvkan

pytestmark = pytest.mark.slow


def learned(domain: str, **options: object) -> dict[str, float]:
    config = cvkan.config_for(domain, **options)
    try:
        splits = cvkan.load(config)
    except cvkan.CvkanError as error:
        pytest.skip(str(error))
    return cvkan.fit(cvkan.build(config, splits.info), splits, config).test


def test_spoken_digits_beat_a_perceptron_on_spectrogram_statistics() -> None:
    # 94.2% is what a perceptron reaches on the mean and spread of each bin's log-magnitude.
    test = learned("audio", dataset="fsdd", d_complex=64, n_layers=2, epochs=6)
    assert test["test/accuracy"] > 0.942


def test_oil_temperature_beats_yesterday_and_nears_a_linear_forecast() -> None:
    # Repeating the last day has an MSE of 0.512; DLinear, published and measured, about 0.389.
    test = learned("timeseries", dataset="etth1", train_size=2000, d_complex=32, epochs=3)
    assert test["test/mse"] < 0.41
