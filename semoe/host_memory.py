"""How much of the host's memory is left: to this process's container where it is bounded, else to the machine."""

from contextlib import suppress
from pathlib import Path

MACHINE = Path("/proc/meminfo")
CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Bound and use, as the two versions of Linux's control groups have them."""


def available_memory() -> int:
    """Returns the bytes that could be taken without others losing theirs; 0 where nothing says so."""
    return max(0, min([_of_machine(), *_of_containers()]))


def _of_machine() -> int:
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = MACHINE.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return 0


def _of_containers() -> list[int]:
    found = []
    for bound, use in CONTAINERS:
        # "max" is no number: such a container has what its machine has.
        with suppress(OSError, ValueError):
            found.append(int(Path(bound).read_text(encoding="ascii")) - int(Path(use).read_text(encoding="ascii")))
    return found
