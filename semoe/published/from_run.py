"""Writes what a run left in the store in the published layout: `data_aug/`, `offline/` and `output/`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, Task
from semoe.datasets.keys import passage_key
from semoe.published.augmented_place import write_alone
from semoe.published.export_tree import export_tree
from semoe.published.inference import write_output
from semoe.published.settings import StageSettings
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan
from semoe.runs.reporting import augmented_passages, finished_reports, records_of
from semoe.stages.augment import augmented_but_failing, augmenter_for
from semoe.store.expert_store import ExpertStore


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportReport:
    """What was written."""

    num_questions: int
    num_experts: int
    """Distinct ones."""
    num_folders: int
    """Of `offline/`: an expert has one for each question that found its passage."""
    num_idle: int
    """Folders there of passages without an expert: they hold an adapter that changes nothing."""
    to: Path


def export_run(folder: RunFolder, to: Path) -> ExportReport:
    """Exports a finished run; folders that are there already stay.

    Raises:
        UsageError: a shard is not finished, or `to` cannot be written.
    """
    plan = folder.plan()
    finished_reports(folder)
    names = defaultdict[str, list[Path]](list)
    tasks = [task for shard in range(len(plan.question_shards)) for task in folder.retrieved(shard)]
    augmented = _augmented(folder, plan, tasks)
    for number, one in enumerate(plan.sets):
        settings = _settings(plan, number, to)
        own = [task for task in tasks if task.set_number == number]
        written = [_with_pairs(task, augmented) for task in own]
        write_alone(settings.augmented_folder / f"{one.data_type}.json", written, settings.augmented_folder.name)
        for task in own:
            for key, passage in zip(task.keys, task.question.passages, strict=True):
                names[key].append(settings.offline_name(one.data_type).passage(to, task.did, passage.pid))
        _write_answers(folder, plan, number, settings)
    store = ExpertStore(folder.objects, plan.space)
    exported = export_tree(store, names)
    return ExportReport(
        num_questions=len(tasks),
        num_experts=exported.num_experts,
        num_folders=exported.num_folders,
        num_idle=exported.num_idle_folders,
        to=to,
    )


def _augmented(folder: RunFolder, plan: Plan, tasks: Sequence[Task]) -> dict[str, AugmentedPassage]:
    """Returns the passages of all questions with rewrite and pairs, by key.

    A run over a corpus keeps no pairs that rules make: made again, they come out the same.
    """
    found = augmented_passages(RunFolder(folder.objects, plan.experts_of) if plan.experts_of else folder)
    lacking = {
        key: passage
        for task in tasks
        for key, passage in zip(task.keys, task.question.passages, strict=True)
        if key not in found
    }
    if lacking and plan.augmented_by == "parse":
        made = augmented_but_failing(augmenter_for(plan.augmented_by, plan.preset), list(lacking.values()))
        found |= {passage_key(one.title, one.passage): one for one in made.passages}
    return found


def _settings(plan: Plan, number: int, root: Path) -> StageSettings:
    one = plan.sets[number]
    return StageSettings(
        root=root, model_name=plan.model_name, dataset=one.dataset, preset=plan.preset, data_type=one.data_type,
        with_cot=plan.with_cot, augment_model=plan.augmented_by,
    )  # fmt: skip


def _with_pairs(task: Task, augmented: dict[str, AugmentedPassage]) -> AugmentedQuestion:
    passages = tuple(
        replace(passage, rewrite=augmented[key].rewrite, qa=augmented[key].qa) if key in augmented else passage
        for key, passage in zip(task.keys, task.question.passages, strict=True)
    )
    return replace(task.question, passages=passages)


def _write_answers(folder: RunFolder, plan: Plan, number: int, settings: StageSettings) -> None:
    name = settings.offline_name(plan.sets[number].data_type)
    for method in plan.methods:
        records = {one.did: one for one in records_of(folder, method) if one.set_number == number}
        config: dict[str, Any] = {
            "run": plan.run, "model_name": plan.model_name, "dataset": settings.dataset,
            "data_type": settings.data_type, "with_cot": plan.with_cot, "augment_model": plan.augmented_by,
            "inference_method": method, "preset": asdict(plan.preset),
        }  # fmt: skip
        write_output(name.output(settings.root, method), config, records)
