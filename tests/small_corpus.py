"""A small corpus out of the demo's passages, and a run over all of it."""

from pathlib import Path

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.store.objects import FolderObjects
from tests.demo import PASSAGES


def corpus(folder: Path, count: int = 40) -> Path:
    """The demo's first passages, one with a text like a record in it, and some once more at the end."""
    lines = PASSAGES.read_text(encoding="utf-8").splitlines(keepends=True)
    trap = (
        '900\t"The lighthouse stands in Rauma. It was built in 1857.\n' + "79\tlike\trecord\n" * 400 + '"\tLighthouse\n'
    )
    path = folder / "corpus.tsv"
    path.write_text("".join([*lines[: count // 2], trap, *lines[count // 2 : count], *lines[1:5]]), encoding="utf-8")
    return path


def planned(root: Path, place: Path, path: Path, *more: str, run_name: str = "wiki") -> RunFolder:
    store = str(place / "store")
    assert run([
        "plan", "--run", run_name, "--store", store, "--corpus", str(path), "--model_name", str(root / "tiny"),
        "--preset", str(root / "quick.toml"), "--tokens_per_step", "256", *more,
    ]) == 0  # fmt: skip
    return RunFolder(FolderObjects(Path(store)), run_name)
