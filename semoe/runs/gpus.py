"""Which GPU each worker of a machine has: one of its own, as long as there are as many."""

import os
from collections.abc import Sequence

VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus_here() -> tuple[str, ...]:
    """Returns the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch  # noqa: PLC0415  (takes a while)

    count = torch.cuda.device_count()
    visible = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return tuple(visible[:count] if visible else map(str, range(count)))


def gpus_for(device: str) -> tuple[str, ...]:
    """Returns the GPUs that workers may use whose models are on such a device."""
    return gpus_here() if device in ("auto", "cuda") else ()


def least_used(gpus: Sequence[str], taken: Sequence[str]) -> str:
    """Returns the GPU that the fewest workers have, the first of equals."""
    return min(gpus, key=taken.count)
