"""Random flips and shifts, against one image at a time."""

from __future__ import annotations

import pytest
import torch

import cvkan
from cvkan.training.augment import augmenter_for, flipped, shifted

IMAGES = torch.arange(1.0, 1 + 40 * 2 * 5 * 6).reshape(40, 2, 5, 6)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_about_half_are_mirrored_and_the_others_kept() -> None:
    result = flipped(IMAGES, generator())
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(result, IMAGES, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(result, IMAGES, strict=True)]
    assert 10 < sum(mirrored) < 30
    assert sum(mirrored) + sum(kept) == 40


def test_every_image_is_moved_as_a_whole_and_zeros_come_in() -> None:
    seen = set()
    for moved, image in zip(shifted(IMAGES, 1, generator()), IMAGES, strict=True):
        padded = torch.nn.functional.pad(image, (1, 1, 1, 1))
        found = [
            (down, right)
            for down in range(3)
            for right in range(3)
            if torch.equal(moved, padded[:, down : down + 5, right : right + 6])
        ]
        assert len(found) == 1
        seen.update(found)
    assert len(seen) == 9


def test_a_configuration_says_what_is_changed() -> None:
    augment = augmenter_for(cvkan.config_for("image", flip=True, shift=1))
    assert augment is not None
    first = generator()
    expected = shifted(flipped(IMAGES, first), 1, first)
    assert torch.equal(augment(IMAGES, generator()), expected)
    nothing = augmenter_for(cvkan.config_for("image"))
    assert nothing is not None
    assert torch.equal(nothing(IMAGES, generator()), IMAGES)


def test_a_domain_may_bring_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    config = cvkan.config_for("synthetic")
    assert augmenter_for(config) is None
    monkeypatch.setattr(
        "cvkan.data.synthetic.augmented",
        lambda inputs, given, _: inputs * given.n_tokens,
        raising=False,
    )
    augment = augmenter_for(config)
    assert augment is not None
    assert torch.equal(augment(IMAGES, generator()), IMAGES * config.n_tokens)
