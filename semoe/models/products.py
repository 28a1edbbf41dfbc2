"""Matrix products with the base model's frozen weights, on a CPU by whichever library computes them fastest there.

    T rows   I, O inputs and outputs of a weight

torch gives float32 products on x86 to MKL. On a CPU of AMD's MKL does not use the widest registers, and oneDNN, which
torch holds as well, computes the same products in half the time (`make bench`). Both add in float32.
"""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

SMALLEST = 1 << 16
"""Numbers of a weight from which on the choice of a library is worth its call."""
LARGE = 1 << 22
"""Numbers of a weight that no core's cache holds."""
FEW_ROWS = range(4, 129)
"""For 4 to 15 rows MKL reads a large weight anew for every two or three of them: 15 rows take it longer than 32. oneDNN
reads it once, and is 10 to 20 % faster for some more; for one to three rows MKL is the faster one."""


def linear(x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Returns x W^T + bias; for weights that are frozen: by oneDNN its gradient is that of x alone."""
    if not _by_onednn(x_TI, weight_OI):
        return F.linear(x_TI, weight_OI, bias_O)
    if torch.is_grad_enabled() and x_TI.requires_grad:
        return _Linear.apply(x_TI, weight_OI, bias_O)  # type: ignore[no-any-return, no-untyped-call]
    return _onednn(x_TI, weight_OI, bias_O)


def linear_backward(dy_TO: Tensor, weight_OI: Tensor) -> Tensor:
    """Returns dy W, the gradient of `linear`'s x."""
    return _onednn(dy_TO, weight_OI.T, None) if _by_onednn(dy_TO, weight_OI) else dy_TO @ weight_OI


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight_OI)
        return _onednn(x_TI, weight_OI, bias_O)

    @staticmethod
    def backward(ctx: Any, dy_TO: Tensor) -> tuple[Tensor, None, None]:
        (weight_OI,) = ctx.saved_tensors
        return linear_backward(dy_TO, weight_OI), None, None


def _onednn(x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    y_TO: Tensor = torch.ops.mkldnn._linear_pointwise(x_TI, weight_OI, bias_O, "none", [], "")
    return y_TO


def _by_onednn(x_TI: Tensor, weight_OI: Tensor) -> bool:
    return (
        x_TI.dtype == torch.float32
        and x_TI.device.type == "cpu"
        and x_TI.dim() == 2
        and len(x_TI) > 0
        and weight_OI.numel() >= SMALLEST
        and not weight_OI.requires_grad
        and (prefers_onednn() or (len(x_TI) in FEW_ROWS and weight_OI.numel() >= LARGE and takes_onednn_for_few()))
    )


@cache
def prefers_onednn() -> bool:
    """Whether float32 products go to oneDNN: on AMD's CPUs, or as `SEMOE_ONEDNN` says (1 or 0)."""
    asked = os.environ.get("SEMOE_ONEDNN", "")
    wanted = asked == "1" if asked in ("0", "1") else torch.backends.mkl.is_available() and _is_amd()
    return wanted and torch.backends.mkldnn.is_available() and _computes_alike()


@cache
def takes_onednn_for_few() -> bool:
    """Whether few rows go through a large weight by oneDNN where MKL computes the rest; not where SEMOE_ONEDNN is 0."""
    wanted = os.environ.get("SEMOE_ONEDNN", "") != "0" and torch.backends.mkl.is_available()
    return wanted and torch.backends.mkldnn.is_available() and _computes_alike()


def _is_amd() -> bool:
    described = os.environ.get("PROCESSOR_IDENTIFIER", "")  # on Windows
    with suppress(OSError):
        described += Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    return "AuthenticAMD" in described


def _computes_alike() -> bool:
    """Tries it once: torch offers oneDNN's product to its own compiler, and might change how it is called."""
    x_TI, weight_OI = torch.arange(6.0).view(2, 3), torch.arange(12.0).view(4, 3)
    try:
        return torch.equal(_onednn(x_TI, weight_OI, None), F.linear(x_TI, weight_OI))
    except (AttributeError, RuntimeError):
        return False
