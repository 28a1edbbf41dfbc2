"""The library bm25s, without JAX.

Where JAX is installed, bm25s starts it as soon as it is imported, to choose the best scores with; and JAX, once
started, takes three quarters of a GPU's memory. `bm25` chooses by numpy, so JAX is hidden while bm25s is imported.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

HIDDEN = ("jax", "jax.lax")


@cache
def library() -> ModuleType:
    """Returns bm25s, imported at the first call; a JAX that others use stays as it is."""
    with _hidden():
        return importlib.import_module("bm25s")


@contextmanager
def _hidden() -> Iterator[None]:
    """Makes imports of JAX fail during the block."""
    there = {name: sys.modules.get(name) for name in HIDDEN}
    for name in HIDDEN:
        sys.modules[name] = None  # type: ignore[assignment]  # the import of it fails
    try:
        yield
    finally:
        for name, module in there.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
