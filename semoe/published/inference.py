"""Stage `inference`: answers the questions of a dataset and writes the published output files.

Files are written as the work goes, after each batch of questions; a run that was stopped goes on, and one with other
settings starts anew. Knows the published output layout; the engine knows nothing of it.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import Task
from semoe.errors import CorruptError
from semoe.evaluation.overflow import ALL_FITS, Overflow
from semoe.evaluation.scores import Scores
from semoe.evaluation.table import mean_scores
from semoe.files import read_json, write_json, write_text
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.model import Model
from semoe.prompts.template import load_template
from semoe.published.augmented_files import passages_of, questions_of, require_made_so
from semoe.published.settings import StageSettings
from semoe.retrieval.retriever import Retriever
from semoe.stages.answer import Answerer, distinct_keys
from semoe.stages.answer_record import SCORES, AnswerRecord, states_of
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.learnt import FILES_CURE, require_same_pairs
from semoe.store.kept_states import open_to_answer
from semoe.store.objects import open_objects
from semoe.store.opened import Experts
from semoe.store.state import StoreState
from semoe.telemetry.progress import progress
from semoe.words import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceReport:
    """What one data type's answers came to."""

    data_type: str
    scores: Scores
    num_questions: int
    num_experts: int
    """Experts used, repetitions counted."""
    overflow: Overflow
    """What the model's context had no room for."""
    states: tuple[StoreState, ...]
    """Of the experts' space that the answers read; several where an answering that was stopped went on later."""
    folder: Path
    records: list[AnswerRecord] = field(repr=False)


def inference(
    model: Model, settings: StageSettings, how: InferenceSettings, retriever: Retriever | None = None
) -> list[InferenceReport]:
    """Answers the questions of every data type; `retriever` is for methods that retrieve while they answer.

    Raises:
        UsageError: the augmentation, all experts or the state to read are missing, or an expert does not fit.
    """
    types = settings.types_in(settings.augmented_folder, "augment")
    recipe = replace(settings.recipe, imported=how.imported)
    if how.loads_experts:
        require_made_so(settings, types)
    store = None
    if how.loads_experts:
        store = open_to_answer(open_objects(settings.store_url), recipe.space(model).name, how.snapshot)
    answerer = Answerer.of(model, recipe, how, store, run="inference", retriever=retriever)
    if answerer.experts is not None and answerer.make_experts is None:
        answerer.experts.require_some()
    reports = [_answer_type(answerer, settings.of_type(data_type), data_type) for data_type in types]
    if said := answerer.told([record for report in reports for record in report.records]):
        log.warning("%s: %s", how.folder_name, said)
    return reports


def _answer_type(plain: Answerer, settings: StageSettings, data_type: str) -> InferenceReport:
    tasks = [Task(did=did, question=question) for did, question in enumerate(questions_of(settings, data_type))]
    how = plain.how
    experts = plain.experts
    folder = settings.offline_name(data_type).output(settings.root, how.folder_name)
    config = _config(settings, how, plain.space)
    records = _of_state(_resume(folder, config), plain) if how.snapshot else _resume(folder, config)
    _drop_of_others(records, tasks, plain)
    left = [task for task in tasks if task.did not in records]
    if experts is not None:
        passages = {key: p for task in tasks for key, p in zip(task.keys, task.question.passages, strict=True)}
        require_same_pairs(experts.store, plain.recipe, passages, lambda: passages_of(settings), cure=FILES_CURE)
        _warn_of_gaps(left, plain, experts)
    answerer = replace(plain, all_keys=distinct_keys(tasks))
    with progress(f"inference {how.folder_name} {data_type}", len(left), "questions") as advance:
        size = answerer.num_at_once
        for start in range(0, len(left), size):
            batch = left[start : start + size]
            answered = zip(batch, answerer.answer(batch), strict=True)
            records |= {task.did: replace(record, asked=task.digest) for task, record in answered}
            write_output(folder, config, records)
            advance(len(batch))
    chosen = [records[task.did] for task in tasks]
    _warn_of_states(states_of(chosen), folder)
    return InferenceReport(
        data_type=data_type,
        scores=mean_scores([record.scores for record in chosen]),
        num_questions=len(chosen),
        num_experts=sum(record.num_experts for record in chosen),
        overflow=Overflow.of(record.fit for record in chosen),
        states=states_of(chosen),
        folder=folder,
        records=chosen,
    )


def write_output(folder: Path, config: dict[str, Any], records: Mapping[int, AnswerRecord]) -> None:
    """Writes `config.json`, `predict.json` and `result.txt` in the published shape."""
    write_json(folder / "config.json", config)
    write_json(folder / "predict.json", [records[did].to_json() for did in sorted(records)])
    mean = mean_scores([record.scores for record in records.values()])
    lines = zip(SCORES, mean, strict=True)
    write_text(folder / "result.txt", "".join(f"{name}\t{round(value, 4)}\n" for name, value in lines))


def _warn_of_gaps(tasks: list[Task], answerer: Answerer, experts: Experts) -> None:
    """A passage with pairs and no expert means that `encode` did not see it, or did not finish."""
    missing = {
        key
        for task in tasks
        for key, passage in zip(task.keys, task.question.passages, strict=True)
        if passage.qa and key not in experts
    }
    if missing and answerer.make_experts is None:
        log.warning(
            "%s with pairs and without an expert in the store. Run `semoe encode` with the same settings.",
            counted(len(missing), "passage"),
        )


def _warn_of_states(states: tuple[StoreState, ...], folder: Path) -> None:
    if len(states) > 1:
        log.warning(
            "%s: the answers read several states of the space: %s. To have all of one, give it with --snapshot.",
            folder,
            ", ".join(f"{one.digest} ({counted(one.num_experts, 'expert')})" for one in states),
        )


def _config(settings: StageSettings, how: InferenceSettings, space: str) -> dict[str, Any]:
    """What decides an answer; a record made with other values is not reused."""
    answering = settings.preset.answering
    return {
        "model_name": settings.model_name,
        "dataset": settings.dataset,
        "data_type": settings.data_type,
        "with_cot": settings.with_cot,
        "augment_model": settings.augmented_by,
        "lora_rank": settings.preset.lora.rank,
        "lora_alpha": settings.preset.lora.alpha,
        "learning_rate": settings.preset.training.learning_rate,
        "num_train_epochs": settings.preset.training.num_epochs,
        "preset": settings.preset.name,
        "space": space,
        "inference_method": how.inference_method,
        "experts": how.experts,
        "template": answering.template,
        "template_digest": load_template(answering.template).digest(),
        "merge": how.merge or answering.merge,
        "extraction": how.extraction or answering.extraction,
        "max_new_tokens": how.max_new_tokens or answering.max_new_tokens,
        "quantization": how.quantization or answering.quantization,
    } | (asdict(how.switching) | {"index": how.index} if how.switching else {})


def _of_state(records: dict[int, AnswerRecord], answerer: Answerer) -> dict[int, AnswerRecord]:
    """Returns those records that read the state which an answerer reads."""
    digest = answerer.state.digest if answerer.state else ""
    return {did: record for did, record in records.items() if record.state and record.state.digest == digest}


def _drop_of_others(records: dict[int, AnswerRecord], tasks: list[Task], answerer: Answerer) -> None:
    """Drops answers to what is no longer asked, and those made before experts came that are there now."""
    known = [(task, records[task.did]) for task in tasks if task.did in records]
    others = {task.did for task, record in known if not _answers(record, task)}
    poorer = {task.did for task, record in known if task.did not in others and _lacked(record, task, answerer)}
    for did in others | poorer:
        del records[did]
    if others:
        log.warning(
            "%s with other words, answers or passages than when answered before: answered anew.",
            counted(len(others), "question"),
        )
    if poorer:
        log.warning("%s without experts that are there now: answered anew.", counted(len(poorer), "answer"))


def _answers(record: AnswerRecord, task: Task) -> bool:
    """Whether a record is an answer to this question; an earlier version kept no digest of it."""
    if record.asked:
        return record.asked == task.digest
    return (record.question, record.accepted) == (task.question.question, task.question.answers)


def _lacked(record: AnswerRecord, task: Task, answerer: Answerer) -> bool:
    """Whether experts of a question's own are in the store by now that its answer did not load."""
    experts = answerer.experts
    loads_all = answerer.how.switching is None and answerer.how.experts == "own" and record.fit == ALL_FITS
    return experts is not None and loads_all and record.num_experts < sum(key in experts for key in task.keys)


def _config_of(folder: Path) -> Any:
    """Reads what decided a folder's answers; without a setting, a version wrote it that did as its default does."""
    kept = read_json(folder / "config.json")
    if not isinstance(kept, dict):
        return kept
    return {"quantization": "none"} | (asdict(SwitchSettings()) if "method" in kept else {}) | kept


def _resume(folder: Path, config: dict[str, Any]) -> dict[int, AnswerRecord]:
    """Returns the records of an earlier run with the same settings, by position."""
    if not (folder / "predict.json").exists() or _config_of(folder) != config:
        # Other settings' answers go first: between the two files of a new run they would pass for its own.
        (folder / "predict.json").unlink(missing_ok=True)
        return {}
    try:
        found = [AnswerRecord.from_json(one) for one in read_json(folder / "predict.json")]
    except CorruptError as error:
        log.warning("%s: %s", folder / "predict.json", error)
        return {}
    return {record.did: record for record in found}
