"""Complex tokens that are noise, or hide a few phase-aligned signal tokens.

All magnitudes follow one law, so only phases tell the classes apart. A noise token has uniform
phases; a signal token has those of its class's pattern, blurred, and turned by `common_phase`:

    fixed        not at all: a linear layer on the mean token answers
    random       each sample by one angle: the mean token is zero on average in every class, but
                 its product with the pattern is large, so a matched filter on it answers
    per_token    each signal token by an angle of its own: the mean token loses that too
    per_feature  each feature of a sample by an angle of its own, the same in its signal tokens:
                 no token is like any of another sample, so tokens must be compared with each other
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from cvkan.config import SyntheticConfig
from cvkan.data.splits import IntArray, Split, Splits, generated_source, stream
from cvkan.errors import ConfigError
from cvkan.info import DataInfo

Float = npt.NDArray[np.float32]

_PATTERNS = 3  # the random stream of the patterns; 0, 1 and 2 are those of the splits


def load(config: SyntheticConfig) -> Splits:
    """Tokens (tokens, features, 2) as (re, im) pairs; each split has its own random stream."""
    if config.n_signal > config.n_tokens:
        raise ConfigError(
            f"a sample has only {config.n_tokens} tokens",
            seen=config.n_signal,
            do="Lower n_signal or raise n_tokens.",
        )
    shape = (config.n_patterns, config.token_dim)
    patterns = stream(config.data_seed, _PATTERNS).uniform(-np.pi, np.pi, shape)
    sizes = (config.train_size or 2000, config.validation_size or 500, config.test_size or 500)
    drawn = [
        _draw(size, patterns, config, stream(config.data_seed, purpose))
        for purpose, size in enumerate(sizes)
    ]
    signals = tuple(f"signal {k}" for k in range(1, config.n_patterns + 1))
    classes = ("noise", *(signals if config.n_patterns > 1 else ("signal",)))
    info = DataInfo(
        "signal_noise",
        "synthetic",
        (config.n_tokens, config.token_dim, 2),
        "Signal against noise",
        len(classes),
        classes,
    )
    splits = (Split(torch.from_numpy(x), torch.from_numpy(y)) for x, y in drawn)
    source = generated_source("signal_noise", *(tokens for tokens, _ in drawn))
    return Splits.of(splits, info, source)


def _draw(
    size: int, patterns: npt.NDArray[np.float64], config: SyntheticConfig, rng: np.random.Generator
) -> tuple[Float, IntArray]:
    """Tokens (size, tokens, features, 2) and labels, each class equally often within one."""
    labels = rng.permutation(np.arange(size) % (len(patterns) + 1))
    shape = (size, config.n_tokens, config.token_dim)
    phases = rng.uniform(-np.pi, np.pi, shape)
    # shrinking the noise's own range blurs a signal: coherence 1 is exact, 0 is noise again
    signal = patterns[labels - 1][:, None] + (1 - config.coherence) * phases
    if config.common_phase != "fixed":
        turned = {
            "random": (size, 1, 1),
            "per_token": (size, config.n_tokens, 1),
            "per_feature": (size, 1, config.token_dim),
        }
        signal += rng.uniform(-np.pi, np.pi, turned[config.common_phase])
    places = rng.random(shape[:2]).argsort(axis=1) < config.n_signal
    carries = places & (labels > 0)[:, None]  # (size, tokens)
    phases = np.where(carries[..., None], signal, phases)
    magnitudes = rng.uniform(0.5, 1.5, shape)
    tokens = np.stack([magnitudes * np.cos(phases), magnitudes * np.sin(phases)], axis=-1)
    return tokens.astype(np.float32), labels
