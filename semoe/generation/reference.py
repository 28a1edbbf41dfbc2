"""The readable twin of `slots.py`: each row's output by the formula, one row and one expert at a time."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.generation.request import Request
from semoe.models.decoder import Linear
from semoe.models.sites import Site


def reference_linear(layout: ExpertLayout, rows: Sequence[Request], lengths: Sequence[int]) -> Linear:
    """Returns a `Linear` for rows of `lengths` tokens: y = x W^T + Σ weight · scaling · (x A^T) B^T."""

    def linear(site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        y_TO = F.linear(x_TI, weight_OI, bias_O)
        if site not in layout.offsets:
            return y_TO
        parts = []
        for row, x, y in zip(rows, x_TI.split(list(lengths)), y_TO.split(list(lengths)), strict=True):
            total = y
            for expert, weight in zip(row.experts, row.weights or [1.0] * len(row.experts), strict=True):
                a_ERI, b_EOR = layout.pair(expert[None], site)
                total = total + weight * layout.lora.scaling * (x @ a_ERI[0].T) @ b_EOR[0].T
            parts.append(total)
        return torch.cat(parts)

    return linear
