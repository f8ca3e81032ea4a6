"""Audio models: those that classify in many ways, and the one that gives waveforms back."""

from __future__ import annotations

import math

import pytest
import torch

import cvkan
from cvkan.baselines.matching import count_parameters
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo

INFO = DataInfo("x", "audio", (4000,), n_classes=5, sample_rate=8000)
BASELINES = ("m5", "lstm", "transformer", "perceptron")


def build(info: DataInfo = INFO, **options: object) -> torch.nn.Module:
    alone = options.get("model") in BASELINES and "match_params_of" not in options
    sizes = {} if alone else {"d_complex": 16, "kan_hidden": 8}
    return cvkan.build(cvkan.config_for("audio", **sizes | options), info)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_classifies_with_every_parameter(name):
    model = build(model=name)
    logits = model(torch.randn(4, 4000))
    assert logits.shape == (4, 5)
    logits.square().sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.ne(0).any()


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_has_as_many_parameters_as_the_model_it_is_compared_with(name):
    target = count_parameters(build())
    matched = count_parameters(build(model=name, match_params_of="cvkan"))
    assert matched == pytest.approx(target, rel=0.03)


@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_hears_how_loud_a_recording_is(name):
    model = build(model=name).eval()
    x = torch.randn(2, 4000)
    torch.testing.assert_close(model(30 * x), model(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["lstm", "transformer", "perceptron"])
def test_a_baseline_takes_spectrograms_too(name):
    model = build(model=name).eval()
    x = torch.randn(2, 4000)
    stft = torch.stft(x, 256, 128, window=torch.hann_window(256), return_complex=True)
    assert torch.equal(model(torch.view_as_real(stft).transpose(1, 2)), model(x))


def test_the_perceptron_is_blind_to_order():
    """Frames in another order: means and spreads over time are the same."""
    model = build(model="perceptron").eval().double()
    bins = torch.randn(2, 20, 129, 2, dtype=torch.float64)
    torch.testing.assert_close(model(bins.flip(1)), model(bins))


def test_the_first_kernel_of_an_m5_spans_ten_milliseconds():
    for rate, kernel, stride in ((8000, 80, 4), (16000, 160, 8)):
        first = build(DataInfo("x", "audio", (4000,), n_classes=5, sample_rate=rate), model="m5")
        assert first.layers[0].kernel_size == (kernel,)
        assert first.layers[0].stride == (stride,)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_only_classifies(name):
    with pytest.raises(ConfigError, match="no reconstruction"):
        build(model=name, task="reconstruction")


def test_what_a_baseline_cannot_do_is_an_error():
    with pytest.raises(CvkanError, match="hears waveforms"):
        build(model="m5")(torch.zeros(2, 32, 129, 2))
    with pytest.raises(CvkanError, match="no sample rate"):
        build(DataInfo("x", "audio", (4000,), n_classes=5), model="lstm")
    with pytest.raises(CvkanError, match="takes no mask"):
        build(model="m5")(torch.zeros(2, 4000), mask=torch.ones(2, 32, dtype=torch.bool))
    with pytest.raises(CvkanError, match="has places for 32 frames"):
        build(model="transformer")(torch.ones(2, 4200))


def clips(lengths: list[int], samples: int) -> torch.Tensor:
    """Noise of these lengths, the same whatever the array, then zeros."""
    noise = torch.randn(len(lengths), 4000, generator=torch.Generator().manual_seed(0))
    noise = torch.nn.functional.pad(noise, (0, samples - 4000)).double()
    return noise * (torch.arange(samples) < torch.tensor(lengths)[:, None])


@pytest.mark.parametrize("name", ["cvkan", "real_cartesian", *BASELINES])
def test_zeros_behind_the_end_of_a_clip_are_not_heard(name):
    """Longer arrays, shorter ones, other clips of the batch: the answers are the same."""
    torch.manual_seed(0)
    model = build(model=name).double()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2)
    model.eval()
    lengths = [4000, 3999, 2950, 1000]
    answers = model(clips(lengths, 4000))
    assert answers.std(0).max() > 1e-3
    torch.testing.assert_close(model(clips(lengths, 4900)), answers)
    for length, answer in zip(lengths, answers, strict=True):
        alone = clips(lengths, 4000)[lengths.index(length)][None, :length]
        torch.testing.assert_close(model(alone)[0], answer)


@pytest.mark.parametrize("name", ["cvkan", *BASELINES[1:]])
def test_a_spectrogram_of_a_padded_clip_says_where_it_ends(name):
    model = build(model=name).double().eval()
    x = clips([4000, 2000], 4600)
    front_end = model.spectrogram if name == "cvkan" else model.bands.spectrogram
    assert torch.equal(model(front_end(x)), model(x))


@pytest.mark.parametrize("hop", [64, 100])
def test_a_padded_clip_is_reconstructed_as_if_it_were_alone(hop):
    model = build(task="reconstruction", n_fft=256, hop=hop).double().eval()
    short, padded = (model(clips([3200, 4000], samples)) for samples in (4000, 4900))
    torch.testing.assert_close(padded[:, : short.shape[1]], short)
    assert padded[0, 3200 + hop :].eq(0).all()
    alone = (
        build(
            DataInfo("x", "audio", (3200,), n_classes=5, sample_rate=8000),
            task="reconstruction",
            n_fft=256,
            hop=hop,
        )
        .double()
        .eval()
    )
    alone.load_state_dict(model.state_dict())
    torch.testing.assert_close(alone(clips([3200, 4000], 4000)[:1, :3200])[0], short[0, :3200])


@pytest.mark.parametrize(
    "option", [{"pooling": "max"}, {"label_smoothing": 0.1}, {"class_weights": True}]
)
def test_options_of_classes_have_no_effect_on_waveforms(option):
    with pytest.raises(ConfigError, match="no effect with task reconstruction"):
        cvkan.config_for("audio", task="reconstruction", **option)


@pytest.mark.parametrize("n_layers", [0, 2])
@pytest.mark.parametrize("name", ["cvkan", "real_cartesian", "real_polar"])
def test_a_reconstruction_uses_every_parameter(name, n_layers):
    model = build(task="reconstruction", model=name, n_layers=n_layers)
    torch.nn.init.normal_(model.bins.gate[-1].weight, std=0.1)
    waveforms = model(torch.randn(3, 4000))
    assert waveforms.shape == (3, 4000)
    waveforms.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.ne(0).any(), name


def test_a_reconstruction_is_as_loud_as_what_it_is_made_from():
    model = build(task="reconstruction").eval().double()
    x = torch.randn(2, 4000, dtype=torch.float64)
    torch.testing.assert_close(model(7 * x), 7 * model(x), rtol=1e-6, atol=1e-8)
    assert torch.isfinite(model(torch.zeros_like(x))).all()


@pytest.mark.parametrize("positions", ["none", "fixed", "learned"])
def test_without_blocks_and_bottleneck_a_waveform_can_come_back_whole(positions):
    """As many dimensions as bins, and the second map the inverse of the first: turns undone."""
    model = build(task="reconstruction", n_layers=0, positions=positions, n_fft=30, hop=10).double()
    there = torch.complex(model.embedding.re.weight, model.embedding.im.weight).detach()
    back = torch.linalg.inv(there)
    with torch.no_grad():
        model.bins.project.re.weight.copy_(back.real)
        model.bins.project.im.weight.copy_(back.imag)
        if positions == "learned":
            model.positions.turn.normal_()
    x = torch.randn(2, 4000, dtype=torch.float64)
    torch.testing.assert_close(model(x), x, rtol=0, atol=1e-6)


def test_padded_frames_do_not_change_a_reconstruction():
    """A spectrogram with frames behind its end: the samples before it are the same."""
    model = build(task="reconstruction").eval().double()
    bins = model.spectrogram(torch.randn(2, 4000, dtype=torch.float64))
    padding = torch.full((2, 3, 129, 2), math.nan, dtype=torch.float64)
    mask = torch.arange(35) < 32
    padded = model(torch.cat((bins, padding), 1), mask=mask.expand(2, -1))
    reached = 31 * 128 - 128
    torch.testing.assert_close(padded[:, :reached], model(bins)[:, :reached])


def test_it_takes_noise_off_a_voice_it_has_not_heard():
    config = cvkan.config_for(
        "audio",
        task="reconstruction",
        train_size=320,
        validation_size=64,
        test_size=64,
        epochs=4,
        n_layers=1,
        kan_hidden=8,
    )
    splits = cvkan.load(config)
    noisy, voice = splits.test[:]
    silence = voice.square().mean().item()  # the error of zeros; of the mean waveform too
    assert (noisy - voice).square().mean().item() > 0.9 * silence
    result = cvkan.fit(cvkan.build(config, splits.info), splits, config)
    assert result.test["test/mse"] < 0.6 * silence
    assert set(result.test) == {"test/mse", "test/mae"}
