"""Stands for NVIDIA's module of this name, with two GPUs, on machines that have none. No test reaches the real one."""

from types import SimpleNamespace


class NVMLError(Exception):
    """As the real one: the base of all that NVML refuses."""


BUSY_PERCENT = [75, 20]
MEMORY = [SimpleNamespace(total=80 << 30, used=60 << 30), SimpleNamespace(total=40 << 30, used=1 << 30)]
error_at: str | None = None
"""The function that fails, of those below."""
called: list[str] = []


def nvmlInit() -> None:  # noqa: N802  (NVML's names)
    _call("nvmlInit")


def nvmlShutdown() -> None:  # noqa: N802
    _call("nvmlShutdown")


def nvmlDeviceGetCount() -> int:  # noqa: N802
    _call("nvmlDeviceGetCount")
    return len(BUSY_PERCENT)


def nvmlDeviceGetHandleByIndex(index: int) -> object:  # noqa: N802
    _call("nvmlDeviceGetHandleByIndex")
    return SimpleNamespace(index=index)


def nvmlDeviceGetUtilizationRates(handle: SimpleNamespace) -> SimpleNamespace:  # noqa: N802
    _call("nvmlDeviceGetUtilizationRates")
    return SimpleNamespace(gpu=BUSY_PERCENT[handle.index], memory=99)


def nvmlDeviceGetMemoryInfo(handle: SimpleNamespace) -> SimpleNamespace:  # noqa: N802
    _call("nvmlDeviceGetMemoryInfo")
    return MEMORY[handle.index]


def _call(name: str) -> None:
    called.append(name)
    if name == error_at:
        raise NVMLError(f"{name} failed")
