"""Finished answers with their golds: from `predict.json` of `inference`, or from `output.jsonl` of `main`.

`output.jsonl` has no golds: they are those of the dataset that `config.json` beside it names. The folders of the
published `main` are read too; DRAGIN's calls the file `output.txt`.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.errors import UsageError
from semoe.evaluation.overflow import Fit, read_fit
from semoe.files import read_json, read_json_lines

PREDICT = "predict.json"
OUTPUT = "output.jsonl"
OUTPUTS = (OUTPUT, "output.txt")


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedAnswer:
    """One answered question."""

    question: str
    accepted: tuple[str, ...]
    text: str
    """All that the model wrote."""
    fit: Fit


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedFolder:
    """The answers of one folder."""

    method: str
    """How they were written."""
    has_chains: bool
    """Whether prompts held worked examples, so that the texts are chains of thought."""
    answers: tuple[FinishedAnswer, ...]


def read_finished(folder: Path) -> FinishedFolder:
    """Reads a folder's answers.

    Raises:
        UsageError: it holds neither file, one is broken, or the dataset is missing or another one.
    """
    written = [folder / name for name in OUTPUTS if (folder / name).exists()]
    if (folder / PREDICT).exists() or not written:
        return _of_inference(folder)
    return _of_main(folder, written[0])


def _of_inference(folder: Path) -> FinishedFolder:
    path = folder / PREDICT
    if not path.exists():
        raise UsageError(
            f"{folder} holds neither {PREDICT} nor {OUTPUT}. Give a folder that `semoe inference` or `semoe main` "
            "wrote.",
            kind="missing-file",
        )
    records = read_json(path)
    if not isinstance(records, list):
        raise UsageError(f"{path}: expected an array of answers. Answer the questions again.", kind="broken-file")
    config = read_json(folder / "config.json") if (folder / "config.json").exists() else {}
    return FinishedFolder(
        method=folder.resolve().parent.name,
        has_chains=isinstance(config, dict) and config.get("with_cot") is True,
        answers=tuple(_answer(record, path, number) for number, record in enumerate(records, 1)),
    )


def _answer(record: Any, path: Path, number: int) -> FinishedAnswer:
    try:
        accepted = record["answer"]
        return FinishedAnswer(
            question=record["question"],
            # As published, one answer need not stand in an array.
            accepted=(accepted,) if isinstance(accepted, str) else tuple(accepted),
            text=record["text"],
            fit=read_fit(record),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path, number, error) from error


def _of_main(folder: Path, path: Path) -> FinishedFolder:
    config = read_json(folder / "config.json")
    try:
        dataset = str(config["dataset"])
        questions = load_dataset(dataset, Path(config["data_path"]), shuffle=config.get("shuffle") is True)
        method = f"{config['method']}-{config.get('inference_method', 'icl')}"
        has_chains = int(config.get("fewshot", 0)) > 0
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{folder / 'config.json'} is not the configuration of a run ({type(error).__name__}: {error}). It must "
            "name dataset, data_path and method.",
            kind="broken-file",
        ) from error
    golds = defaultdict[str, list[Question]](list)
    for question in reversed(questions):
        golds[question.qid].append(question)
    lines = read_json_lines(path)
    answers = tuple(_line(line, golds, path, number, dataset) for number, line in enumerate(lines, 1))
    return FinishedFolder(method=method, has_chains=has_chains, answers=answers)


def _line(line: Any, golds: dict[str, list[Question]], path: Path, number: int, dataset: str) -> FinishedAnswer:
    try:
        qid = str(line["qid"])
        # The published `main` keeps no other text than the prediction.
        text = str(line["text"] if "text" in line else line["prediction"])
        fit = read_fit(line)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path, number, error) from error
    if not golds.get(qid):
        raise UsageError(
            f"{path}, line {number}: question {qid} is not in {dataset} (or fewer times), which config.json beside it "
            "names. Give data_path there the questions that were answered.",
            kind="other-dataset",
        )
    # A question that stands in the file twice was answered twice, in the same order.
    question = golds[qid].pop()
    return FinishedAnswer(question=question.question, accepted=question.answers, text=text, fit=fit)


def _broken(path: Path, number: int, error: Exception) -> UsageError:
    return UsageError(
        f"{path}, answer {number} cannot be read ({type(error).__name__}: {error}). Answer the questions again.",
        kind="broken-file",
    )
