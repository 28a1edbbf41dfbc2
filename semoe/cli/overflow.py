"""Says below a table of scores what the model's context had no room for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from semoe.cli.output import out

if TYPE_CHECKING:
    from semoe.evaluation.overflow import Overflow


def tell_overflow(found: Iterable[tuple[str, int, "Overflow"]]) -> None:
    """Prints a line for each method (name, number of questions, what did not fit) of which something did not fit."""
    lines = [f"{method}: {one.sentence(count)}." for method, count, one in found if one]
    if lines:
        out.print("Too long for the model's context:", soft_wrap=True)
    # A method stands in the table once for each extraction.
    for line in dict.fromkeys(lines):
        out.print(line, soft_wrap=True)
