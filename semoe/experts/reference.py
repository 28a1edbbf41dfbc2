"""The readable twin of `grouped.py`: a plain loop over experts under autograd, one expert's rows at a time."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from semoe.experts.grouped import Segments
from semoe.experts.layout import ExpertLayout
from semoe.models.decoder import Linear
from semoe.models.sites import Site


def reference_linear(layout: ExpertLayout, stack_EN: Tensor, grads_EN: Tensor, segments: Segments) -> Linear:
    """Returns a `Linear` in plain PyTorch; same signature and effect as `grouped.grouped_linear`."""
    leaf_EN = stack_EN.detach().requires_grad_()
    leaf_EN.grad = grads_EN

    def linear(site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        y_TO = F.linear(x_TI, weight_OI, bias_O)
        if site not in layout.offsets:
            return y_TO
        a_ERI, b_EOR = layout.pair(leaf_EN, site)
        deltas = [
            layout.lora.scaling * (x_TI[start:end] @ a_RI.T) @ b_OR.T
            for (start, end), a_RI, b_OR in zip(segments, a_ERI, b_EOR, strict=True)
        ]
        return y_TO + torch.cat(deltas)

    return linear
