"""The verbs that do a planned run: run, resume, cancel."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from semoe.cli import options as o
from semoe.cli.output import STOPPED, err, show
from semoe.cli.runs.doing_options import ClusterOptions, CostOptions, WorkerOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.report import show_report
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.runs.records import MAX_ATTEMPTS

if TYPE_CHECKING:
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.runs.folder import RunFolder

UNPRICED_PASSAGES = 100_000
"""Where no price was given, `run` asks before so many."""


@verb
def run_verb(
    run: Run,
    workers: WorkerOptions,
    on_cluster: ClusterOptions,
    costs: CostOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    backend: Annotated[
        Literal["local", "argo"],
        typer.Option("--backend", help="local: processes on this machine; argo: pods on a cluster."),
    ] = "local",
    parallelism: Annotated[
        int | None, typer.Option("--parallelism", min=1, help="Workers at once. Default: 1, or what the cluster says.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option("--max_attempts", min=1, help=f"Attempts at each shard. Default: {MAX_ATTEMPTS}.")
    ] = None,
) -> None:
    """Do a planned run; what is done already is not done again, so it is also how a stopped run goes on.

    Example: semoe run --run first --parallelism 2

    On a cluster (docs/kubernetes.md): semoe run --run first --backend argo --namespace semoe --store s3://bucket/semoe
    """
    from semoe.runs.plan import require_current
    from semoe.runs.reporting import make_report

    if backend == "local":
        on_cluster.require_none()
    else:
        workers.require_here()
    if on_cluster.detach and costs.max_cost is not None:
        raise UsageError("--max_cost needs somebody who watches: it does not go with --detach.", kind="options")
    folder = open_run(place, run)
    require_current(folder.plan())
    if not costs.yes:
        _ask(folder, costs.ask_above)
    within = costs.watch(folder)
    if backend == "local":
        _run_here(folder, workers, parallelism or 1, max_attempts or MAX_ATTEMPTS, within)
    elif not _run_there(_argo(folder, workers, on_cluster, parallelism, max_attempts), on_cluster, output, within):
        return
    show_report(make_report(folder), as_json=output.as_json)


@verb
def cancel(run: Run, place: o.PlaceOptions, output: o.OutputOptions, namespace: o.Namespace = "") -> None:
    """End a run on a cluster: its workers keep what they have and stop; `semoe resume` goes on.

    Example: semoe cancel --run first --namespace semoe
    """
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.cli.cluster.client import Cluster

    ending = ArgoBackend(folder=open_run(place, run), cluster=Cluster(namespace)).stop()
    if not ending:
        raise UsageError(f"No workflow of run {run} is at work.", kind="not-running")
    show({"ending": ", ".join(ending), "go on": f"semoe resume --run {run} --backend argo"}, as_json=output.as_json)


def _run_here(
    folder: "RunFolder", workers: WorkerOptions, parallelism: int, max_attempts: int, within: Callable[[], None]
) -> None:
    from semoe.runs.gpus import gpus_for
    from semoe.runs.local import LocalBackend
    from semoe.runs.status import status_of
    from semoe.runs.stopping import interrupted_by_sigterm

    if alive := sum(one.alive for one in status_of(folder)):
        err.print(
            f"A moment ago {alive} of this run's workers were at work. If another `semoe run` of it goes on, end one "
            "of the two: both would do the same shards.",
            soft_wrap=True,
        )
    gpus = gpus_for(workers.device) if parallelism > 1 else ()
    if len(gpus) > 1:
        err.print(f"{parallelism} workers share {len(gpus)} GPUs, {', '.join(gpus)}: one each, as far as they go.")
    elif parallelism > 1 and gpus:
        err.print(f"{parallelism} workers share one GPU: they may be in each other's way.")
    with interrupted_by_sigterm():
        LocalBackend(
            folder=folder,
            parallelism=parallelism,
            max_attempts=max_attempts,
            options=workers.arguments(),
            gpus=gpus,
            on_look=within,
        ).run()


def _argo(
    folder: "RunFolder",
    workers: WorkerOptions,
    on_cluster: ClusterOptions,
    parallelism: int | None,
    max_attempts: int | None,
) -> "ArgoBackend":
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.cli.cluster.client import Cluster
    from semoe.retrieval.retrievers import on_a_server, parts_of

    asked = {
        "commit_seconds": workers.commit_seconds,
        # Argo counts attempts after the first.
        "max_attempts": None if max_attempts is None else max_attempts - 1,
        "data_path": on_cluster.corpus or None,
    }
    planned = folder.plan()
    given = {"index_name": planned.index_name}
    # Who has a chart of before there was this parameter has no need of it.
    if on_a_server(planned.retriever) and parts_of(planned.retriever) != ["elasticsearch"]:
        given["retriever"] = planned.retriever
    given |= {name: str(value) for name, value in asked.items() if value is not None} | on_cluster.parameters()
    return ArgoBackend(folder=folder, cluster=Cluster(on_cluster.namespace), parallelism=parallelism, parameters=given)


def _run_there(
    argo: "ArgoBackend", on_cluster: ClusterOptions, output: o.OutputOptions, within: Callable[[], None]
) -> bool:
    """Submits and, unless detached, waits; tells whether the run is finished."""
    name = argo.submit()
    err.print(f"workflow {name} in namespace {argo.cluster.namespace}", soft_wrap=True)
    if on_cluster.detach:
        show({"workflow": name}, as_json=output.as_json)
        return False
    try:
        argo.follow(within)
    except KeyboardInterrupt:
        run = argo.folder.run
        follow = f"`semoe status --run {run} --watch`"
        end = f"`semoe cancel --run {run}`"
        err.print(f"The workflow goes on. Follow it with {follow}; end it with {end}.", soft_wrap=True)
        raise typer.Exit(STOPPED) from None
    return True


def _ask(folder: "RunFolder", limit: float) -> None:
    """Asks before a run that costs more than the limit, by its plan's own estimate."""
    from semoe.runs.manifest import provisional_manifest
    from semoe.runs.spending import find_estimate

    found = find_estimate(folder)
    money = found.money if found else None
    if found:
        count = found.num_passages
    else:  # made by nobody, or by an earlier version
        plan = folder.plan()
        count = 0 if plan.experts_of else (folder.manifest() or provisional_manifest(plan)).num_passages
    is_little = money[1] <= limit if money else count < UNPRICED_PASSAGES
    if is_little:
        return
    price = f"for up to {money[1]:,.2f}" if money else "at an unknown price"
    what = f"Train up to {count:,} experts {price}?"
    if not sys.stdin.isatty() or os.environ.get("CI"):
        raise UsageError(f"{what} Nobody can be asked here: say --yes, or raise --ask_above.", kind="not-asked")
    typer.confirm(what, abort=True, err=True)
