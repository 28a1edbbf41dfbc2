"""A data folder here, or in S3, where pods find it: the questions of its datasets are copied for as long as needed."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from semoe.errors import UsageError
from semoe.files import write_bytes

if TYPE_CHECKING:
    from semoe.store.objects import Objects


def require_here(data_dir: str) -> Path:
    """Returns a data folder of this machine.

    Raises:
        UsageError: it lies in S3.
    """
    if "://" in data_dir:
        raise UsageError(
            f"--data_dir {data_dir}: `semoe data` looks at a folder of this machine. Copy it, and name the copy.",
            kind="options",
        )
    return Path(data_dir)


@contextmanager
def opened(data_dir: str, datasets: Iterable[str]) -> Iterator[Path]:
    """Yields the folder, or of one in S3 a copy that has what these datasets have there and is removed at the end.

    Raises:
        UsageError: an address that is none of S3's, or no bucket of this name.
        TransientError: the store does not answer.
    """
    if "://" not in data_dir:
        yield Path(data_dir)
        return
    from semoe.store.objects import open_bucket

    there = open_bucket(data_dir)
    with tempfile.TemporaryDirectory(prefix="semoe-data-") as folder:
        for dataset in sorted(set(datasets)):
            _copy(there, dataset, Path(folder))
        yield Path(folder)


def _copy(there: "Objects", dataset: str, to: Path) -> None:
    from semoe.datasets.manifest import files_of

    wanted = files_of(dataset)
    for name in (found.name for found in there.list(f"{dataset}/")):
        if name.removeprefix(f"{dataset}/") in wanted:
            write_bytes(to / name, there.get(name))
