"""The verbs that do a planned run: run, resume, cancel."""

from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import show
from semoe.cli.runs.doing import Doing
from semoe.cli.runs.doing_options import BackendName, ClusterOptions, CostOptions, MaxAttempts, WorkerOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.report import show_report
from semoe.cli.verbs import verb
from semoe.errors import UsageError


@verb
def run_verb(
    run: Run,
    workers: WorkerOptions,
    on_cluster: ClusterOptions,
    costs: CostOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    backend: BackendName = "local",
    parallelism: Annotated[
        int | None, typer.Option("--parallelism", min=1, help="Workers at once. Default: 1, or what the cluster says.")
    ] = None,
    max_attempts: MaxAttempts = None,
) -> None:
    """Do a planned run; what is done already is not done again, so it is also how a stopped run goes on.

    Example: semoe run --run first --parallelism 2

    On a cluster (docs/kubernetes.md): semoe run --run first --backend argo --namespace semoe --store s3://bucket/semoe
    """
    from semoe.runs.reporting import make_report

    doing = Doing(
        workers=workers,
        on_cluster=on_cluster,
        costs=costs,
        output=output,
        backend=backend,
        parallelism=parallelism,
        max_attempts=max_attempts,
    )
    doing.require_sense()
    folder = open_run(place, run)
    if doing.do(folder):
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
