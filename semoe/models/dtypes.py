"""The number types and devices that a base model may be loaded in, by name."""

from contextlib import AbstractContextManager, nullcontext

import torch

from semoe.errors import UsageError, unknown_name

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def torch_dtype(name: str) -> torch.dtype:
    """Returns the type of a name.

    Raises:
        UsageError: it is none of the known ones.
    """
    if name not in DTYPES:
        raise unknown_name("dtype", name, DTYPES)
    return DTYPES[name]


def torch_device(name: str) -> torch.device:
    """Returns a device; `auto` is the GPU where there is one.

    Raises:
        UsageError: no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if kind not in ("cpu", "cuda") or int(number or 0) >= count:
        there = "cpu" + "".join(f", cuda:{i}" for i in range(torch.cuda.device_count()))
        raise UsageError(f"No device {name!r} here. There are: auto, {there}.", kind="no-device")
    return torch.device(name)


def current_device(device: torch.device) -> AbstractContextManager[object]:
    """Makes a GPU this thread's current one during a block: some things ask for that, and not for a tensor's."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
