"""Cross-entropy of the learnt tokens, in blocks, with its gradient taken on the way.

    M learnt tokens   D hidden size   V vocabulary

Logits of a block are turned into their own gradient in place, so no more than one block of [rows, V] exists.
`cross_entropy_reference` is the same in plain PyTorch.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from semoe.models.products import linear, linear_backward

BLOCK_ROWS = 256


def cross_entropy_reference(hidden_MD: Tensor, head_VD: Tensor, labels_M: Tensor, weights_M: Tensor) -> Tensor:
    """Returns each token's weighted loss, weight · −log softmax(h W^T)[label], as [M] float32."""
    logits_MV = F.linear(hidden_MD, head_VD).float()
    return F.cross_entropy(logits_MV, labels_M, reduction="none") * weights_M


def cross_entropy(hidden_MD: Tensor, head_VD: Tensor, labels_M: Tensor, weights_M: Tensor) -> Tensor:
    """`cross_entropy_reference`; its gradient is that of the losses' sum."""
    return _CrossEntropy.apply(hidden_MD, head_VD, labels_M, weights_M)  # type: ignore[no-any-return, no-untyped-call]


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_MD: Tensor, head_VD: Tensor, labels_M: Tensor, weights_M: Tensor) -> Tensor:
        losses_M = torch.empty_like(weights_M)
        dhidden_MD = torch.empty_like(hidden_MD)
        blocks = zip(
            *(x.split(BLOCK_ROWS) for x in (hidden_MD, labels_M, weights_M, losses_M, dhidden_MD)),
            strict=True,
        )
        for hidden, labels, weights, losses, dhidden in blocks:
            _block(hidden, head_VD, labels, weights, losses, dhidden)
        ctx.save_for_backward(dhidden_MD)
        return losses_M

    @staticmethod
    def backward(ctx: Any, dlosses_M: Tensor) -> tuple[Tensor, None, None, None]:
        (dhidden_MD,) = ctx.saved_tensors
        return dhidden_MD * dlosses_M[:, None].to(dhidden_MD.dtype), None, None, None


def _block(h: Tensor, head_VD: Tensor, labels: Tensor, weights: Tensor, losses: Tensor, dhidden: Tensor) -> None:
    """Fills `losses` and `dhidden` of one block."""
    logits = linear(h, head_VD).float()
    of_label = logits.gather(1, labels[:, None])[:, 0]
    top = logits.amax(1)
    total = logits.sub_(top[:, None]).exp_().sum(1)
    torch.mul(weights, total.log() + top - of_label, out=losses)
    # The gradient with respect to the logits: weight · softmax, less the weight at the label.
    logits.mul_((weights / total)[:, None])
    logits.scatter_add_(1, labels[:, None], -weights[:, None])
    dhidden.copy_(linear_backward(logits.to(h.dtype), head_VD))
