"""What each row's newest token looked at in the last layer; computed apart from attention, and only where asked for.

B rows   H query heads   G key-value heads   K head size   L places
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.generation.fused.forward import Step
from semoe.generation.shares import attention_shares, hidden_places
from semoe.kernels.pages import PAGE


def looked_at(step: Step, wants: Sequence[bool], num_asked: Sequence[int]) -> list[Tensor | None]:
    """Returns the shares of each row that wants them, [H, L], on the device.

    Args:
        step: the newest: the last layer's queries are those in its buffers.
        wants: of each row, whether it wants them.
        num_asked: of each row, tokens asked for, the one under way included; a first one looked at no other.
    """
    rows = [row for row, (wanted, asked) in enumerate(zip(wants, num_asked, strict=True)) if wanted and asked > 1]
    found: list[Tensor | None] = [None] * len(wants)
    if rows:
        rows_b = torch.tensor(rows, device=step.slots_T.device)
        shares_bHL = _shares(step, step.buffers.qkv_TC[rows_b], step.slots_T[rows_b].long(), step.positions_T[rows_b])
        for row, shares_HL in zip(rows, shares_bHL, strict=True):
            found[row] = shares_HL
    return found


def _shares(step: Step, qkv_BC: Tensor, slots_B: Tensor, positions_B: Tensor) -> Tensor:
    """Returns what each row's query gives to its own places, [B, H, L]."""
    pages, heads = step.pages[-1], step.weights.layers[-1].heads
    table_BL = pages.table_SL[slots_B].long()
    keys_BGLK = pages.keys_NGPK[table_BL].transpose(1, 2).flatten(2, 3)
    q_BHK = qkv_BC.unflatten(1, (-1, heads.head_size))[:, : heads.num_heads]
    hidden_B11L = hidden_places(positions_B, table_BL.shape[1] * PAGE, heads.window)
    return attention_shares(q_BHK, keys_BGLK, hidden_B11L, heads.scale).flatten(1, 2)
