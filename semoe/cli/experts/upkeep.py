"""`semoe experts verify | gc | compact`: looking after a store."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Space, open_space
from semoe.cli.output import err, show_rows
from semoe.errors import CorruptError
from semoe.store import upkeep
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import Stored
from semoe.telemetry import progress

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")]
Grace = Annotated[
    float,
    typer.Option(
        "--grace",
        min=upkeep.MIN_GRACE_SECONDS,
        help="Keep objects younger than this many seconds, by the store's clock.",
    ),
]


def verify(
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw damaged packs: their experts can be trained again.")
    ] = False,
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Read and hash every pack and index; exit code 1 when something is damaged.

    Example: semoe experts verify --store s3://bucket/experts
    """
    opened, problems = open_space(store, root_dir, space), []
    with progress("verify", len(opened.catalog.segments), "packs") as advance:
        for _, problem in upkeep.verify(opened):
            problems += [problem] if problem else []
            advance()
    heading = f"{len(problems)} of {len(opened.catalog.segments)} packs are damaged"
    show_rows(heading, ("segment", "what"), [asdict(problem) for problem in problems], form=format)
    for problem in problems if withdraw else ():
        upkeep.withdraw(opened, problem.segment)
    if problems and not withdraw:
        raise CorruptError("The store is damaged. Withdraw with --withdraw, then train again.", kind="corrupt")


def gc(
    dry_run: DryRun = False,
    grace: Grace = upkeep.GRACE_SECONDS,
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Remove packs that no commit names: what killed producers left.

    Example: semoe experts gc --dry-run
    """
    opened = open_space(store, root_dir, space)
    _remove(opened, upkeep.garbage(opened, grace), "unnamed packs and indexes", dry_run, format)


def compact(
    dry_run: DryRun = False,
    grace: Grace = upkeep.GRACE_SECONDS,
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Fold all commits into one snapshot, so that the store opens with a few reads however many experts it has.

    Example: semoe experts compact --store s3://bucket/experts
    """
    opened = open_space(store, root_dir, space)
    made = False if dry_run else upkeep.compact(opened)
    err.print(f"{'A new snapshot was' if made else 'No new snapshot was'} written.")
    _remove(opened, upkeep.folded(opened, grace), "folded commits and older snapshots", dry_run, format)


def _remove(store: ExpertStore, found: Sequence[Stored], what: str, dry_run: bool, form: str) -> None:
    size = sum(one.size for one in found)
    heading = f"{len(found)} {what}, {size:,} bytes, {'would be' if dry_run else 'were'} removed"
    if not dry_run:
        with progress("remove", len(found), "objects") as advance:
            for _ in upkeep.remove(store, found):
                advance()
    show_rows(heading, ("name", "size"), [{"name": one.name, "size": one.size} for one in found], form=form)
