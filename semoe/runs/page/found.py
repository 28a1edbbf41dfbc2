"""All that a run's page shows, as it lies in the store, whatever does the work."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from semoe.runs.cost import Cost, cost_of
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan
from semoe.runs.records import Failure, SetAside, ShardReport
from semoe.runs.report import RunReport
from semoe.runs.reporting import make_report, records_of
from semoe.runs.shard_items import STAGES
from semoe.runs.spending import THREADS
from semoe.runs.status import StageStatus, failures_of, status_of
from semoe.stages.answer_record import AnswerRecord

Answers = Mapping[str, Sequence[AnswerRecord]]
"""By way to answer, in order of the questions: those that every way has answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRun:
    """A run as it is."""

    run: str
    store: str
    plan: Plan
    stages: Sequence[StageStatus]
    report: RunReport | None
    """None: it is not finished."""
    shards: Sequence[ShardReport]
    """Of the finished ones, stage by stage."""
    cost: Cost
    failures: Sequence[Failure]
    """Of shards that are not finished, final ones first, then the oldest."""
    num_failed_attempts: int
    """Of all shards, also those that another attempt has finished since."""
    aside: Sequence[SetAside]
    answers: Answers

    def of_stage(self, stage: str) -> list[ShardReport]:
        """Returns the reports of a stage's finished shards."""
        return [one for one in self.shards if one.stage == stage]

    def of_set(self, number: int) -> Answers:
        """Returns the answers to one set of questions."""
        return {
            method: [one for one in records if one.set_number == number] for method, records in self.answers.items()
        }


def find_run(folder: RunFolder) -> FoundRun:
    """Reads a run; makes the report of a finished one, as `report` does.

    Raises:
        UsageError: there is no such run.
        TransientError: the store does not answer.
    """
    plan, stages = folder.plan(), status_of(folder)
    is_finished = all(one.finished == one.num_shards for one in stages)
    return FoundRun(
        run=folder.run,
        store=folder.objects.url,
        plan=plan,
        stages=stages,
        report=make_report(folder) if is_finished else None,
        shards=_reports(folder),
        cost=cost_of(folder),
        failures=failures_of(folder),
        num_failed_attempts=len(folder.names("failures/")),
        aside=folder.aside(),
        answers=_in_common({method: records_of(folder, method) for method in plan.methods}),
    )


def _reports(folder: RunFolder) -> list[ShardReport]:
    names = [(stage, shard) for stage in STAGES for shard in folder.finished(stage)]
    with ThreadPoolExecutor(THREADS) as pool:
        return [one for one in pool.map(lambda name: folder.find_report(*name), names) if one]


def _in_common(answers: Answers) -> Answers:
    """Leaves what only some ways have answered so far: means over other questions are not to be compared."""
    asked = [{(one.set_number, one.did) for one in records} for records in answers.values()]
    common = set.intersection(*asked) if asked else set()
    return {
        method: [one for one in records if (one.set_number, one.did) in common] for method, records in answers.items()
    }
