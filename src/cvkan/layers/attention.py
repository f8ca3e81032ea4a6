"""Phase attention: tokens whose phases agree listen to each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.layers.linear import ComplexLinear
from cvkan.polar import Polar


class PhaseAttention(nn.Module):
    """The update o(sum_m softmax_m(Re(q_n conj(k_m)) / sqrt(d)) v_m) of each token, d = D / heads.

    Re(q conj(k)) = |q||k| cos(ang q - ang k) is q_re k_re + q_im k_im, so real attention on
    [Re, Im] is this attention. There is no bias: turning all tokens by one angle turns the update
    and changes no weight. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, made complex.
    `dropout` is the rate at which weights are dropped in training.
    """

    def __init__(self, d_complex: int, *, n_heads: int, causal: bool, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.causal, self.dropout = n_heads, causal, dropout
        self.qkv = ComplexLinear(d_complex, 3 * d_complex)
        self.out = ComplexLinear(d_complex, d_complex)

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """z (B, N, D) and mask (B, N), true where a token is real, to the update (B, N, D)."""
        batch, n_tokens = z.shape[:2]
        qkv = self.qkv(z).pair.reshape(batch, n_tokens, 2, 3, self.n_heads, -1)
        q, k, v = qkv.permute(3, 0, 4, 1, 2, 5).flatten(4)  # each (B, heads, N, 2d)
        allowed = self._allowed(mask)
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=allowed,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.causal and allowed is None,
            scale=(q.shape[-1] // 2) ** -0.5,
        )
        heads = mixed.reshape(batch, self.n_heads, n_tokens, 2, -1).permute(0, 2, 3, 1, 4)
        update: Polar = self.out(Polar(heads.flatten(3)))
        return update

    def _allowed(self, mask: Tensor | None) -> Tensor | None:
        """Which token (rows) may listen to which, where that is not all or all before it."""
        if mask is None:
            return None
        allowed = mask[:, None, None, :]
        if self.causal:
            n_tokens = mask.shape[1]
            earlier = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=mask.device).tril()
            allowed = allowed & earlier
        return allowed
