"""Every layer once more, in NumPy's complex128, sample by sample and token by token.

Written from the formulas, for reading: loops where a formula has a sum, magnitudes and angles where
it has magnitudes and angles. Weights are those of the layer under test. A sample is (N, D); masked
tokens are taken away before a formula sees it, as if they had never been there.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from scipy.special import erf, softmax
from torch import Tensor, nn

EPSILON = 1e-12  # of cvkan.polar: added to |z|^2 under roots and logarithms


def array(values: Tensor) -> ndarray:
    return values.detach().numpy()


def linear(layer: nn.Linear, x: ndarray) -> ndarray:
    out = x @ array(layer.weight).T
    return out if layer.bias is None else out + array(layer.bias)


def gelu(x: ndarray) -> ndarray:
    return x * (1 + erf(x / np.sqrt(2))) / 2


def sequence(layers: nn.Sequential, x: ndarray) -> ndarray:
    """Linear layers, GELU and tanh one after the other; dropout is off."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            x = linear(layer, x)
        elif isinstance(layer, nn.GELU):
            x = gelu(x)
        elif isinstance(layer, nn.Tanh):
            x = np.tanh(x)
    return x


def perceptron(psi: nn.Module, own: ndarray, context: ndarray | None = None) -> ndarray:
    """Of own and context side by side, with the two parts of the first layer as one."""
    weight, x = array(psi.first.weight), own
    if psi.context is not None and context is not None:
        weight = np.concatenate([weight, array(psi.context.weight)], axis=1)
        x = np.concatenate([own, context], axis=-1)
    return sequence(psi.rest, x @ weight.T + array(psi.first.bias))


def parts(z: ndarray) -> ndarray:
    """[Re z, Im z] side by side."""
    return np.concatenate([z.real, z.imag], axis=-1)


def joined(features: ndarray) -> ndarray:
    half = features.shape[-1] // 2
    return features[..., :half] + 1j * features[..., half:]


def log_magnitude(z: ndarray) -> ndarray:
    return np.log(np.abs(z))


def unit(z: ndarray) -> ndarray:
    return np.exp(1j * np.angle(z))


# --- blocks: token z (D,) and context a (D,) to the update of that token -----------------------


def polarizing(block: nn.Module, z: ndarray, a: ndarray) -> ndarray:
    if not block.per_dim:
        return np.array([_one_dimension(block, z[d], a[d]) for d in range(len(a))])
    own = (log_magnitude(z), parts(unit(z))) if block.pointwise else None
    if own:
        exponent = perceptron(block.psi_mag, own[0], log_magnitude(a))
        turn = perceptron(block.psi_phase, own[1], parts(unit(a)))
    else:
        exponent = perceptron(block.psi_mag, log_magnitude(a))
        turn = perceptron(block.psi_phase, parts(unit(a)))
    return _update(block, a, exponent, joined(turn))


def _one_dimension(block: nn.Module, z: complex, a: complex) -> complex:
    log = [np.array([log_magnitude(v)]) for v in ((z, a) if block.pointwise else (a,))]
    phase = [np.array([unit(v).real, unit(v).imag]) for v in ((z, a) if block.pointwise else (a,))]
    exponent, turn = perceptron(block.psi_mag, *log), perceptron(block.psi_phase, *phase)
    return _update(block, a, exponent[0], turn[0] + 1j * turn[1])


def _update(block: nn.Module, a: ndarray, exponent: ndarray, turn: ndarray) -> ndarray:
    size = block.mag_scale.item() * np.exp(5 * np.tanh(exponent / 5))
    return size * unit(unit(a) + turn)


def gated(block: nn.Module, z: ndarray, a: ndarray) -> ndarray:
    out = []
    for gate, value in zip(array(block.gate), a, strict=True):
        log = log_magnitude(value)
        exponent = log + sequence(block.psi_mag, np.array([log]))[0]
        p = unit(value)
        turn = sequence(block.psi_phase, np.array([p.real, p.imag]))
        size = np.exp(5 * np.tanh(exponent / 5))
        out.append(np.tanh(gate) * size * unit(p + turn[0] + 1j * turn[1]))
    return np.array(out)


def interference(block: nn.Module, z: ndarray, a: ndarray) -> ndarray:
    both = np.stack([z.real, z.imag])
    both = (both - both.mean()) / np.sqrt(both.var() + 1e-5)
    both = both * array(block.norm.weight) + array(block.norm.bias)
    token = both[0] + 1j * both[1]
    r = np.sqrt(np.mean(np.abs(z) ** 2) + np.mean(np.abs(a) ** 2) + 1e-5)
    met = token * np.conj(a) / r
    if block.per_dim:
        hidden = linear(block.first, np.concatenate([parts(token), parts(met)]))
        return joined(sequence(block.rest, hidden))
    out = []
    for t, m in zip(token, met, strict=True):
        hidden = linear(block.first, np.array([t.real, t.imag, m.real, m.imag]))
        re, im = sequence(block.rest, hidden)
        out.append(re + 1j * im)
    return np.array(out)


# --- aggregations: a sample (N, D) to a context of every token (N, D) --------------------------


def mean(z: ndarray) -> ndarray:
    return np.repeat(z.mean(0, keepdims=True), len(z), axis=0)


def magnitude_weighted(z: ndarray) -> ndarray:
    loudness = np.abs(z).mean(1)
    return np.repeat((loudness @ z / loudness.sum())[None], len(z), axis=0)


def causal(z: ndarray) -> ndarray:
    return np.array([z[: t + 1].mean(0) for t in range(len(z))])


def local_window(z: ndarray, window: int, grid: tuple[int, int] | None) -> ndarray:
    rows, columns = grid or (1, len(z))
    before = (window - 1) // 2
    out = []
    for n in range(len(z)):
        row, column = divmod(n, columns)
        high = range(row - before, row - before + window) if grid else (0,)
        wide = range(column - before, column - before + window)
        near = [
            z[r * columns + c] for r in high for c in wide if 0 <= r < rows and 0 <= c < columns
        ]
        out.append(np.mean(near, axis=0))
    return np.array(out)


def neighbours(z: ndarray, grid: tuple[int, int]) -> ndarray:
    """The mean over a token of a grid and the up to four beside it."""
    rows, columns = grid
    out = []
    for n in range(len(z)):
        row, column = divmod(n, columns)
        steps = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
        places = [(row + down, column + right) for down, right in steps]
        near = [z[r * columns + c] for r, c in places if 0 <= r < rows and 0 <= c < columns]
        out.append(np.mean(near, axis=0))
    return np.array(out)


def agreement(aggregation: nn.Module, z: ndarray) -> ndarray:
    """Aggregation `attention`: tokens weigh by how well they agree with the mean phases."""
    u = unit(z.mean(0))
    w = array(aggregation.weight)
    score = [np.sum(w * np.real(token * np.conj(u))) / np.sqrt(z.shape[1]) for token in z]
    return np.repeat((softmax(score) @ z)[None], len(z), axis=0)


# --- layers: a sample (N, D) to updates (N, D) --------------------------------------------------


def attention(layer: nn.Module, z: ndarray) -> ndarray:
    qkv, out = _complex(layer.qkv), _complex(layer.out)
    d = z.shape[1]
    q, k, v = (z @ qkv[part * d : (part + 1) * d].T for part in range(3))
    size = d // layer.n_heads
    mixed = np.zeros_like(z)
    for h in range(layer.n_heads):
        own = slice(h * size, (h + 1) * size)
        for n in range(len(z)):
            heard = range(n + 1) if layer.causal else range(len(z))
            score = [np.real(np.vdot(k[m, own], q[n, own])) / np.sqrt(size) for m in heard]
            weight = softmax(score)
            mixed[n, own] = sum(w * v[m, own] for w, m in zip(weight, heard, strict=True))
    return mixed @ out.T


def _complex(layer: nn.Module) -> ndarray:
    re, im = array(layer.weight)
    return re + 1j * im


def offset_heads(layer: nn.Module, z: ndarray) -> ndarray:
    size = z.shape[1] // layer.n_heads
    out = np.zeros_like(z)
    for h in range(layer.n_heads):
        own = slice(h * size, (h + 1) * size)
        turn = np.exp(2j * np.pi * h / layer.n_heads)
        out[:, own] = block_on_mean(layer.block, z[:, own] * turn) / turn
    return out


def factored_heads(layer: nn.Module, z: ndarray) -> ndarray:
    size = z.shape[1] // layer.n_heads
    weight = _complex(layer.project)
    heads = [z @ weight[h * size : (h + 1) * size].T for h in range(layer.n_heads)]
    return np.concatenate([block_on_mean(layer.block, head) for head in heads], axis=1)


def block_on_mean(block: nn.Module, z: ndarray) -> ndarray:
    return np.array([polarizing(block, own, a) for own, a in zip(z, mean(z), strict=True)])


def hierarchy(layer: nn.Module, z: ndarray, real: ndarray, shift: int = 0) -> ndarray:
    """All levels in turn; a group of level l has one (place + shift) >> (l + 1)."""
    steps = [(level, layer.up[level]) for level in range(layer.n_levels)]
    if layer.mirror:
        steps += steps[::-1]
    elif layer.down is not None:
        steps += [(level, layer.down[level]) for level in reversed(range(layer.n_levels))]
    tokens = z.copy()
    for level, block in steps:
        places = np.arange(len(z)) + shift
        for group in set(places >> (level + 1)):
            inside = np.flatnonzero(places >> (level + 1) == group)
            members = [n for n in inside if real[n]]
            if not members:
                continue
            seen = tokens[members]
            if len(layer.angles):
                in_group = places[members] % (2 << level)
                seen = seen * np.exp(1j * array(layer.angles[level])[in_group])[:, None]
            tokens[inside] += [polarizing(block, tokens[n], seen.mean(0)) for n in inside]
    return tokens - z


# --- norms, centring, positions, pooling, losses ------------------------------------------------


def layer_norm(norm: nn.Module, z: ndarray) -> ndarray:
    re, im = array(norm.shift)
    out = []
    for token in z:
        moved = token - token.mean()
        out.append(moved / np.sqrt(np.mean(np.abs(moved) ** 2) + 1e-5))
    return np.array(out) * array(norm.gain) + re + 1j * im


def rms_norm(norm: nn.Module, z: ndarray) -> ndarray:
    size = [np.sqrt(np.mean(np.abs(token) ** 2) + 1e-5) for token in z]
    return z / np.array(size)[:, None] * array(norm.gain)


def batch_norm(norm: nn.Module, tokens: ndarray) -> ndarray:
    """All real tokens of a batch (n, D), each dimension whitened by V^(-1/2) of its 2 x 2 V."""
    out = np.empty_like(tokens)
    for d in range(tokens.shape[1]):
        pairs = np.stack([tokens[:, d].real, tokens[:, d].imag])
        moved = pairs - pairs.mean(1, keepdims=True)
        values, vectors = np.linalg.eigh(np.cov(pairs, bias=True) + 1e-5 * np.eye(2))
        white = vectors @ np.diag(values**-0.5) @ vectors.T @ moved
        re, im = array(norm.gain)[:, :, d] @ white + array(norm.shift)[:, d, None]
        out[:, d] = re + 1j * im
    return out


def centred(z: ndarray) -> ndarray:
    """exp(log|z| - mean log|z|) e^(i ang z)."""
    log = np.log(np.abs(z))
    return np.exp(log - log.mean(0)) * np.exp(1j * np.angle(z))


def centred_causally(z: ndarray) -> ndarray:
    return np.array([centred(z[: t + 1])[-1] for t in range(len(z))])


def turned(z: ndarray) -> ndarray:
    """Token n by n w_k, w_k = 10000^(-k/D)."""
    n, k = np.arange(len(z))[:, None], np.arange(z.shape[1])
    return z * np.exp(1j * n * 10_000.0 ** (-k / z.shape[1]))


def turned_on_grid(z: ndarray, columns: int) -> ndarray:
    half = z.shape[1] // 2
    row, column = np.divmod(np.arange(len(z)), columns)
    out = z.copy()
    for k in range(z.shape[1]):
        place, width, at = (row, half, k) if k < half else (column, z.shape[1] - half, k - half)
        out[:, k] *= np.exp(1j * place * 10_000.0 ** (-at / width))
    return out


def max_pool(z: ndarray) -> ndarray:
    return np.array([column[np.abs(column).argmax()] for column in z.T])


def attention_pool(pool: nn.Module, z: ndarray) -> ndarray:
    return softmax(sequence(pool.score, parts(z))[:, 0]) @ z


def covariance_pool(z: ndarray) -> ndarray:
    return np.concatenate([z.mean(0), z.std(0)])


def spectral_pool(z: ndarray) -> ndarray:
    n = len(z)
    out = []
    for column in z.T:
        waves = [np.exp(-2j * np.pi * k * np.arange(n) / n) for k in range(1, n)]
        other = [np.mean(column * wave) for wave in waves]
        out.append(max(other, key=abs) if other else 0)
    return np.concatenate([z.mean(0), out])


def diversity(tokens: ndarray) -> float:
    angles = np.angle(tokens)
    sines = np.sin(angles - np.angle(np.exp(1j * angles).sum(0)))
    pairs = [(a, b) for a in range(tokens.shape[1]) for b in range(a)]
    squares = [
        np.sum(sines[:, a] * sines[:, b]) ** 2
        / (np.sum(sines[:, a] ** 2) * np.sum(sines[:, b] ** 2))
        for a, b in pairs
    ]
    return float(np.mean(squares))


def anchor(tokens: ndarray, n_anchors: int) -> float:
    anchors = 2 * np.pi * np.arange(n_anchors) / n_anchors
    ahead = np.angle(np.exp(1j * (np.angle(tokens)[..., None] - anchors)))
    return float(np.abs(ahead).min(-1).mean())


def coherence(z: ndarray, *, weighted: bool) -> float:
    if weighted:
        return float(np.mean(1 - np.abs(z.sum(0)) / np.abs(z).sum(0)))
    return float(np.mean(1 - np.abs(unit(z).mean(0))))
