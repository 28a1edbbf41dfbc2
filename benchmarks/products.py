"""The products that a piece of work makes, and how long they take by themselves.

A product is known by its shapes and by how its operands lie in memory. Each is timed alone, on operands that have been
touched before: what work takes beyond the sum is everything that is no product.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

PRODUCTS = ("mm", "addmm", "addmm_", "bmm", "baddbmm", "_linear_pointwise",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention_for_cpu_backward")  # fmt: skip
Operand = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]
"""Sizes, strides and type."""
Key = tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found = Counter[Key]()
        self.calls = dict[Key, Callable[..., Any]]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func.__name__.split(".")[0] in PRODUCTS:
            named = tuple((name, _operand(value)) for name, value in given.items())
            key: Key = (str(func), tuple(map(_operand, args)), named)
            self.found[key] += 1
            self.calls[key] = func
        return func(*args, **given)


def _operand(value: Any) -> Any:
    """What must be known of an argument to make one like it."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.stride(), value.dtype
    return tuple(value) if isinstance(value, list) else value


def _made(like: Any) -> Any:
    if not (isinstance(like, tuple) and len(like) == 3 and isinstance(like[2], torch.dtype)):
        return like
    shape, strides, dtype = like
    return torch.empty_strided(shape, strides, dtype=dtype).normal_(0, 0.1)


def products_of(work: Callable[[], object]) -> "Products":
    """Runs a piece of work once and returns the products that it made."""
    with _Recorder() as recorder:
        work()
    return Products(recorder.found, recorder.calls)


class Products:
    """Some products, each with how often it was made."""

    def __init__(self, found: Counter[Key], calls: dict[Key, Callable[..., Any]]) -> None:
        self._found = found
        self._calls = calls

    def seconds(self) -> float:
        """Returns how long they take one behind the other: the sum over all, each timed alone."""
        return sum(count * self._seconds_of(key) for key, count in self._found.items())

    def _seconds_of(self, key: Key) -> float:
        _, args, named = key
        operands = [_made(one) for one in args]
        more = {name: _made(value) for name, value in named}
        call = self._calls[key]
        call(*operands, **more)
        # Small products are repeated until they can be timed.
        began = time.perf_counter()
        call(*operands, **more)
        repeats = max(1, int(0.003 / (time.perf_counter() - began + 1e-7)))
        began = time.perf_counter()
        for _ in range(repeats):
            call(*operands, **more)
        return (time.perf_counter() - began) / repeats
