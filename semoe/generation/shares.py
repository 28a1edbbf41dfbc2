"""What one query of each row gives to each place of its cache.

B rows   H query heads   G key-value heads   Q = H / G   K head size   L places
"""

import torch
from torch import Tensor


def hidden_places(places_B: Tensor, width: int, window: int | None) -> Tensor:
    """Returns which of `width` places a query at its place does not see, [B, 1, 1, L]."""
    places_L = torch.arange(width, device=places_B.device)
    here_B1 = places_B[:, None]
    hidden_BL = places_L > here_B1
    if window is not None:
        hidden_BL |= places_L <= here_B1 - window
    return hidden_BL[:, None, None, :]


def attention_shares(q_BHK: Tensor, keys_BGLK: Tensor, hidden_B11L: Tensor, scale: float) -> Tensor:
    """Returns softmax(q k^T · scale), [B, G, Q, L]; hidden places get nothing, whatever an earlier row left there."""
    q_BGQK = q_BHK.unflatten(1, (keys_BGLK.shape[1], -1))
    scores = (q_BGQK @ keys_BGLK.transpose(-1, -2)) * scale
    shares_BGQL: Tensor = scores.masked_fill(hidden_B11L, -torch.inf).softmax(-1, dtype=torch.float32)
    return shares_BGQL.to(keys_BGLK.dtype)
