"""Makes a finished run's report of what its workers left in the store: `report.json` and `metrics.json`."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.evaluation.bootstrap import interval
from semoe.evaluation.overflow import Overflow
from semoe.evaluation.table import mean_scores
from semoe.runs.counts import RunCounts, sum_counts
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, Plan
from semoe.runs.records import ShardReport
from semoe.runs.report import ExpertCount, MethodReport, RunReport, find_report
from semoe.runs.shard_items import STAGES, shard_items
from semoe.runs.totals import run_totals
from semoe.stages.answer_record import AnswerRecord, states_of
from semoe.store.commit import read_commit
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import keep
from semoe.store.object_names import is_commit
from semoe.store.objects import MissingObjectError
from semoe.store.state import KeptState
from semoe.words import counted


def make_report(folder: RunFolder) -> RunReport:
    """Gathers and writes the report of a finished run, once: its commits may later be folded into a snapshot.

    Raises:
        UsageError: a shard is not finished.
    """
    there = find_report(folder)
    if there is not None:
        return there
    plan = folder.plan()
    reports = finished_reports(folder)
    counts = {stage: sum_counts([one.counts for one in found]) for stage, found in reports.items()}
    report_counts = RunCounts.of(counts)
    space = reports["encode"][0].space if reports["encode"] else plan.space
    records = {method: records_of(folder, method) for method in plan.methods}
    report = RunReport(
        run=folder.run,
        time=time.time(),
        experts=count_experts(folder, space),
        overall=tuple(_method_report("", "", method, records[method]) for method in plan.methods),
        methods=tuple(
            _method_report(one.dataset, one.data_type, method, [r for r in records[method] if r.set_number == number])
            for number, one in enumerate(plan.sets)
            for method in plan.methods
        ),
        aside=tuple(folder.aside()),
        states=states_of(record for found in records.values() for record in found),
        counts=counts,
    )
    folder.write("report.json", report, RunReport)
    if answered := folder.find("state.json", KeptState):
        keep(folder.objects, answered)  # pods that answer may not be allowed to write it into the space
    totals = run_totals(report_counts, num_published=report.experts.committed)
    folder.write("metrics.json", totals, dict[str, float])
    return report


def finished_reports(folder: RunFolder) -> dict[str, list[ShardReport]]:
    """Returns the reports of every shard, by stage.

    Raises:
        UsageError: a shard is not finished.
    """
    plan = folder.plan()
    manifest = folder.manifest()
    return {stage: _finished(folder, plan, manifest, stage) for stage in STAGES}


def count_experts(folder: RunFolder, space: str) -> ExpertCount:
    """Counts a run's experts by what is committed, not by what workers say."""
    store = ExpertStore(folder.objects, space)
    prefix = f"{store.names.commits}{folder.run}/"
    own = list[str]()
    for found in folder.objects.list(prefix):
        # As the ledger reads them: others' files are passed over, and what is listed and no longer there.
        if is_commit(found.name):
            with suppress(MissingObjectError):
                for segment in read_commit(folder.objects.get(found.name), found.name).segments:
                    own += [entry.key for entry in store.ledger.index(segment)]
    keys = folder.keys()
    return ExpertCount(
        space=space,
        planned=len(keys),
        in_store=sum(key in store for key in keys),
        without_pairs=sum(key in store.barren and key not in store for key in keys),
        committed=len(own),
        committed_distinct=len(set(own)),
    )


def records_of(folder: RunFolder, method: str) -> list[AnswerRecord]:
    """Returns the records of a method's answers, in order of the questions."""
    return [AnswerRecord.from_json(one) for one in folder.read_all(f"answers/{method}/", list[dict[str, Any]])]


def augmented_passages(folder: RunFolder) -> dict[str, AugmentedPassage]:
    """Returns the passages of a run with rewrite and pairs, by key."""
    found = folder.read_all("augmented/", list[AugmentedPassage])
    return {passage_key(one.title, one.passage): one for one in found}


def _finished(folder: RunFolder, plan: Plan, manifest: Manifest | None, stage: str) -> list[ShardReport]:
    count = len(shard_items(stage, plan, manifest))
    there = folder.finished(stage)
    if len(there) < count:
        raise UsageError(
            f"Run {folder.run} is not finished: {stage} has {len(there)} of {counted(count, 'shard')}. "
            f"Go on with `semoe resume --run {folder.run}`, on a cluster with --backend argo.",
            kind="unfinished",
        )
    return [report for shard in there if (report := folder.find_report(stage, shard))]


def _method_report(dataset: str, data_type: str, method: str, records: Sequence[AnswerRecord]) -> MethodReport:
    scores = [record.scores for record in records]
    f1 = interval([score.f1 for score in scores])
    return MethodReport(
        dataset=dataset,
        data_type=data_type,
        method=method,
        num_questions=len(records),
        scores=mean_scores(scores),
        f1_low=f1.low,
        f1_high=f1.high,
        num_experts=sum(record.num_experts for record in records),
        overflow=Overflow.of(record.fit for record in records),
    )
