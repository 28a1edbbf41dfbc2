"""Progress of long work: a bar on a terminal, one line a minute elsewhere; always on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from semoe.telemetry.console import plain_console

LINE_EVERY_SECONDS = 60.0


class Advance(Protocol):
    """Reports that more units are done."""

    def __call__(self, done: float = 1) -> None:
        """Adds `done` units."""
        ...


def rate_in_words(per_second: float) -> str:
    """Returns a rate by the second, or by the minute or hour where that would be a fraction."""
    for name, seconds in (("second", 1), ("minute", 60)):
        if per_second * seconds >= 1:
            return f"{per_second * seconds:,.1f} a {name}"
    return f"{per_second * 3600:,.1f} an hour"


@contextmanager
def progress(what: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Shows how much of `total` units is done, the rate in units a second, and the time left."""
    console = plain_console(stderr=True)
    show = _bar if console.is_terminal else _lines
    with show(console, what, total, unit) as advance:
        yield advance


@contextmanager
def _bar(console: Console, what: str, total: int | None, unit: str) -> Iterator[Advance]:
    # A column has a markup of its own, whatever its console reads.
    said, units, rate = (TextColumn(text, markup=False) for text in ("{task.description}", unit, "{task.fields[rate]}"))
    with Progress(said, BarColumn(), MofNCompleteColumn(), units, rate, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: float = 1) -> None:
            bar.update(task, advance=done)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, rate=rate_in_words(speed) if speed else "")

        yield advance


@contextmanager
def _lines(console: Console, what: str, total: int | None, unit: str) -> Iterator[Advance]:
    start = last = time.monotonic()
    count = 0.0

    def line() -> None:
        seconds = max(time.monotonic() - start, 1e-9)
        of = f" of {total:,}" if total else ""
        sys.stderr.write(f"{what}: {count:,.0f}{of} {unit}, {rate_in_words(count / seconds)}\n")

    def advance(done: float = 1) -> None:
        nonlocal count, last
        count += done
        if time.monotonic() - last > LINE_EVERY_SECONDS:
            last = time.monotonic()
            line()

    yield advance
    line()
