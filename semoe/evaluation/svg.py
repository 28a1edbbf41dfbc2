"""Plots as SVG text inside a page, drawn by matplotlib, which is imported only when something is drawn."""

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from semoe.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOUR = "#3b6ea5"


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> "Figure":
    """Returns an empty figure, sizes in inches.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not can_draw():
        raise UsageError("Plots need the package matplotlib. Run: pip install 'semoe[plots]'.", kind="missing-package")
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    return Figure(figsize=(width, height), layout="constrained")


def svg_of(figure: "Figure") -> str:
    """Returns a figure as an SVG element: inside a page it has no XML declaration."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = drawn.getvalue()
    return svg[svg.index("<svg") :]
