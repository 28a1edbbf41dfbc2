"""Numbers on their way to a device."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semoe.experts.packing import Numbers

ALIGNED = 16
"""Bytes; each array begins where any type may."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Copies to a device, from pinned memory where that makes the copy wait for nothing."""

    device: torch.device

    def __call__(self, x: Tensor) -> Tensor:
        """Sends a tensor."""
        return x.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else x

    def numbers(self, x: Numbers) -> Tensor:
        """Sends an array as it is; torch counts in 64 bits."""
        return self(torch.from_numpy(x))

    def together(self, *arrays: Numbers) -> list[Tensor]:
        """Sends several arrays as one: each sending costs as much as a small one takes."""
        starts = np.cumsum([0, *(-(-one.nbytes // ALIGNED) * ALIGNED for one in arrays)])
        whole = np.zeros(starts[-1], np.uint8)
        for start, one in zip(starts, arrays, strict=False):
            whole[start : start + one.nbytes] = np.ascontiguousarray(one).reshape(-1).view(np.uint8)
        sent = self.numbers(whole)
        return [
            sent[start : start + one.nbytes].view(torch.from_numpy(one[:0]).dtype).view(one.shape)
            for start, one in zip(starts.tolist(), arrays, strict=False)
        ]

    def table(self, x: Numbers) -> Tensor:
        """Sends what kernels count with, in 32 bits."""
        return self(torch.from_numpy(x.astype(np.int32)))
