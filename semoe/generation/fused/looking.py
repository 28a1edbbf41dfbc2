"""What each row's newest token looked at in the last layer; computed apart from attention, and only where asked for.

B rows   H query heads   G key-value heads   K head size   L places
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.generation.fused.forward import Step
from semoe.kernels.pages import PAGE


def looked_at(step: Step, qkv_BC: Tensor, wants: Sequence[bool], num_asked: Sequence[int]) -> list[Tensor | None]:
    """Returns the shares of each row that wants them, [H, L], on the device.

    Args:
        step: whose queries these are.
        qkv_BC: rotated queries, keys and values of the last layer.
        wants: of each row, whether it wants them.
        num_asked: of each row, tokens asked for, the one under way included; a first one looked at no other.
    """
    rows = [row for row, (wanted, asked) in enumerate(zip(wants, num_asked, strict=True)) if wanted and asked > 1]
    found: list[Tensor | None] = [None] * len(wants)
    if rows:
        rows_b = torch.tensor(rows, device=qkv_BC.device)
        shares_bHL = _shares(step, qkv_BC[rows_b], step.slots_T[rows_b].long(), step.positions_T[rows_b])
        for row, shares_HL in zip(rows, shares_bHL, strict=True):
            found[row] = shares_HL
    return found


def _shares(step: Step, qkv_BC: Tensor, slots_B: Tensor, positions_B: Tensor) -> Tensor:
    """softmax(q k^T · scale) over each row's own places."""
    pages, heads = step.pages[-1], step.weights.layers[-1].heads
    table_BL = pages.table_SL[slots_B].long()
    keys_BGLK = pages.keys_NGPK[table_BL].transpose(1, 2).flatten(2, 3)
    q_BHK = qkv_BC.unflatten(1, (-1, heads.head_size))[:, : heads.num_heads]
    q_BGQK = q_BHK.unflatten(1, (heads.num_groups, -1))
    scores = (q_BGQK @ keys_BGLK.transpose(-1, -2)) * heads.scale
    places_L = torch.arange(table_BL.shape[1] * PAGE, device=positions_B.device)
    here_B1 = positions_B[:, None]
    hidden_BL = (places_L > here_B1) | (places_L <= here_B1 - heads.window)
    shares = scores.masked_fill(hidden_BL[:, None, None, :], -torch.inf).softmax(-1, dtype=torch.float32)
    shares_BHL: Tensor = shares.to(keys_BGLK.dtype).flatten(1, 2)
    return shares_BHL
