"""`semoe status` and `semoe logs`. All but the pods' own state is read from the store."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import dump, err, out, print_json, show_rows
from semoe.cli.runs.forecast import tell_forecast
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.stage_rows import SHOWN_FAILURES, stage_record, tell_aside, tell_failures
from semoe.cli.verbs import verb

if TYPE_CHECKING:
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.cli.cluster.workflow import WorkflowState
    from semoe.runs.folder import RunFolder

WATCH_SECONDS = 5.0


@verb
def status(
    run: Run,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Show it again every few seconds until it is done; JSON comes a line each time."),
    ] = False,
    namespace: o.Namespace = "",
) -> None:
    """Show how far a run is and what went wrong, whatever does the work; with --namespace also the workflow's state.

    Example: semoe status --run first --watch
    """
    from semoe.runs.spending import Spent, find_estimate
    from semoe.runs.status import COLUMNS, failures_of, stage_row, status_of

    folder = open_run(place, run)
    spent = Spent(folder)
    argo = _argo(folder, namespace)
    while True:
        found, costs = status_of(folder), spent.so_far()
        state = argo.latest() if argo else None
        if output.as_json and watch:
            out.print(dump([stage_record(one, costs) for one in found]), soft_wrap=True)
        else:
            rows = [stage_record(one, costs) if output.as_json else stage_row(one) for one in found]
            show_rows(f"Run {run}", COLUMNS, rows, as_json=output.as_json)
        if not output.as_json:
            tell_forecast(find_estimate(folder), costs, found)
        tell_failures(failures_of(folder))
        tell_aside(folder.aside())
        if state:
            _tell_workflow(state)
        is_over = all(one.finished == one.num_shards for one in found) or (state is not None and state.is_over)
        if is_over or not watch:
            return
        time.sleep(WATCH_SECONDS)


@verb
def logs(
    run: Run,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    stage: Annotated[str, typer.Option("--stage", help="Only this stage's.")] = "",
    shard: Annotated[int | None, typer.Option("--shard", help="Only this shard's.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only attempts that ended badly.")] = False,
    namespace: o.Namespace = "",
) -> None:
    """Print what the workers said, attempt by attempt; with --namespace also what pods say that are still there.

    Example: semoe logs --run first --stage encode --failed
    """
    folder = open_run(place, run)
    folder.plan()
    found = _all_logs(folder, stage, shard, failed, namespace)
    if output.as_json:
        print_json([{"name": name, "text": text} for name, text in found])
        return
    for name, text in found:
        _print_log(name, text)


def _all_logs(
    folder: "RunFolder", stage: str, shard: int | None, failed: bool, namespace: str
) -> Iterator[tuple[str, str]]:
    """Yields name and text of each log as it is read: those of the store first, then what pods still have."""
    for name in _log_names(folder, stage, shard, failed=failed):
        yield name, folder.read_text(f"logs/{name}")
    argo = _argo(folder, namespace)
    yield from _pod_logs(argo, stage, shard, failed) if argo else ()


def _argo(folder: "RunFolder", namespace: str) -> "ArgoBackend | None":
    """Opens the cluster, where a namespace is named."""
    if not namespace:
        return None
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.cli.cluster.client import Cluster

    return ArgoBackend(folder=folder, cluster=Cluster(namespace))


def _log_names(folder: "RunFolder", stage: str, shard: int | None, *, failed: bool) -> list[str]:
    """Returns the logs in the store; of those that ended badly, what a process said and what its worker logged."""
    wanted = "" if shard is None else f"/{shard:05}-"
    names = [n for n in folder.names("logs/") if n.startswith(stage) and wanted in f"/{n.rpartition('/')[2]}"]
    if not failed:
        return names
    ended_badly = {name.removesuffix(".json") for name in folder.names("failures/")}
    return [name for name in names if "-attempt-" in name or name.removesuffix(".log") in ended_badly]


def _pod_logs(argo: "ArgoBackend", stage: str, shard: int | None, failed: bool) -> list[tuple[str, str]]:
    from semoe.cli.cluster.workflow import workers_words

    state = argo.latest()
    if state is None:
        return []
    wanted = {
        node.id: f"{node.name}: {node.phase}"
        for node in state.nodes
        if node.template.startswith(stage)
        and (shard is None or shard in node.shards)
        and (not failed or node in state.failed)
    }
    pods = {pod.metadata.annotations.get("workflows.argoproj.io/node-id"): pod for pod in argo.cluster.pods(state.name)}
    return [
        (f"{what} (pod {pods[node].metadata.name})", workers_words(argo.cluster.pod_log(pods[node].metadata.name)))
        for node, what in wanted.items()
        if node in pods
    ]


def _print_log(name: str, text: str) -> None:
    out.print(f"== {name}", soft_wrap=True)
    out.print(text.rstrip(), soft_wrap=True)


def _tell_workflow(state: "WorkflowState") -> None:
    err.print(f"workflow {state.name}: {state.phase or 'not begun'} {state.message}".rstrip())
    if state.suspended:
        err.print(state.suspended, soft_wrap=True)
    for node in (*state.stuck, *state.failed)[:SHOWN_FAILURES]:
        err.print(str(node), soft_wrap=True)
