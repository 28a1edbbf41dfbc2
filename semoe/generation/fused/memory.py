"""How much memory a device has left."""

import torch


def available_bytes(device: torch.device) -> int | None:
    """Returns what may still be taken, torch's own unused blocks included; None where nobody counts it (a CPU)."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def fits(num_bytes: int, device: torch.device, share: float) -> bool:
    """Whether so many bytes are no more than a share of what may still be taken."""
    available = available_bytes(device)
    return available is None or num_bytes <= share * available
