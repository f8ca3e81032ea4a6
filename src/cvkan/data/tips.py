"""Simulated scans of an atomic lattice by four kinds of tip.

A scan is the lattice, point by point, convolved with the tip: a sharp tip shows atoms, a tip with
two ends shows each atom twice, a tip drawn out along the rows shows rows only, a blunt one blurs
and jumps. Sites are missing or stand out in every class, and every scan has drift and creep of
the piezo, a tilt, lines that lie higher or lower, noise and hum. A scan in which the tip changes
keeps the label of its first line. Distances are in pixels, counted (line, pixel).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from cvkan.data.splits import IntArray

CLASSES = ("atoms", "asymmetries", "rows", "defects")
SHARES = (0.0879, 0.4390, 0.1691, 0.3039)  # of the real set, STM tips in four merged classes
ATOMS, ASYMMETRIES, ROWS, DEFECTS = range(4)

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complex128]
Float = npt.NDArray[np.float32]

_MARGIN = 8  # pixels around a scan whose atoms reach into it
_CHUNK = 256  # scans simulated at a time, so that memory does not grow with their number
_SPACING = (6.0, 8.0)  # between neighbouring atoms


@dataclass(frozen=True)
class Tips:
    """What a tip shows of a point: an oriented Gaussian, twice; one value a scan."""

    across: Array  # standard deviation across the rows
    along: Array  # and along them
    angle: Array  # of the rows, radians
    second: Array  # height of the second end relative to the first
    offset: Array  # (n, 2), from the first end to the second
    shift: Array  # (n, 2), of the whole picture

    def take(self, index: IntArray) -> Tips:
        return Tips(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def response(self, down: Array, right: Array) -> Complex:
        """The Fourier transform at frequencies (K,) and (M,), radians a pixel: (n, K, M)."""
        ky, kx = down[None, :, None], right[None, None, :]
        cos, sin = _planes(np.cos(self.angle)), _planes(np.sin(self.angle))
        along, across = kx * cos + ky * sin, ky * cos - kx * sin
        size = (along * _planes(self.along)) ** 2 + (across * _planes(self.across)) ** 2
        ghost = _planes(self.second) * _wave(ky, kx, self.offset)
        return np.exp(-size / 2) * (1 + ghost) * _wave(ky, kx, self.shift)


def labels_of(size: int, rng: np.random.Generator) -> IntArray:
    """`size` labels with the shares of the real set, to one sample, in random order."""
    bounds = np.round(np.cumsum((0.0, *SHARES)) / sum(SHARES) * size).astype(np.int64)
    return rng.permutation(np.repeat(np.arange(len(SHARES)), np.diff(bounds)))


def simulate(
    labels: IntArray,
    rng: np.random.Generator,
    *,
    lines: int,
    pixels: int,
    noise: float = 1.0,
    tip_changes: float = 0.2,
) -> Float:
    """Scans (n, lines, pixels) of tips in the states `labels`, in standard deviations of atoms."""
    scans = [
        _scans(labels[chunk], rng, (lines, pixels), noise, tip_changes)
        for chunk in _chunks(len(labels))
    ]
    return np.concatenate(scans) if scans else np.zeros((0, lines, pixels), np.float32)


def _chunks(size: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, size, _CHUNK))


def _scans(
    labels: IntArray, rng: np.random.Generator, shape: tuple[int, int], noise: float, changes: float
) -> Float:
    n, (lines, _) = len(labels), shape
    spacing = rng.uniform(*_SPACING, n)
    angle = np.pi / 2 + rng.uniform(-0.4, 0.4, n)
    spectrum, frequencies = _lattice(n, spacing, angle, rng, shape)
    first = _tips(labels, spacing, angle, rng)
    scans = _seen(spectrum, first, frequencies, shape)
    scans /= scans.std(axis=(1, 2), keepdims=True)

    changed = np.flatnonzero(rng.random(n) < changes)
    other = _tips(
        rng.integers(0, len(CLASSES), len(changed)), spacing[changed], angle[changed], rng
    )
    after = _seen(spectrum[changed], other, frequencies, shape)
    after /= after.std(axis=(1, 2), keepdims=True)
    begin = rng.integers(lines // 4, lines, len(changed))
    later = np.arange(lines) >= begin[:, None]
    scans[changed] = np.where(later[..., None], after, scans[changed])

    scans += _glitches(labels, rng, shape)
    scans += _surroundings(n, rng, shape)
    scans += noise * _noise(n, rng, shape)
    return scans.astype(np.float32)


def _tips(labels: IntArray, spacing: Array, angle: Array, rng: np.random.Generator) -> Tips:
    """Tips in the states `labels`; the ranges of two states touch, so that some look alike."""
    n = len(labels)

    def between(low: float, high: float) -> Array:
        return rng.uniform(low, high, n) * spacing

    def where(state: int, there: Array, elsewhere: Array) -> Array:
        return np.where(labels == state, there, elsewhere)

    across = where(DEFECTS, between(0.26, 0.40), between(0.16, 0.24))
    along = where(ROWS, between(0.40, 0.80), across * rng.uniform(0.9, 1.3, n))
    second = where(ASYMMETRIES, rng.uniform(0.4, 0.9, n), rng.uniform(0.0, 0.2, n))
    direction = rng.uniform(0, 2 * np.pi, n)
    distance = between(0.35, 0.55)
    offset = np.stack((distance * np.sin(direction), distance * np.cos(direction)), axis=-1)
    return Tips(across, along, angle, second, offset, rng.uniform(-2, 2, (n, 2)))


def _lattice(
    n: int, spacing: Array, angle: Array, rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[Complex, tuple[Array, Array]]:
    """The Fourier transform of the atoms as points, drift included, and its frequencies."""
    lines, pixels = shape
    reach = int(np.hypot(lines, pixels) / 2 / (0.75 * _SPACING[0])) + 3
    steps = np.arange(-reach, reach + 1)
    i, j = (grid.ravel() for grid in np.meshgrid(steps, steps))
    # rows run along `angle`; the next row is 0.9 to 1.3 spacings away, at 60 to 120 degrees
    ratio, turn = rng.uniform(0.9, 1.2, n), np.pi / 2 + rng.uniform(-0.2, 0.2, n)
    start = rng.uniform(-0.5, 0.5, (2, n, 1)) * spacing[:, None]
    toward = angle + turn
    x = spacing[:, None] * (np.outer(np.cos(angle), i) + np.outer(ratio * np.cos(toward), j))
    y = spacing[:, None] * (np.outer(np.sin(angle), i) + np.outer(ratio * np.sin(toward), j))
    x, y = x + start[0] + pixels / 2, y + start[1] + lines / 2

    drift, creep, stretch = (rng.normal(0, size, (n, 1)) for size in (2.0, 2.0, 0.05))
    time = y / lines
    x = x + drift * time + creep * np.exp(-np.clip(time, 0, None) / 0.15)
    y = y * (1 + stretch)
    heights = rng.normal(1, 0.15, x.shape)
    kind = rng.random(x.shape)
    heights = np.where(kind < 0.06, 0.0, np.where(kind > 0.97, 2.2, heights))

    rows, columns = lines + 2 * _MARGIN, pixels + 2 * _MARGIN
    points = _rasterized(y + _MARGIN, x + _MARGIN, heights, (rows, columns))
    frequencies = 2 * np.pi * np.fft.fftfreq(rows), 2 * np.pi * np.fft.rfftfreq(columns)
    return np.fft.rfft2(points), frequencies


def _rasterized(y: Array, x: Array, heights: Array, shape: tuple[int, int]) -> Array:
    """Points (n, sites) shared out to the four pixels around each; those outside are left out."""
    n, (rows, columns) = len(y), shape
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = y - top, x - left
    inside = (top >= 0) & (top < rows - 1) & (left >= 0) & (left < columns - 1)
    base = (np.arange(n)[:, None] * rows + top) * columns + left
    plane = np.zeros(n * rows * columns)
    for line, pixel in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (down if line else 1 - down) * (right if pixel else 1 - right) * heights
        at = (base + line * columns + pixel)[inside]
        plane += np.bincount(at, share[inside], len(plane))
    return plane.reshape(n, rows, columns)


def _seen(
    spectrum: Complex,
    tips: Tips,
    frequencies: tuple[Array, Array],
    shape: tuple[int, int],
) -> Array:
    """The scans (n, lines, pixels) that the tips make of the atoms."""
    padded = (shape[0] + 2 * _MARGIN, shape[1] + 2 * _MARGIN)
    whole = np.fft.irfft2(spectrum * tips.response(*frequencies), s=padded)
    return whole[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].copy()


def _glitches(labels: IntArray, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Jumps of height in the middle of a line; unstable tips, those of `defects`, have more."""
    n, (lines, pixels) = len(labels), shape
    rate = np.where(labels == DEFECTS, rng.uniform(0.05, 0.25, n), rng.uniform(0.0, 0.08, n))
    struck = rng.random((n, lines)) < rate[:, None]
    size = rng.normal(0, 2, (n, lines)) * struck
    begin = rng.integers(0, pixels, (n, lines, 1))
    end = begin + rng.geometric(0.2, (n, lines, 1))
    place = np.arange(pixels)
    jumps: Array = size[..., None] * ((place >= begin) & (place < end))
    return jumps


def _surroundings(n: int, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Tilt of the sample, and lines that wander up and down."""
    down, right = (np.linspace(-1, 1, size) for size in shape)
    tilt = rng.normal(0, 0.6, (2, n, 1, 1))
    wander = rng.normal(0, 0.3, (n, shape[0])).cumsum(axis=1) + rng.normal(0, 0.3, (n, shape[0]))
    heights: Array = tilt[0] * down[:, None] + tilt[1] * right + wander[..., None]
    return heights


def _noise(n: int, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """White noise of a level that differs from scan to scan, and hum with a period of its own."""
    lines, pixels = shape
    white = rng.uniform(0.2, 0.6, (n, 1, 1)) * rng.standard_normal((n, lines, pixels))
    period = rng.uniform(3, 12, (n, 1, 1))
    advance = rng.uniform(0, 2 * np.pi, (n, 1, 1)) * np.arange(lines)[:, None]
    hum = np.sin(2 * np.pi * np.arange(pixels) / period + advance)
    return white + rng.uniform(0, 0.4, (n, 1, 1)) * hum


def _planes(values: Array) -> Array:
    return values[:, None, None]


def _wave(ky: Array, kx: Array, offset: Array) -> Complex:
    """What a shift by `offset` (n, 2) does to a transform; a product saves exponentials."""
    down, right = ky * _planes(offset[:, 0]), kx * _planes(offset[:, 1])
    wave: Complex = np.exp(-1j * down) * np.exp(-1j * right)
    return wave
