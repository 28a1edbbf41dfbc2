"""Weights in eight-bit floating point: the plain arithmetic that makes them weights again.

A weight is the product of what is stored and its scale, computed in float32. A scale stands for a whole weight, for
one output, or for a block of outputs and inputs.

    O, I outputs and inputs of a linear layer
"""

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.models.quantisation import CURE, Float8

FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)
SCALES = ("_scale_inv", "_scale")
"""Endings of a scale's name after its weight's; `inv` in the first is history: the weight is multiplied by it, too."""


def unscaled(tensors: dict[str, Tensor], scheme: Float8 | None, dtype: torch.dtype) -> dict[str, Tensor]:
    """Returns each float8 weight multiplied by its scale, which goes, as `dtype`; the other tensors as they are.

    Raises:
        UsageError: a float8 weight has no scale, or one of another shape; or a weight is an integer.
    """
    plain = dict(tensors)
    for name, tensor in tensors.items():
        if tensor.dtype in FLOAT8:
            scale = next((plain.pop(name + end) for end in SCALES if name + end in plain), None)
            if scale is None:
                raise _unreadable(f"Tensor {name} is {_kind(tensor)} without a scale beside it.")
            plain[name] = (tensor.float() * _spread(scale, tensor, scheme, name)).to(dtype)
    for name, tensor in plain.items():
        if not tensor.is_floating_point() or tensor.element_size() == 1:
            raise _unreadable(f"Tensor {name} is stored as {_kind(tensor)}, which is no plain weight.")
    return plain


def _spread(scale: Tensor, weight: Tensor, scheme: Float8 | None, name: str) -> Tensor:
    """Returns a scale in a shape that multiplies its weight, float32."""
    if scale.dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise _unreadable(f"The scale of {name} is stored as {_kind(scale)}.")
    scale = scale.float()
    if scale.numel() == 1:
        return scale.reshape([1] * weight.dim())
    block = scheme.block if scheme else None
    if weight.dim() == len(("outputs", "inputs")):
        outputs, inputs = weight.shape
        if scale.shape in ((outputs,), (outputs, 1)):
            return scale.reshape(outputs, 1)
        if block and scale.shape == (-(-outputs // block[0]), -(-inputs // block[1])):
            # The last block of a row or column may be cut off by the weight's edge.
            return scale.repeat_interleave(block[0], 0)[:outputs].repeat_interleave(block[1], 1)[:, :inputs]
    in_blocks = f" in blocks of {block[0]} x {block[1]}" if block else ""
    raise _unreadable(
        f"The scale of {name} has shape {tuple(scale.shape)}, which does not fit a weight of {tuple(weight.shape)}"
        f"{in_blocks}."
    )


def _unreadable(what: str) -> UsageError:
    return UsageError(f"{what} {CURE}", kind="model-quantised")


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
