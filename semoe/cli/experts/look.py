"""`semoe experts ls | show | stats`: look at what was trained."""

from typing import Annotated, Any

import orjson
import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Key, Space, open_space, whole_key
from semoe.cli.output import is_json, show, show_rows
from semoe.store.blob import read_record


def ls(
    title: Annotated[str, typer.Option("--title", help="Only titles with this in them.")] = "",
    min_loss: Annotated[
        float, typer.Option("--min_loss", help="Only experts whose last loss is at least this, or not finite.")
    ] = 0.0,
    limit: Annotated[int, typer.Option("--limit", help="Rows to show; -1: all.")] = 50,
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """List experts.

    Example: semoe experts ls --root_dir demo_run --title jokela
    """
    opened, rows = open_space(store, root_dir, space), list[dict[str, Any]]()
    for entry in opened.entries():
        if len(rows) == limit:
            break
        if title.lower() in entry.title.lower() and not entry.loss < min_loss:  # not a number: always listed
            rows.append({"title": entry.title, "key": entry.key, "bytes": entry.length, "loss": round(entry.loss, 4)})
    heading = f"{len(rows)} of {len(opened)} experts in space {opened.names.space}"
    show_rows(heading, ("title", "key", "bytes", "loss"), rows, form=format)


def show_expert(
    key: Key,
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Show one expert: its passage, what it learnt, where it lies.

    Example: semoe experts show 3fa9
    """
    opened = open_space(store, root_dir, space)
    whole = whole_key(opened, key)
    place, data = opened.catalog.find(whole), opened.get(whole)
    assert place is not None
    assert data is not None
    show(
        read_record(data) | {"pack": place.segment, "offset": place.offset, "bytes": place.length},
        as_json=is_json(format),
    )


def stats(
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Count experts, packs and bytes of a space, and say what the space is.

    Example: semoe experts stats --store s3://bucket/experts
    """
    opened = open_space(store, root_dir, space)
    lengths = opened.catalog.arrays[1]["length"]
    described = orjson.loads(opened.objects.get(opened.names.described))
    show(
        {
            "space": opened.names.space,
            "experts": len(opened),
            "bytes": int(lengths.sum(dtype="u8")),
            "packs": len(opened.catalog.segments),
            "commits": len(opened.ledger.commits),
            "snapshot": opened.ledger.snapshot_number,
            "damaged packs": len(opened.ledger.damaged),
            "index bytes in memory": opened.catalog.num_bytes,
            "model": described["base_model"],
            "augmented by": described["augment_model"],
            "training": described["preset"]["training"],
        },
        as_json=is_json(format),
    )
