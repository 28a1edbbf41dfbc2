"""`semoe experts verify | gc | compact`: looking after a store."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import SpacePlaceOptions
from semoe.cli.option_groups import option_group
from semoe.cli.output import err, show_rows
from semoe.cli.verbs import verb
from semoe.errors import CorruptError
from semoe.store.times import GRACE_SECONDS, MIN_GRACE_SECONDS
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.store.expert_store import ExpertStore
    from semoe.store.objects import Stored


@option_group("What is removed", table="upkeep")
class RemoveOptions:
    """What may go."""

    dry_run: Annotated[bool, typer.Option("--dry-run/--no-dry-run", help="Only list what would be removed.")] = False
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=MIN_GRACE_SECONDS,
            help="Keep objects younger than this many seconds, by the store's clock.",
        ),
    ] = GRACE_SECONDS


@verb
def verify(
    place: SpacePlaceOptions,
    output: o.OutputOptions,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw damaged packs: their experts can be trained again.")
    ] = False,
) -> None:
    """Read and hash every pack and index, and what describes the space; exit code 1 when something is damaged.

    Example: semoe experts verify --store s3://bucket/experts
    """
    from semoe.store import upkeep
    from semoe.store.descriptions import require_descriptions
    from semoe.telemetry.progress import progress

    opened = place.open()
    problems: list[upkeep.Problem] = []
    with progress("verify", len(opened.catalog.segments), "packs") as advance:
        for _, problem in upkeep.verify(opened):
            problems += [problem] if problem else []
            advance()
    heading = f"{len(problems)} of {counted(len(opened.catalog.segments), 'pack')} damaged"
    show_rows(heading, ("segment", "what"), [asdict(problem) for problem in problems], as_json=output.as_json)
    for problem in problems if withdraw else ():
        upkeep.withdraw(opened, problem.segment)
    require_descriptions(opened.objects, opened.names)
    if problems and not withdraw:
        raise CorruptError("The store is damaged. Withdraw with --withdraw, then train again.", kind="corrupt")


@verb
def gc(removal: RemoveOptions, place: SpacePlaceOptions, output: o.OutputOptions) -> None:
    """Remove packs that no commit names: what killed producers left.

    Example: semoe experts gc --dry-run
    """
    from semoe.store import upkeep

    opened = place.open()
    _remove(opened, upkeep.garbage(opened, removal.grace), "unnamed packs and indexes", removal, output)


@verb
def compact(removal: RemoveOptions, place: SpacePlaceOptions, output: o.OutputOptions) -> None:
    """Fold all commits into one snapshot, so that the store opens with a few reads however many experts it has.

    Example: semoe experts compact --store s3://bucket/experts
    """
    from semoe.store import upkeep

    opened = place.open()
    made = False if removal.dry_run else upkeep.compact(opened)
    err.print(f"{'A new snapshot was' if made else 'No new snapshot was'} written.")
    _remove(opened, upkeep.folded(opened, removal.grace), "folded commits and older snapshots", removal, output)


def _remove(
    store: "ExpertStore", found: Sequence["Stored"], what: str, removal: RemoveOptions, output: o.OutputOptions
) -> None:
    from semoe.store import upkeep
    from semoe.telemetry.progress import progress

    size = sum(one.size for one in found)
    heading = f"{len(found)} {what}, {size:,} bytes, {'would be' if removal.dry_run else 'were'} removed"
    if not removal.dry_run:
        with progress("remove", len(found), "objects") as advance:
            for _ in upkeep.remove(store, found):
                advance()
    rows = [{"name": one.name, "size": one.size} for one in found]
    show_rows(heading, ("name", "size"), rows, as_json=output.as_json)
