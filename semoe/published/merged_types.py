"""`total` of a published augmentation, which augments the questions of each type and leaves `total.json` without pairs.

`total.json` then says the order alone: its next question of a type is the next record of that type's file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import AugmentedQuestion
from semoe.datasets.augmented_file import from_record, read_augmented
from semoe.datasets.question_file import read_records
from semoe.errors import UsageError

TOTAL = "total"


def read_type(folder: Path, data_type: str) -> list[AugmentedQuestion]:
    """Reads the augmented questions of one type; for a `total.json` without pairs those of the types beside it.

    Raises:
        UsageError: a file is missing or broken, or the types' files are not those that `total.json` tells of.
    """
    if files_behind(folder, data_type) == [folder / f"{data_type}.json"]:
        return read_augmented(folder / f"{data_type}.json")
    return list(_merged(folder / f"{TOTAL}.json"))


def files_behind(folder: Path, data_type: str) -> list[Path]:
    """Returns the augmented files that a type is read from: its own, or for a `total.json` without pairs the types'."""
    own = folder / f"{data_type}.json"
    types = sorted(path for path in folder.glob("*.json") if "." not in path.stem and path.stem != TOTAL)
    return types if data_type == TOTAL and types and own.is_file() and not is_augmented(own) else [own]


def is_augmented(path: Path) -> bool:
    """Whether a file's questions have passages with pairs, rather than being questions alone."""
    return any("augment" in record for record in read_records(path))


def _merged(total: Path) -> Iterator[AugmentedQuestion]:
    """Yields the records of the types' files in the order of `total.json`, as the published loader does.

    It ends where a type's file does: one that was made of a sample has no more.
    """
    rest: dict[str, Iterator[tuple[int, dict[str, Any]]]] = {}
    for position, question in enumerate(read_records(total)):
        name = str(question.get("type"))
        path = total.with_name(f"{name}.json")
        if not path.is_file():
            raise _unlike(total, position, f"is of type {name}, but there is no {path.name} beside it")
        number, record = next(rest.setdefault(name, enumerate(read_records(path))), (0, None))
        if record is None:
            return
        if record.get("question") != question.get("question"):
            raise _unlike(total, position, f"is not the question of {path.name}, record {number + 1}")
        yield from_record({"test_id": position} | record, f"{path}, record {number + 1}")


def _unlike(total: Path, position: int, problem: str) -> UsageError:
    return UsageError(
        f"{total} has no pairs, so its questions are looked up in the files of their types; but record {position + 1} "
        f"{problem}. Copy all files of one augmentation, or name a --data_type.",
        kind="broken-record",
    )
