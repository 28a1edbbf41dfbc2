"""How far the stages of a run are, and what failed, for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from semoe.cli.output import err

if TYPE_CHECKING:
    from semoe.runs.records import Failure, SetAside
    from semoe.runs.spending import Spending
    from semoe.runs.status import StageStatus

SHOWN_FAILURES = 5


def stage_record(one: "StageStatus", spent: "Spending") -> dict[str, object]:
    """Returns a stage for a program: with what its workers took, in hours and in money."""
    hours = spent.stage_hours[one.stage]
    return asdict(one) | {"hours": hours, "money": None if spent.price is None else hours * spent.price}


def tell_aside(found: Sequence["SetAside"]) -> None:
    """Says on stderr which passages shards went on without."""
    for one in found[:SHOWN_FAILURES]:
        err.print(f"passage {one.id} ({one.title}) of shard {one.shard} is set aside: {one.why}", soft_wrap=True)
    if len(found) > SHOWN_FAILURES:
        err.print(f"… and {len(found) - SHOWN_FAILURES} more are set aside: semoe report --json", soft_wrap=True)


def tell_failures(found: Sequence["Failure"]) -> None:
    """Says on stderr why shards are not finished."""
    for one in found[:SHOWN_FAILURES]:
        how = "for good" if one.is_final else "to be tried again"
        said = f"{one.stage} shard {one.shard} failed {how} ({one.kind}): {one.message}"
        err.print(said, soft_wrap=True)
    if len(found) > SHOWN_FAILURES:
        err.print(f"… and {len(found) - SHOWN_FAILURES} more: semoe logs --failed", soft_wrap=True)
