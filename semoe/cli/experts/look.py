"""`semoe experts ls | show | stats | states`: look at what was trained."""

from typing import Annotated, Any

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Key, SpacePlaceOptions, StatePlaceOptions, whole_key
from semoe.cli.output import show, show_rows
from semoe.cli.verbs import verb
from semoe.words import counted


@verb
def ls(
    place: StatePlaceOptions,
    output: o.OutputOptions,
    title: Annotated[str, typer.Option("--title", help="Only titles with this in them.")] = "",
    min_loss: Annotated[
        float, typer.Option("--min_loss", help="Only experts whose last loss is at least this, or not finite.")
    ] = 0.0,
    limit: Annotated[int, typer.Option("--limit", help="Rows to show; -1: all.")] = 50,
) -> None:
    """List experts.

    Example: semoe experts ls --root_dir demo_run --title jokela
    """
    opened = place.open()
    rows: list[dict[str, Any]] = []
    for entry in opened.entries():
        if len(rows) == limit:
            break
        if title.lower() in entry.title.lower() and not entry.loss < min_loss:  # not a number: always listed
            rows.append({"title": entry.title, "key": entry.key, "bytes": entry.length, "loss": round(entry.loss, 4)})
    heading = f"{len(rows)} of {counted(len(opened), 'expert')} in space {opened.names.space}"
    show_rows(heading, ("title", "key", "bytes", "loss"), rows, as_json=output.as_json)


@verb
def show_verb(key: Key, place: StatePlaceOptions, output: o.OutputOptions) -> None:
    """Show one expert: its passage, what it learnt, where it lies.

    Example: semoe experts show 3fa9
    """
    from semoe.store.record import read_record

    opened = place.open()
    whole = whole_key(opened, key)
    found = opened.catalog.find(whole)
    data = opened.get(whole)
    assert found is not None
    assert data is not None
    where = {"pack": found.segment, "offset": found.offset, "bytes": found.length}
    show(read_record(data) | where, as_json=output.as_json)


@verb
def stats(place: StatePlaceOptions, output: o.OutputOptions) -> None:
    """Count experts, packs and bytes of a space, and say what the space is.

    Example: semoe experts stats --store s3://bucket/experts
    """
    from semoe.store.descriptions import read_description

    opened = place.open()
    state = opened.ledger.state
    lengths = opened.catalog.arrays[1]["length"]
    described = read_description(opened.objects, opened.names.described)
    show(
        {
            "space": opened.names.space,
            "experts": len(opened),
            "bytes": int(lengths.sum(dtype="u8")),
            "packs": len(opened.catalog.segments),
            "commits": state.num_commits,
            "snapshot": state.snapshot,
            "state": state.digest,
            "damaged packs": len(opened.ledger.damaged),
            "index bytes in memory": opened.catalog.num_bytes,
            "model": described["base_model"],
            "augmented by": described["augment_model"],
            "training": described["preset"]["training"],
        },
        as_json=output.as_json,
    )


@verb
def states(place: SpacePlaceOptions, output: o.OutputOptions) -> None:
    """List the states of a space that answers read, the newest first: each can be read again with --snapshot.

    Example: semoe experts states --store s3://bucket/experts
    """
    from semoe.store.kept_states import kept_states

    opened = place.open()
    space = opened.names.space
    now = opened.ledger.state.digest
    rows = [
        {"state": state.digest, "experts": state.num_experts, "packs": len(packs), "commits": state.num_commits,
         "snapshot": state.snapshot, "now": state.digest == now}
        for state, packs in ((kept.state, kept.packs) for kept in kept_states(opened.objects, space))
    ]  # fmt: skip
    heading = f"{counted(len(rows), 'state')} of space {space}"
    show_rows(heading, ("state", "experts", "packs", "commits", "snapshot", "now"), rows, as_json=output.as_json)
