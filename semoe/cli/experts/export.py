"""`semoe experts export`: takes an expert out of a store."""

from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Key, StatePlaceOptions, whole_key
from semoe.cli.output import show
from semoe.cli.verbs import verb
from semoe.errors import UsageError


@verb
def export_expert_verb(
    key: Key,
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    place: StatePlaceOptions,
    output: o.OutputOptions,
) -> None:
    """Export one expert as a plain PEFT folder. `semoe encode --export` writes the published tree.

    Example: semoe experts export 3fa9 --to my_expert
    """
    from semoe.store.export import export_expert

    opened = place.open()
    whole = whole_key(opened, key)
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    export_expert(opened, whole, [to])
    show({"exported": whole, "to": to}, as_json=output.as_json)
