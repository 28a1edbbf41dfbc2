"""The verbs that do a planned run: run, resume, cancel, and what each pod calls: worker, shards."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import among
from semoe.cli.output import err, out, print_json, show
from semoe.cli.runs.doing import Doing
from semoe.cli.runs.doing_options import BackendName, ClusterOptions, CostOptions, MaxAttempts, WorkerOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.report import show_report
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.runs.shard_items import STAGES

Stage = Annotated[
    str, typer.Option("--stage", autocompletion=among(*STAGES), help=f"Stage of the run: {', '.join(STAGES)}.")
]


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
def worker(
    run: Run,
    stage: Stage,
    shard: Annotated[int, typer.Option("--shard", min=0, help="Which shard of the stage, from 0.")],
    workers: WorkerOptions,
    metrics: o.MetricsOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    counts_dir: Annotated[
        Path | None,
        typer.Option("--counts_dir", envvar="SEMOE_COUNTS_DIR", help="Leave each count of the report in a file here."),
    ] = None,
) -> None:
    """Do one shard of one stage of a run: what each pod calls. Exit codes: 0 done, 2 wrong settings, 75 try again.

    Example: semoe worker --run first --stage encode --shard 0 --store s3://bucket/experts
    """
    from semoe.telemetry.server import serving

    folder = open_run(place, run)
    done = folder.find_report(stage, shard)
    if done is None:
        from semoe.runs.shard import do_shard

        with serving(metrics.metrics_port, last_scrape_seconds=metrics.last_scrape_seconds):
            done = do_shard(
                folder,
                stage,
                shard,
                commit_seconds=workers.commit_seconds_or_default,
                device=workers.device,
                augment_processes=workers.augment_processes,
            )
        if counts_dir:
            _leave_counts(done.counts, counts_dir)
    show(asdict(done), as_json=output.as_json)


@verb
def shards(run: Run, stage: Stage, place: o.PlaceOptions, output: o.OutputOptions) -> None:
    """Print how many shards a stage has, or 0 once all are finished: how many pods a workflow starts.

    After retrieval it also cuts the passages that were found into shards.

    Example: semoe shards --run first --stage encode
    """
    from semoe.runs.manifest import items_of

    folder = open_run(place, run)
    count = len(items_of(folder, stage))
    left = 0 if len(folder.finished(stage)) == count else count
    print_json({"shards": left}) if output.as_json else out.print(left)


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


def _leave_counts(counts: Mapping[str, float], folder: Path) -> None:
    """Leaves each count in a file of its own, from where Argo takes it into its metrics."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, count in counts.items():
            (folder / name).write_text(f"{count:g}" if count % 1 else f"{count:.0f}")
    except OSError as error:
        # The shard is done: it must not fail for a figure.
        err.print(f"semoe: the counts could not be left in {folder}: {error}", soft_wrap=True)
