"""What a reproduction came to: each cell with its interval, differences between ways to answer, what it took.

Read from a finished run in the store; knows no page and no command line. `reproduction_of` is called by the verb.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from semoe.datasets.augmented import Task
from semoe.evaluation.bootstrap import DRAWS, Interval
from semoe.evaluation.overflow import Overflow
from semoe.reproduction.config import Config, Experiment, PublishedFigure
from semoe.reproduction.made import Made, how_made
from semoe.runs.comparison import differences, intervals_of, label, pairs_of
from semoe.runs.cost import Cost, cost_of
from semoe.runs.counts import RunCounts
from semoe.runs.folder import RunFolder
from semoe.runs.report import ExpertCount, RunReport
from semoe.runs.reporting import records_of
from semoe.stages.answer_record import AnswerRecord
from semoe.store.state import StoreState

TOTAL = "total"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One way to answer, over all questions of a dataset or those of a type."""

    dataset: str
    type: str
    method: str
    num_questions: int
    scores: Mapping[str, Interval]
    """By metric, between 0 and 1, with their 95 % intervals."""
    num_experts: int
    """Loaded, repetitions counted."""
    published: tuple[PublishedFigure, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Of one way to answer and another, over the same questions."""

    dataset: str
    type: str
    method: str
    against: str
    num_questions: int
    says: str
    scores: Mapping[str, Interval]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """`report.json`."""

    config: str
    experiment: Experiment
    changed: tuple[str, ...]
    """What was not done as the config says: a sentence each."""
    cells: tuple[Cell, ...]
    differences: tuple[Difference, ...]
    seconds: Mapping[str, float]
    """Of answering, by method, added up over shards: of the attempt that finished each."""
    experts: ExpertCount
    aside: int
    """Passages that could not be augmented or trained."""
    overflow: Mapping[str, Overflow]
    """By method: what the model's context had no room for."""
    states: tuple[StoreState, ...]
    """Of the experts' space that the answers read."""
    cost: Cost
    made: Made
    draws: int = DRAWS
    """Of the bootstrap over questions, whose seed is 0."""


def reproduction_of(
    folder: RunFolder, report: RunReport, config: Config, *, changed: Sequence[str], command: str
) -> Reproduction:
    """Gathers what a finished run came to.

    Args:
        folder: the run.
        report: what it came to.
        config: what it was to do.
        changed: what was not done as the config says.
        command: that did it.
    """
    plan = folder.plan()
    groups = _groups(folder, plan.methods)
    counts = RunCounts.of(report.counts)
    return Reproduction(
        config=config.name,
        experiment=config.experiment,
        changed=tuple(changed),
        cells=tuple(
            cell_of(dataset, kind, method, records, config.published)
            for (dataset, kind), by_method in groups.items()
            for method, records in by_method.items()
        ),
        differences=tuple(
            one for (dataset, kind), by_method in groups.items() for one in differences_of(dataset, kind, by_method)
        ),
        seconds={method: counts.inference.seconds[method] for method in plan.methods},
        experts=report.experts,
        aside=len(report.aside),
        overflow={one.method: one.overflow for one in report.overall},
        states=report.states,
        cost=cost_of(folder),
        made=how_made(folder, command),
    )


def differences_of(dataset: str, kind: str, by_method: Mapping[str, Sequence[AnswerRecord]]) -> Iterator[Difference]:
    """Yields the differences between ways to answer that are both there; records are in order of the questions."""
    for method, against, says in pairs_of(by_method):
        yield Difference(
            dataset=dataset,
            type=kind,
            method=method,
            against=against,
            num_questions=len(by_method[method]),
            says=says,
            scores=differences(by_method[method], by_method[against]),
        )


def _groups(folder: RunFolder, methods: Sequence[str]) -> dict[tuple[str, str], dict[str, list[AnswerRecord]]]:
    """Returns the answers by dataset and type, then by method: all questions first, then those of each type."""
    plan = folder.plan()
    types = {
        (task.set_number, task.did): task.question.type or "" for task in _tasks(folder, len(plan.question_shards))
    }
    found: dict[tuple[str, str], dict[str, list[AnswerRecord]]] = {}
    records = {method: records_of(folder, method) for method in methods}
    for number, one in enumerate(plan.sets):
        kinds = sorted({kind for (owner, _), kind in types.items() if owner == number and kind})
        for kind in (TOTAL, *(kinds if len(kinds) > 1 else ())):
            found[one.dataset, kind] = {
                method: [
                    record
                    for record in own
                    if record.set_number == number and kind in (TOTAL, types[number, record.did])
                ]
                for method, own in records.items()
            }
    return found


def _tasks(folder: RunFolder, num_shards: int) -> Iterator[Task]:
    return (task for shard in range(num_shards) for task in folder.questions(shard))


def cell_of(
    dataset: str, kind: str, method: str, records: Sequence[AnswerRecord], published: Sequence[PublishedFigure]
) -> Cell:
    """Returns what the records of one way to answer come to, with the published figures that are of it."""
    return Cell(
        dataset=dataset,
        type=kind,
        method=method,
        num_questions=len(records),
        scores=intervals_of(records),
        num_experts=sum(record.num_experts for record in records),
        published=tuple(one for one in published if (one.method, one.type) == (label(method), kind)),
    )
