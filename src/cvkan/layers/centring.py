"""Add a block's update and centre the magnitudes, in one pass with a hand-written backward.

Centring divides each dimension by the geometric mean over tokens of its magnitude, G. That is
exp(log|z| - mean log|z|) e^{i ang z} without exponentials of token values: z / G.
In a causal model position t is divided by the geometric mean over positions 0..t, because a mean
over all tokens would tell the past about the future.

The backward needs only the result, which the next layer keeps anyway: with Y = Z / G and gradient
H of Y, the gradient of Z is (H - T Y / |Y|^2) / G, where T shares out sum(H . Y) over tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cvkan.layers.grouping import dot, groups
from cvkan.layers.running import running_sum
from cvkan.polar import EPSILON, PAIR, Polar


def add_centred(z: Polar, update: Polar, mask: Tensor | None = None, *, causal: bool) -> Polar:
    """(z + update) divided by the geometric mean of its magnitudes over tokens.

    z is (B, N, D), update (B, N, D) or (B, 1, D); masked tokens count in no mean.
    """
    pair = _AddCentred.apply(z.pair, update.pair, mask, causal)  # type: ignore[no-untyped-call]
    return Polar(pair)


def centred(z: Polar, mask: Tensor | None = None, *, causal: bool) -> Polar:
    """z divided by the geometric mean of its magnitudes over tokens (or those up to its own)."""
    nothing = z.pair.new_zeros(z.pair.shape[0], 1, *z.pair.shape[2:])
    return add_centred(z, Polar(nothing), mask, causal=causal)


class _AddCentred(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pair: Tensor, update: Tensor, mask: Tensor | None, causal: bool
    ) -> Tensor:
        share = _shares(pair, mask, causal)
        out = torch.empty_like(pair, memory_format=torch.contiguous_format)
        tokens = pair.shape[1] if causal else 1
        inverse = pair.new_empty(pair.shape[0], tokens, pair.shape[-1])  # 1 / G
        for group in groups(pair):
            part = torch.add(pair[group], update[group], out=out[group])
            log = dot(part, part).add_(EPSILON).log_()
            mean = _mean(log, share[group], mask[group] if mask is not None else None, causal)
            inverse[group] = mean.mul_(-0.5).exp_()
            part.mul_(inverse[group].unsqueeze(PAIR))
        ctx.save_for_backward(out, inverse, share, mask)
        ctx.causal, ctx.update_tokens = causal, update.shape[1]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        out, inverse, share, mask = ctx.saved_tensors
        result = torch.empty_like(out)
        alike = ctx.update_tokens == 1 and out.shape[1] != 1  # one update for all tokens
        of_update = torch.empty_like(out[:, :1]) if alike else result
        for group in groups(out):
            part, scale, step = out[group], inverse[group], grad[group]
            along = dot(part, step)
            toll = _toll(along, share[group], mask[group] if mask is not None else None, ctx.causal)
            power = dot(part, part).add_(scale.square().mul_(EPSILON))
            ratio = torch.div(toll * scale, power, out=power)
            target = torch.mul(step, scale.unsqueeze(PAIR), out=result[group])
            target.addcmul_(part, ratio.unsqueeze(PAIR), value=-1)
            if alike:
                torch.sum(target, 1, keepdim=True, out=of_update[group])
        return result, of_update, None, None


def _shares(pair: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """What one token weighs in a mean, (B, N, 1): of all tokens, or of those up to its place."""
    batch, tokens = pair.shape[:2]
    if mask is None and not causal:
        return pair.new_full((batch, 1, 1), 1 / tokens)
    real = pair.new_ones(batch, tokens) if mask is None else mask.to(pair.dtype)
    counts = real.cumsum(1) if causal else real.sum(1, keepdim=True)
    share = counts.clamp(min=1).reciprocal()
    return (share if causal else share * real).unsqueeze(-1)


def _mean(log: Tensor, share: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    if not causal:
        if mask is None:
            return log.sum(1, keepdim=True).mul_(share)
        return (log * share).sum(1, keepdim=True)
    if mask is not None:
        log = log * mask.unsqueeze(-1)
    return running_sum(log).mul_(share)


def _toll(along: Tensor, share: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """What each token owes the mean: its share of every position that divided by it."""
    if not causal:
        return along.sum(1, keepdim=True) * share
    toll = running_sum(along * share, backwards=True)
    return toll if mask is None else toll * mask.unsqueeze(-1)
