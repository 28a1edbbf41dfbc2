"""`load_dataset`: the one entry to all benchmarks, with type filter, shuffle and sample."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from semoe.datasets.custom import load_custom
from semoe.datasets.cwq import load_cwq
from semoe.datasets.hotpotqa import load_hotpotqa
from semoe.datasets.iirc import load_iirc
from semoe.datasets.popqa import load_popqa
from semoe.datasets.question import Question
from semoe.datasets.question_file import ENDINGS, own_name
from semoe.datasets.strategyqa import load_strategyqa
from semoe.datasets.wikimultihop import load_wikimultihop
from semoe.errors import UsageError, unknown_name
from semoe.registry import Registry

loaders: Registry[Callable[[Path], Iterator[Question]]] = Registry("dataset")
loaders.register("2wikimultihopqa")(load_wikimultihop)
loaders.register("hotpotqa")(load_hotpotqa)
loaders.register("popqa")(load_popqa)
loaders.register("cwq")(load_cwq)
loaders.register("complexwebquestions")(load_cwq)  # as PRAG calls it, and its folders
loaders.register("strategyqa")(load_strategyqa)
loaders.register("iirc")(load_iirc)

_TYPES = {
    "2wikimultihopqa": ("compositional", "comparison", "bridge_comparison", "inference"),
    "hotpotqa": ("bridge", "comparison"),
}


def data_types(dataset: str) -> tuple[str, ...]:
    """Returns the types of a dataset's questions, and `total` for all of them."""
    return (*_TYPES.get(dataset, ()), "total")


def load_dataset(
    dataset: str,
    data_path: Path,
    *,
    data_type: str | None = None,
    sample: int = -1,
    shuffle: bool = False,
    seed: int = 42,
) -> list[Question]:
    """Loads questions: filtered by type, then shuffled, then cut to the first `sample` (-1: all).

    Raises:
        UsageError: unknown dataset or type, an impossible sample, or a broken file.
    """
    if sample == 0 or sample < -1:
        raise UsageError(f"sample must be -1 (all) or 1 and more, not {sample}.", kind="bad-value")
    load = _loader(dataset, data_path)
    known = data_types(dataset) if dataset in loaders else (own_name(data_path), "total")
    if data_type is not None and data_type not in known:
        raise unknown_name(f"data_type of {dataset}", data_type, known)
    whole = list(load(data_path))
    questions = [question for question in whole if data_type in (None, "total", question.type)]
    if not questions:
        raise _nothing(data_path, data_type, whole)
    if shuffle:
        random.Random(seed).shuffle(questions)
    return questions if sample == -1 else questions[:sample]


def _nothing(path: Path, data_type: str | None, questions: Sequence[Question]) -> UsageError:
    """Says what a file has in place of the questions that are wanted."""
    if not questions:
        return UsageError(f"{path} holds no question that has an answer. Check --data_path.", kind="empty-file")
    there = ", ".join(sorted({str(one.type) for one in questions}))
    return UsageError(
        f"{path} holds no question of type {data_type}, but of {there}. Leave --data_type out, or correct the file.",
        kind="empty-file",
    )


def _loader(dataset: str, data_path: Path) -> Callable[[Path], Iterator[Question]]:
    """A name that is no benchmark is a user's own dataset, if its path is a file of questions."""
    is_own = data_path.name.removesuffix(".gz").endswith(ENDINGS) and not data_path.is_dir()
    if dataset in loaders or not is_own:
        return _known(dataset)
    return load_custom


def _known(dataset: str) -> Callable[[Path], Iterator[Question]]:
    try:
        return loaders[dataset]
    except UsageError as error:
        hint = f"Questions of your own are a file whose name ends in {', '.join(ENDINGS)}: give it with --data_path."
        raise UsageError(f"{error} {hint}", kind=error.kind) from error


def file_type(dataset: str, data_type: str | None, path: Path) -> str:
    """Returns the data type under which questions are filed: the one asked for, a custom file's name, or `total`."""
    return data_type or ("total" if dataset in loaders else own_name(path))
