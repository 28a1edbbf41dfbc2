"""What a run took: hours of its workers by what they did, money where there is a price, and what was reckoned."""

from collections.abc import Mapping
from dataclasses import dataclass

from semoe.runs.estimate import Span
from semoe.runs.folder import RunFolder
from semoe.runs.spending import Spent, find_estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of a run, as far as it is."""

    hours: float
    """Of workers, all attempts counted."""
    stage_hours: Mapping[str, float]
    money: float | None
    """For these hours; None where the plan has no price."""
    reckoned_hours: Span | None
    """What the plan reckoned for augmenting and training; None where nothing was measured."""
    num_bytes: int
    """Of its experts in the store."""


def cost_of(folder: RunFolder) -> Cost:
    """Adds up what the workers of a run told of themselves."""
    spent = Spent(folder).so_far()
    found = find_estimate(folder)
    return Cost(
        hours=spent.hours,
        stage_hours=spent.stage_hours,
        money=spent.money,
        reckoned_hours=found.hours if found else None,
        num_bytes=found.num_bytes if found else 0,
    )


def cost_rows(cost: Cost) -> list[tuple[str, str]]:
    """Returns it as rows of a table."""
    rows = [(f"{stage}, worker hours", f"{hours:.3f}") for stage, hours in cost.stage_hours.items()]
    rows.append(("all, worker hours", f"{cost.hours:.3f}"))
    if cost.reckoned_hours:
        least, most = cost.reckoned_hours
        rows.append(("reckoned for augmenting and training", f"{least:.3f} to {most:.3f}"))
    rows.append(("money", "no price was given (--gpu_price)" if cost.money is None else f"{cost.money:,.2f}"))
    return rows
