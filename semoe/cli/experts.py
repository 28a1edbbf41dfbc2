"""`semoe experts`: look at what was trained, look after the store, take experts out and in."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from semoe.cli import options as o
from semoe.cli.output import is_json, show, show_rows
from semoe.cli.spaces import Space, open_space
from semoe.cli.upkeep import compact, gc, verify
from semoe.errors import UsageError
from semoe.models import load_model
from semoe.models.dtypes import torch_dtype
from semoe.published.imports import import_experts
from semoe.store.blob import read_record
from semoe.store.expert_store import ExpertStore
from semoe.store.export import export_expert

app = typer.Typer(help="List, show, verify, clean, export and import experts.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="The expert's key, or the beginning of it.")]


@app.command("ls")
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


@app.command("show")
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
    whole = _whole_key(opened, key)
    place, data = opened.catalog.find(whole), opened.get(whole)
    assert place is not None
    assert data is not None
    show(
        read_record(data) | {"pack": place.segment, "offset": place.offset, "bytes": place.length},
        as_json=is_json(format),
    )


@app.command("export")
def export(
    key: Key,
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
) -> None:
    """Export one expert as a plain PEFT folder. `semoe encode --export` writes the published tree.

    Example: semoe experts export 3fa9 --to my_expert
    """
    opened = open_space(store, root_dir, space)
    whole = _whole_key(opened, key)
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    export_expert(opened, whole, [to])
    show({"exported": whole, "to": to})


@app.command("import")
def import_verb(
    model_name: o.ModelName,
    dataset: o.Dataset,
    preset: o.PresetName = "published",
    data_type: o.DataType = None,
    with_cot: o.WithCot = False,
    augment_model: o.AugmentModel = None,
    num_train_epochs: o.Epochs = None,
    learning_rate: o.LearningRate = None,
    lora_rank: o.LoraRank = None,
    lora_alpha: o.LoraAlpha = None,
    dtype: o.Dtype = "float32",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Take the experts of a published offline/ tree into the store; each is checked, and one without effect is refused.

    Example: semoe experts import --model_name llama3.2_1b --dataset popqa --lora_rank 2 --lora_alpha 32
    """
    recipe = o.adjusted(preset, rank=lora_rank, alpha=lora_alpha, learning_rate=learning_rate, epochs=num_train_epochs)
    settings = o.stage(
        root_dir, model_name, dataset, recipe,
        data_type=data_type, with_cot=with_cot, augment_model=augment_model, store=store,
    )  # fmt: skip
    show(asdict(import_experts(load_model(model_name, dtype=torch_dtype(dtype)), settings)), as_json=is_json(format))


@app.command("stats")
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


def _whole_key(store: ExpertStore, beginning: str) -> str:
    found = store.keys(beginning)
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} experts of space {store.names.space} have a key that begins with {beginning!r}. "
            "See `semoe experts ls`.",
            kind="unknown-expert",
        )
    return found[0]


app.command()(verify)
app.command()(gc)
app.command()(compact)
