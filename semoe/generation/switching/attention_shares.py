"""What each token of a text looks at in the base model's last layer: for the query formulation `real_words`.

T tokens, H and G heads, K head size.
"""

import torch
from torch import Tensor

from semoe.models.attention import PackedAttention, hidden_places
from semoe.models.decoder import Decoder


@torch.inference_mode()
def attention_shares(decoder: Decoder, tokens: list[int]) -> Tensor:
    """Returns the shares of attention in the last layer, mean over heads, [T, T]: row t is what token t looks at."""
    length = len(tokens)
    capture = _Capture(length, decoder.config.num_hidden_layers - 1, decoder.device)
    ids_T = torch.tensor(tokens, device=decoder.device)
    positions_T = torch.arange(length, device=decoder.device)
    decoder.hidden(ids_T, positions_T, capture, lengths_T=torch.full_like(positions_T, length))
    if capture.shares_TT is None:
        raise AssertionError("the last layer was not run")
    return capture.shares_TT


class _Capture:
    """Plain attention, kept in one layer."""

    def __init__(self, length: int, layer: int, device: torch.device) -> None:
        self._packed = PackedAttention([length], device)
        self._layer = layer
        self.shares_TT: Tensor | None = None

    def __call__(
        self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, window: int | None, scale: float | None
    ) -> Tensor:
        if layer == self._layer:
            k_THK = k_TGK.repeat_interleave(q_THK.shape[1] // k_TGK.shape[1], dim=1)
            scores_HTT = torch.einsum("thk,shk->hts", q_THK, k_THK) * (scale or q_THK.shape[-1] ** -0.5)
            hidden_TT = hidden_places(len(q_THK), window, q_THK.device)
            self.shares_TT = scores_HTT.masked_fill(hidden_TT, -torch.inf).float().softmax(-1).mean(0)
        return self._packed(layer, q_THK, k_TGK, v_TGK, window, scale)
