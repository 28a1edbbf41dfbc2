"""The verbs that tell of a run: status, logs, report, export. All but the pods' own state is read from the store."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.cluster.argo import ArgoBackend
from semoe.cli.cluster.client import Cluster
from semoe.cli.cluster.workflow import WorkflowState
from semoe.cli.output import err, is_json, out, show, show_rows, table
from semoe.cli.runs.opening import Run, open_run
from semoe.errors import UsageError
from semoe.evaluation import ReportRow, comparison_table
from semoe.published.from_run import export_run
from semoe.runs import Failure, RunFolder
from semoe.runs.outcome import failures_of, make_outcome
from semoe.runs.report import MethodReport, RunReport, make_report
from semoe.runs.status import StageStatus, status_of

_COLUMNS = ("stage", "shards", "finished", "alive", "silent", "items", "items/s", "min left")
_WATCH_SECONDS, _SHOWN_FAILURES = 5.0, 5


def status(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every few seconds until it is done.")] = False,
    namespace: o.Namespace = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Show how far a run is and what went wrong, whatever does the work; with --namespace also the workflow's state.

    Example: semoe status --run first --watch
    """
    folder = open_run(store, root_dir, run)
    argo = ArgoBackend(folder=folder, cluster=Cluster(namespace)) if namespace else None
    while True:
        found, state = status_of(folder), argo.latest() if argo else None
        rows = [asdict(one) if is_json(format) else _row(one) for one in found]
        show_rows(f"Run {run}", _COLUMNS, rows, form=format)
        _tell_failures(failures_of(folder))
        if state:
            _tell_workflow(state)
        if not watch or all(one.finished == one.num_shards for one in found) or (state and state.is_over):
            return
        time.sleep(_WATCH_SECONDS)


def logs(
    run: Run,
    stage: Annotated[str, typer.Option("--stage", help="Only this stage's.")] = "",
    shard: Annotated[int | None, typer.Option("--shard", help="Only this shard's.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only attempts that ended badly.")] = False,
    namespace: o.Namespace = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
) -> None:
    """Print what the workers said, attempt by attempt; with --namespace also what pods say that are still there.

    Example: semoe logs --run first --stage encode --failed
    """
    folder = open_run(store, root_dir, run)
    folder.plan()
    for name in _log_names(folder, stage, shard, failed=failed):
        _print_log(name, folder.read_text(f"logs/{name}"))
    if namespace:
        for name, said in _pod_logs(ArgoBackend(folder=folder, cluster=Cluster(namespace)), stage, shard, failed):
            _print_log(name, said)


def report(
    run: Run,
    partial: Annotated[
        bool, typer.Option("--partial", help="Of an unfinished run too: how far it is and what failed (outcome.json).")
    ] = False,
    said: Annotated[str, typer.Option("--said", help="With --partial: what ended the run, to be kept.")] = "",
    wait_seconds: Annotated[
        float,
        typer.Option("--wait_seconds", min=0, help="With --partial: for living workers, at most so long."),
    ] = 0.0,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Show what a finished run came to: experts, scores with intervals, counts.

    Example: semoe report --run first
    """
    folder = open_run(store, root_dir, run)
    if not partial:
        if said or wait_seconds:
            raise UsageError("--said and --wait_seconds are for --partial.", kind="options")
        show_report(make_report(folder), as_json=json)
        return
    outcome, whole = make_outcome(folder, said, wait_seconds)
    if whole:
        show_report(whole, as_json=json)
    elif json:
        show(asdict(outcome), as_json=True)
    else:
        show_rows(f"Run {run}, not finished", _COLUMNS, [_row(one) for one in outcome.stages])
        _tell_failures(outcome.failures)


def export(
    run: Run,
    to: Annotated[Path, typer.Option("--to", help="Folder for data_aug, offline and output.")],
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Write a finished run in the published layout: data_aug, one PEFT folder for each question's passage, answers.

    Example: semoe export --run first --to published
    """
    show(asdict(export_run(open_run(store, root_dir, run), to)), as_json=json)


def show_report(found: RunReport, *, as_json: bool = False) -> None:
    """Prints a run's report."""
    if as_json:
        show(asdict(found), as_json=True)
        return
    seconds = found.counts["inference"]
    rows = [
        ReportRow(
            method=one.method,
            scores=one.scores,
            n=one.num_questions,
            seconds=seconds[f"seconds_{one.method}"],
            num_experts=one.num_experts,
        )
        for one in found.overall
    ]
    out.print(comparison_table(rows, "All questions; …_random is the control: other passages' experts"))
    names = list(dict.fromkeys(f"{one.dataset}, {one.data_type}" for one in found.methods))
    f1 = {(f"{m.dataset}, {m.data_type}", m.method): m for m in found.methods}
    cells = [[row.method, *(_percent(f1[name, row.method]) for name in names)] for row in rows]
    table("F1 in percent, 95 % interval over questions", ("method", *names), cells)
    experts = found.experts
    once = "each once" if experts.committed == experts.committed_distinct else "SOME MORE THAN ONCE"
    out.print(
        f"{experts.planned} distinct passages: {experts.in_store} experts in the store, "
        f"{experts.without_pairs} passages gave nothing to learn. This run published {experts.committed}, {once}.",
        soft_wrap=True,
    )


def _percent(one: MethodReport) -> str:
    return f"{100 * one.scores.f1:.1f} [{100 * one.f1_low:.1f}, {100 * one.f1_high:.1f}]"


def _row(one: StageStatus) -> dict[str, object]:
    left = one.seconds_left
    values = (
        one.stage,
        "?" if one.num_shards is None else one.num_shards,
        one.finished,
        one.alive,
        one.silent,
        f"{one.done:.0f} of {one.total}" if one.total else "",
        f"{one.items_per_second:.2f}" if one.alive else "",
        "" if left is None else f"{left / 60:.1f}",
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _log_names(folder: RunFolder, stage: str, shard: int | None, *, failed: bool) -> list[str]:
    """Returns the logs in the store; of those that ended badly, what a process said and what its worker logged."""
    wanted = "" if shard is None else f"/{shard:05}-"
    names = [n for n in folder.names("logs/") if n.startswith(stage) and wanted in f"/{n.rpartition('/')[2]}"]
    if not failed:
        return names
    ended_badly = {name.removesuffix(".json") for name in folder.names("failures/")}
    return [name for name in names if "-attempt-" in name or name.removesuffix(".log") in ended_badly]


def _pod_logs(argo: ArgoBackend, stage: str, shard: int | None, failed: bool) -> list[tuple[str, str]]:
    state = argo.latest()
    if state is None:
        return []
    wanted = {
        node.id: f"{node.template} {node.shard}: {node.phase}"
        for node in state.nodes
        if node.template.startswith(stage)
        and (shard is None or node.shard == str(shard))
        and (not failed or node in state.failed)
    }
    pods = {pod.metadata.annotations.get("workflows.argoproj.io/node-id"): pod for pod in argo.cluster.pods(state.name)}
    return [
        (f"{what} (pod {pods[node].metadata.name})", argo.cluster.pod_log(pods[node].metadata.name))
        for node, what in wanted.items()
        if node in pods
    ]


def _print_log(name: str, text: str) -> None:
    out.print(f"== {name}", soft_wrap=True)
    out.print(text.rstrip(), soft_wrap=True)


def _tell_failures(found: Sequence[Failure]) -> None:
    for one in found[:_SHOWN_FAILURES]:
        how = "for good" if one.is_final else "to be tried again"
        said = f"{one.stage} shard {one.shard} failed {how} ({one.kind}): {one.message}"
        err.print(said, soft_wrap=True)
    if len(found) > _SHOWN_FAILURES:
        err.print(f"… and {len(found) - _SHOWN_FAILURES} more: semoe logs --failed", soft_wrap=True)


def _tell_workflow(state: WorkflowState) -> None:
    err.print(f"workflow {state.name}: {state.phase or 'not begun'} {state.message}".rstrip())
    if state.suspended:
        err.print(state.suspended, soft_wrap=True)
    for node in (*state.stuck, *state.failed)[:_SHOWN_FAILURES]:
        err.print(str(node), soft_wrap=True)
