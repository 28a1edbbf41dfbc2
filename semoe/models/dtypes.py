"""The number types that a base model may be loaded in, by name."""

import torch

from semoe.errors import unknown_name

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def torch_dtype(name: str) -> torch.dtype:
    """Returns the type of a name.

    Raises:
        UsageError: it is none of the known ones.
    """
    if name not in DTYPES:
        raise unknown_name("dtype", name, DTYPES)
    return DTYPES[name]
