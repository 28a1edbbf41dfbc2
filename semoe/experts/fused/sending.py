"""Numbers on their way to a device."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semoe.experts.packing import Numbers


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

    def table(self, x: Numbers) -> Tensor:
        """Sends what kernels count with, in 32 bits."""
        return self(torch.from_numpy(x.astype(np.int32)))
