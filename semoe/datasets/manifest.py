"""The benchmarks: where their files are to be had, whether a folder has them, and whether they are whole.

A *data folder* has a folder for each dataset, by its name. Nothing here downloads anything.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from semoe.datasets import cwq, hotpotqa, iirc, popqa, strategyqa, wikimultihop
from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError
from semoe.typed import build
from semoe.words import counted

FILES = {
    "2wikimultihopqa": wikimultihop.FILES,
    "hotpotqa": hotpotqa.FILES,
    "popqa": popqa.FILES,
    "cwq": cwq.FILES,
    "strategyqa": strategyqa.FILES,
    "iirc": iirc.FILES,
}
"""Names under which each loader looks for its file, in this order."""
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A benchmark as it was published."""

    title: str
    file: str
    """Its name in the dataset's folder."""
    num_questions: int
    """Of the file, as far as they have an answer; 0: not known."""
    where: str
    """Where to download it by hand."""
    how: str
    paper: str
    licence: str
    """Empty where it is not known."""
    beside: tuple[str, ...] = ()
    """Files that belong to it and may be missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataState:
    """What a data folder has of a dataset."""

    dataset: str
    state: str
    """`whole` (as far as it is known how many there are), `part` (fewer or more questions), `missing` or `broken`."""
    file: str
    """Empty where there is none."""
    num_questions: int
    expected: int
    """Of the original; 0: not known."""
    num_bytes: int
    sha256: str
    """Of the file, to tell it from another."""
    advice: str
    """What to do; empty where nothing is to be done."""


@cache
def manifest() -> dict[str, Source]:
    """Returns the sources by dataset."""
    text = (resources.files("semoe.datasets") / "manifest.toml").read_text(encoding="utf-8")
    return {name: build(Source, values, f"manifest, [{name}]") for name, values in tomllib.loads(text).items()}


def find_data(data_dir: Path, dataset: str) -> Path | None:
    """Returns the file of a dataset's questions in a data folder; None where there is none."""
    return next((path for name in FILES[dataset] if (path := data_dir / dataset / name).is_file()), None)


def files_of(dataset: str) -> set[str]:
    """Returns the names of all files that a dataset may have; none of one that is no benchmark's."""
    beside = manifest()[dataset].beside if dataset in FILES else ()
    return {*FILES.get(dataset, ()), *beside}


def require_data(data_dir: Path, dataset: str, called: str = "") -> Path:
    """Returns a dataset's folder in a data folder.

    Args:
        data_dir: the data folder.
        dataset: its name.
        called: the data folder as its user knows it, where it is a copy.

    Raises:
        UsageError: its file is not there; the message says where it is to be had.
    """
    if dataset in FILES and find_data(data_dir, dataset) is None:
        place = called.rstrip("/") or data_dir
        raise UsageError(f"{place}/{dataset} has no questions. {advice(place, dataset)}", kind="missing-data")
    return data_dir / dataset


def advice(data_dir: Path | str, dataset: str) -> str:
    """Says where a dataset is to be had, and where to put it."""
    source = manifest()[dataset]
    files = " and ".join((source.file, *source.beside))
    return f"Download {source.title} by hand: {source.where}. {source.how} Put {files} into {data_dir}/{dataset}."


def data_state(data_dir: Path, dataset: str) -> DataState:
    """Reads a dataset's file, counts its questions and compares them with the original's."""
    source = manifest()[dataset]
    path = find_data(data_dir, dataset)
    if path is None:
        return DataState(
            dataset=dataset,
            state="missing",
            file="",
            num_questions=0,
            expected=source.num_questions,
            num_bytes=0,
            sha256="",
            advice=advice(data_dir, dataset),
        )
    count, why = _counted(dataset, path)
    is_whole = count > 0 and source.num_questions in (0, count)
    absent = [name for name in source.beside if not (path.parent / name).is_file()]
    told = [why] if why else []
    if not why and not is_whole:
        told.append(f"The original has {counted(source.num_questions, 'question')}. {advice(data_dir, dataset)}")
    told += [f"Without {name} answers have no aliases; {source.how}" for name in absent]
    return DataState(
        dataset=dataset,
        state="broken" if why else "whole" if is_whole else "part",
        file=str(path),
        num_questions=count,
        expected=source.num_questions,
        num_bytes=path.stat().st_size,
        sha256=digest_of_file(path),
        advice=" ".join(told),
    )


def digest_of_file(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _counted(dataset: str, path: Path) -> tuple[int, str]:
    """Returns how many questions a file has, or what is wrong with it."""
    try:
        return len(load_dataset(dataset, path)), ""
    except UsageError as error:
        return 0, str(error)
