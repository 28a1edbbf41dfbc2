"""`semoe experts`: look at what was trained, and take an expert out as a plain PEFT folder."""

from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import show, table
from semoe.errors import UsageError
from semoe.files import read_json
from semoe.store import ExpertRow, find_experts, link_expert

app = typer.Typer(help="List, show and export experts.", no_args_is_help=True)
Key = Annotated[str, typer.Argument(help="The expert's key, or the beginning of it.")]
Space = Annotated[str, typer.Option("--space", help="Expert space, where a key is in several.")]


@app.command("ls")
def ls(
    root_dir: o.RootDir = o.ROOT,
    limit: Annotated[int, typer.Option("--limit", help="Rows to show; -1: all.")] = 50,
    json: o.Json = False,
) -> None:
    """List experts.

    Example: semoe experts ls --root_dir demo_run
    """
    rows = list(find_experts(root_dir))
    if json:
        show(
            {"experts": [{"key": r.key, "space": r.space, "model": r.model, "title": r.title} for r in rows]},
            as_json=True,
        )
        return
    shown = rows if limit < 0 else rows[:limit]
    cells = [[row.title, row.key[:12], row.space, row.model, row.num_pairs, f"{row.loss:.3f}"] for row in shown]
    more = "" if len(shown) == len(rows) else f" (all with --limit {len(rows)})"
    table(
        f"{len(shown)} of {len(rows)} experts{more}",
        ("title", "key", "space", "model", "pairs", "last loss"),
        cells,
    )


@app.command("show")
def show_expert(key: Key, space: Space = "", root_dir: o.RootDir = o.ROOT, json: o.Json = False) -> None:
    """Show one expert: its passage, what it learnt, where it lies.

    Example: semoe experts show 3fa9
    """
    row = _find(root_dir, key, space)
    show(read_json(row.folder / "expert.json") | {"folder": row.folder}, as_json=json)


@app.command("export")
def export(
    key: Key,
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    space: Space = "",
    root_dir: o.RootDir = o.ROOT,
) -> None:
    """Export one expert as a plain PEFT folder.

    Example: semoe experts export 3fa9 --to my_expert
    """
    row = _find(root_dir, key, space)
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    link_expert(row.folder, to)
    show({"exported": row.key, "to": to})


def _find(root: Path, key: str, space: str) -> ExpertRow:
    found = [row for row in find_experts(root) if row.key.startswith(key) and row.space.startswith(space)]
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} experts under {root} have a key that begins with {key!r}. See `semoe experts ls`.",
            kind="unknown-expert",
        )
    return found[0]
