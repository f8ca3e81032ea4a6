"""Spoken tones: two-vowel words from a source-filter voice.

A glottal source (harmonics of a gliding pitch, falling with 1/k) passes three formant resonances
that glide from one vowel to the next. Pairs of classes such as "ai" and "ia" hold the same sounds
in opposite order, so averaging over time tells at most half of the classes apart. Pitch, vocal
tract length, onset, duration, starting phase and loudness vary by sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cvkan.data.splits import IntArray

SAMPLE_RATE = 8000
WORDS = ("ai", "ia", "au", "ua", "ei", "ie", "eu", "ue")

_SAMPLES = 4000  # half a second
_FRAME = 40  # resonances move slowly: one gain per 5 ms
_HARMONICS = 24
_FORMANTS = {  # Hz, after Peterson and Barney (1952), men
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "u": (300.0, 870.0, 2240.0),
}
_BANDWIDTH = np.array([80.0, 100.0, 140.0], dtype=np.float32)  # Hz
_CHUNK = 256  # words at a time: bounds the memory

Float = npt.NDArray[np.floating[Any]]


def synthesize(
    labels: IntArray, rng: np.random.Generator, *, noise: float
) -> npt.NDArray[np.int16]:
    """Words (len(labels), 4000) at 8 kHz; `noise` is its standard deviation over the voice's."""
    chunks = [
        _words(labels[start : start + _CHUNK], rng, noise)
        for start in range(0, len(labels), _CHUNK)
    ]
    return np.concatenate(chunks)


def _words(labels: IntArray, rng: np.random.Generator, noise: float) -> npt.NDArray[np.int16]:
    count = len(labels)

    def draw(low: float, high: float) -> Float:
        return rng.uniform(low, high, (count, 1)).astype(np.float32)

    onset, length = draw(200, 1000), draw(2000, 2900)  # samples
    time = np.arange(_SAMPLES, dtype=np.float32)
    progress = np.clip((time - onset) / length, 0, 1)  # 0 before the word, 1 after it
    pitch = draw(90, 240) * (1 + draw(-0.15, 0.15) * progress)  # Hz
    phase = 2 * np.pi * (np.cumsum(pitch, axis=1) / SAMPLE_RATE + draw(0, 1))
    formants = _glide(labels, progress[:, ::_FRAME], draw(0.9, 1.15))
    voice = _filtered(phase, pitch[:, ::_FRAME], formants)
    voice *= np.sin(np.pi * progress).clip(0) ** 0.5  # rises and falls, silent outside
    voice /= voice.std(axis=1, keepdims=True)
    voice += noise * rng.standard_normal(voice.shape, dtype=np.float32)
    loudness = draw(0.03, 0.12)
    return np.asarray(np.clip(voice * loudness, -1, 1) * 32767).astype(np.int16)


def _glide(labels: IntArray, progress: Float, tract: Float) -> Float:
    """Formant frequencies (count, frames, 3), held at both ends and moving between them."""
    first, last = (
        np.array([_FORMANTS[WORDS[label][end]] for label in labels], dtype=np.float32)[:, None]
        for end in (0, 1)
    )
    share = np.clip((progress[..., None] - 0.3) / 0.4, 0, 1)
    return np.asarray(tract[..., None] * (first + (last - first) * share))


def _filtered(phase: Float, pitch: Float, formants: Float) -> Float:
    """The sum of harmonics (count, samples), each with the resonances' gain at its frequency."""
    count, frames = pitch.shape
    turn = np.exp(1j * phase.reshape(count, frames, _FRAME)).astype(np.complex64)
    harmonic = turn.copy()  # e^(i k phase) by repeated multiplication: no sine per harmonic
    voice = np.zeros(turn.shape, dtype=np.float32)
    for k in range(1, _HARMONICS + 1):
        distance = (k * pitch[..., None] - formants) / _BANDWIDTH
        gain = (1 / (1 + distance**2)).sum(axis=-1) / k
        gain[k * pitch > SAMPLE_RATE / 2] = 0  # above half the sample rate it would fold back
        voice += gain[..., None] * harmonic.imag
        harmonic *= turn
    return voice.reshape(count, -1)
