"""How a run does beside what its plan reckoned with, for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from semoe.cli.output import err

if TYPE_CHECKING:
    from semoe.runs.estimate import Estimate, Span
    from semoe.runs.spending import Spending
    from semoe.runs.status import StageStatus

SLOW = 0.5
"""A shard is named as slow below this share of the mean rate."""


def tell_forecast(found: "Estimate | None", spent: "Spending", stages: Sequence["StageStatus"]) -> None:
    """Says on stderr what a run has cost so far and which shards are slow, beside the forecast."""
    if spent.hours:
        line = f"Workers have worked {spent.hours:.2f} hours"
        line += f", which cost {spent.money:,.2f}" if spent.money is not None else ""
        # What the plan reckons is augmenting and training alone.
        reckoned = [] if found is None else [_reckoned(found.hours, "hours"), _reckoned(found.money, "in money")]
        words = " and ".join(filter(None, reckoned))
        err.print(f"{line}; reckoned for all that is trained: {words}." if words else f"{line}.", soft_wrap=True)
    for stage in stages:
        _tell_slow(stage)


def _reckoned(span: "Span | None", what: str) -> str:
    return f"{span[0]:,.2f} to {span[1]:,.2f} {what}" if span and span[1] else ""


def _tell_slow(stage: "StageStatus") -> None:
    if stage.alive < 2:
        return
    mean = stage.items_per_second / stage.alive
    slow = [f"{shard} ({rate:.2f}/s)" for shard, rate in stage.slowest if rate < SLOW * mean]
    if slow:
        err.print(f"{stage.stage}: slow are shards {', '.join(slow)}; the mean is {mean:.2f}/s.", soft_wrap=True)
