"""The polar algebra: the only place that knows how complex numbers are stored.

A complex tensor of shape (..., D) is one real tensor of shape (..., 2, D): the pair axis, real
part before imaginary part, stands before the dimensions. A linear layer with 2D outputs is then a
complex layer by a reshape, one addition or scaling moves both parts, and no kernel for complex
numbers (each an exp, a sine and a cosine, or a hypot) is ever called.

Under torch.autocast linear layers and convolutions compute in 16 bits, the algebra in 32: what a
layer put out is raised where it becomes a `Polar`, and `product` is a matrix product that autocast
leaves alone. In 16 bits 1e-12 + |z|^2 is |z|^2 or zero, and dead channels divide by zero.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Under every root and logarithm, added to |z|^2: a dead channel (exactly zero) would otherwise
# give an infinite gradient. It stands for a magnitude of 1e-6.
EPSILON = 1e-12
PAIR = -2  # the axis of real and imaginary part
_LOW = (torch.bfloat16, torch.float16)


class _Policy(threading.local):  # a model of another thread keeps its precision
    keep_float32 = True


_POLICY = _Policy()


@contextmanager
def lowered_algebra() -> Iterator[None]:
    """Let torch.autocast lower the algebra too, which shows why it should not."""
    before, _POLICY.keep_float32 = _POLICY.keep_float32, False
    try:
        yield
    finally:
        _POLICY.keep_float32 = before


def raised(values: Tensor) -> Tensor:
    """In float32 what torch.autocast computed in 16 bits: how real numbers enter the algebra."""
    if values.dtype in _LOW and _POLICY.keep_float32:
        return values.float() if torch.is_autocast_enabled(values.device.type) else values
    return values


def product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product a @ b, which torch.autocast does not lower."""
    if not (_POLICY.keep_float32 and torch.is_autocast_enabled(a.device.type)):
        return a @ b
    a, b = raised(a), raised(b)
    with torch.autocast(a.device.type, enabled=False):
        return a @ b


@dataclass(frozen=True, slots=True)
class Polar:
    """A complex tensor of shape (..., D), held as a real tensor of shape (..., 2, D)."""

    pair: Tensor

    @classmethod
    def of(cls, re: Tensor, im: Tensor) -> Polar:
        """From real and imaginary parts of equal shape."""
        return cls(raised(torch.stack((re, im), dim=PAIR)))

    @classmethod
    def from_polar(cls, magnitude: Tensor, phase: Tensor) -> Polar:
        """From magnitudes and angles in radians; for data and tests, not for the hot path."""
        return cls.of(magnitude * phase.cos(), magnitude * phase.sin())

    @classmethod
    def from_trailing(cls, values: Tensor) -> Polar:
        """From (..., D, 2), the layout in which data sets keep complex samples."""
        return cls(raised(values).transpose(-1, -2))

    @classmethod
    def from_complex(cls, values: Tensor) -> Polar:
        """From a torch complex tensor."""
        return cls.of(values.real, values.imag)

    @classmethod
    def from_features(cls, features: Tensor) -> Polar:
        """From 2D real features, the first D of them the real parts."""
        return cls(raised(features).reshape(*features.shape[:-1], 2, -1))

    @property
    def re(self) -> Tensor:
        return self.pair.select(PAIR, 0)

    @property
    def im(self) -> Tensor:
        return self.pair.select(PAIR, 1)

    @property
    def shape(self) -> torch.Size:
        """The complex shape, (..., D)."""
        return self.re.shape

    def features(self) -> Tensor:
        """The same numbers as 2D real features."""
        return self.pair.flatten(PAIR)

    def complex(self) -> Tensor:
        """As a torch complex tensor; for notebooks and tests."""
        return torch.complex(self.re, self.im)

    def detach(self) -> Polar:
        return Polar(self.pair.detach())

    def power(self) -> Tensor:
        """|z|^2, without epsilon."""
        return self.re.square() + self.im.square()

    def magnitude(self) -> Tensor:
        return (self.power() + EPSILON).sqrt()

    def log_magnitude(self) -> Tensor:
        return (self.power() + EPSILON).log() * 0.5

    def phase(self) -> Tensor:
        """Angles in (-pi, pi]; for pictures, no layer needs one."""
        return torch.atan2(self.im, self.re)

    def unit(self) -> Polar:
        """z / |z|; about zero where z is."""
        return self.scale((self.power() + EPSILON).rsqrt())

    def scale(self, factor: Tensor) -> Polar:
        """Times a real tensor of shape (..., D) or (..., 1)."""
        return Polar(self.pair * factor.unsqueeze(PAIR))

    def split(self) -> tuple[Tensor, Polar]:
        """Log-magnitudes and unit phases at once: what a transform of tokens starts from."""
        if torch.compiler.is_compiling():  # its gradients of _Split are wrong (torch 2.11)
            return self.log_magnitude(), self.unit()
        log, unit = _Split.apply(self.pair)  # type: ignore[no-untyped-call]
        return log, Polar(unit)

    def rotate(self, cos: Tensor, sin: Tensor) -> Polar:
        """Times (cos + i sin), constants that broadcast against (..., D)."""
        return Polar(_Rotate.apply(self.pair, cos, sin))  # type: ignore[no-untyped-call]

    def dot(self, other: Polar) -> Tensor:
        """Re(z conj(other)) per dimension: alignment of phases times both magnitudes."""
        return (self.pair * other.pair).sum(PAIR)

    def times_conj(self, other: Polar) -> Polar:
        """z conj(other): magnitudes multiply, phases subtract."""
        return Polar(_TimesConj.apply(self.pair, other.pair))  # type: ignore[no-untyped-call]

    def masked(self, mask: Tensor | None) -> Polar:
        """Zero, whatever was there (NaN too), where mask (batch, tokens) is false."""
        if mask is None:
            return self
        return Polar(torch.where(mask[..., None, None], self.pair, 0.0))

    def weighted_sum(self, weights: Tensor) -> Polar:
        """Sum over tokens: (B, N, D) with real weights (B, M, N) becomes (B, M, D)."""
        return Polar.from_features(product(weights, self.features()))

    def __add__(self, other: Polar) -> Polar:
        return Polar(self.pair + other.pair)

    def __getitem__(self, index: Any) -> Polar:
        """Index the axes before the dimensions."""
        return Polar(self.pair[index])


class _Split(torch.autograd.Function):
    """One reading of the tokens for both results; the backward needs only these."""

    @staticmethod
    def forward(ctx: Any, pair: Tensor) -> tuple[Tensor, Tensor]:
        re, im = pair.select(PAIR, 0), pair.select(PAIR, 1)
        power = (re * re).addcmul_(im, im).add_(EPSILON)
        inverse = power.rsqrt()
        unit = pair * inverse.unsqueeze(PAIR)
        ctx.save_for_backward(unit, inverse)
        return power.log_().mul_(0.5), unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_log: Tensor, grad_unit: Tensor) -> Tensor:
        unit, inverse = ctx.saved_tensors
        radial = grad_log - (unit * grad_unit).sum(PAIR)
        grad = torch.addcmul(grad_unit, unit, radial.unsqueeze(PAIR))
        return grad.mul_(inverse.unsqueeze(PAIR))


class _Rotate(torch.autograd.Function):
    """Multiply by unit constants in one buffer; the backward is the opposite rotation."""

    @staticmethod
    def forward(ctx: Any, pair: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(pair, cos, sin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotated(grad, cos, sin, backwards=True), None, None


class _TimesConj(torch.autograd.Function):
    """z conj(a) in one buffer, the larger of the two deciding its shape."""

    @staticmethod
    def forward(ctx: Any, pair: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(pair, other)
        return _rotated(pair, other.select(PAIR, 0), other.select(PAIR, 1), backwards=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        pair, other = ctx.saved_tensors
        of_pair = _rotated(grad, other.select(PAIR, 0), other.select(PAIR, 1))
        of_other = _rotated(pair, grad.select(PAIR, 0), grad.select(PAIR, 1), backwards=True)
        return of_pair.sum_to_size(pair.shape), of_other.sum_to_size(other.shape)


def _rotated(pair: Tensor, re: Tensor, im: Tensor, *, backwards: bool = False) -> Tensor:
    """Times re + i im, or times its conjugate."""
    sign = -1 if backwards else 1
    out = pair * re.unsqueeze(PAIR)
    out.select(PAIR, 0).addcmul_(pair.select(PAIR, 1), im, value=-sign)
    out.select(PAIR, 1).addcmul_(pair.select(PAIR, 0), im, value=sign)
    return out
