"""SIGTERM as a question that work asks between two parts of it: was it told to stop, or is who began it gone?"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PARENT = "SEMOE_PARENT"
"""Names the process that began a worker: one that outlives it works for nobody, beside those who are begun next."""


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Takes SIGTERM, by which batch systems end a program, as Ctrl-C is taken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yields a question: was SIGTERM received, or did the process that began this one end?"""
    asked = threading.Event()
    parent = os.environ.get(PARENT, "")

    def stop() -> bool:
        return asked.is_set() or (parent.isdecimal() and os.getppid() != int(parent))

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    former = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, former)
