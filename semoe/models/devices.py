"""What a device is called, for records that are read by people."""

import platform
from pathlib import Path

import torch

from semoe.words import counted

CPUINFO = Path("/proc/cpuinfo")


def device_name(device: torch.device) -> str:
    """Returns the name of a GPU, or of this machine's processor with the threads that torch uses."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {counted(torch.get_num_threads(), 'thread')}"


def _processor() -> str:
    lines = CPUINFO.read_text(errors="replace").splitlines() if CPUINFO.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
