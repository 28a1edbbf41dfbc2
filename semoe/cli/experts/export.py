"""`semoe experts export`: takes an expert out of a store, or several as one adapter."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import StatePlaceOptions, whole_key
from semoe.cli.output import show
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.words import counted


@verb
def export_expert_verb(
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="The experts' keys, or the beginnings of them.")],
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    place: StatePlaceOptions,
    output: o.OutputOptions,
    merge: Annotated[
        Literal["cat", "svd"] | None,
        typer.Option(
            "--merge",
            help="Make one adapter of them: cat (side by side, exact) or svd (the nearest of rank --rank). Its rank is "
            "padded to one that servers make room for: 8, 16, 32, …, 512.",
        ),
    ] = None,
    rank: Annotated[
        int | None, typer.Option("--rank", min=1, help="With --merge svd: what is kept; with cat: at least so much.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            help="With --merge: what each expert counts, such as 0.5,0.5 (as preset semoe answers). Default: 1 each, "
            "as published.",
        ),
    ] = "",
) -> None:
    """Export one expert as a plain PEFT folder, or several as one. `semoe encode --export` writes the published tree.

    Example: semoe experts export 3fa9 --to my_expert

    Example: semoe experts export 3fa9 08c1 77de --merge cat --to three_as_one
    """
    from semoe.store.export import export_expert, export_merged

    if merge is None and (len(keys) > 1 or rank is not None or weights):
        raise UsageError("Several experts in one folder are one adapter: say --merge cat or svd.", kind="options")
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    opened = place.open()
    whole = [whole_key(opened, key) for key in keys]
    if merge is None:
        export_expert(opened, whole[0], [to])
        show({"exported": whole[0], "to": to}, as_json=output.as_json)
        return
    if len(set(whole)) < len(whole):
        raise UsageError("An expert is named twice. Give each once; --weights says what it counts.", kind="options")
    made = export_merged(opened, whole, _numbers(weights, len(whole)), to, way=merge, rank=rank)
    told = {"rank": made.rank, "used_rank": made.num_used, "left_out": round(made.error, 6)}
    show({"exported": whole if output.as_json else ", ".join(whole), "to": to} | told, as_json=output.as_json)


def _numbers(weights: str, count: int) -> list[float]:
    try:
        found = [float(one) for one in weights.split(",")] if weights else [1.0] * count
    except ValueError:
        found = []
    if len(found) != count or not all(abs(one) < float("inf") for one in found):
        raise UsageError(
            f"--weights {weights}: give a finite number for each of {counted(count, 'expert')}, such as "
            f"{','.join(['0.5'] * count)}.",
            kind="bad-value",
        )
    return found
