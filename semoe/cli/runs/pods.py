"""The verbs that pods call: worker does a shard, or one for each of its GPUs; shards says how many pods there are."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import among
from semoe.cli.output import err, out, print_json, show, show_all
from semoe.cli.runs.doing_options import WorkerOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.verbs import verb
from semoe.runs.shard_items import STAGES

if TYPE_CHECKING:
    from semoe.runs.folder import RunFolder
    from semoe.runs.records import ShardReport

Stage = Annotated[
    str, typer.Option("--stage", autocompletion=among(*STAGES), help=f"Stage of the run: {', '.join(STAGES)}.")
]


@verb
def worker(
    run: Run,
    stage: Stage,
    shard: Annotated[
        int, typer.Option("--shard", min=0, help="Which shard of the stage, from 0; with --gpus_per_pod which pod.")
    ],
    workers: WorkerOptions,
    metrics: o.MetricsOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    gpus_per_pod: Annotated[
        int,
        typer.Option(
            "--gpus_per_pod", min=0, help="More than 1: do as many shards at once, each in a process with its own GPU."
        ),
    ] = 1,
    counts_dir: Annotated[
        Path | None,
        typer.Option("--counts_dir", envvar="SEMOE_COUNTS_DIR", help="Leave each count of the report in a file here."),
    ] = None,
) -> None:
    """Do one shard of one stage of a run: what each pod calls. Exit codes: 0 done, 2 wrong settings, 75 try again.

    Example: semoe worker --run first --stage encode --shard 0 --store s3://bucket/experts
    """
    from semoe.runs.counts import sum_counts
    from semoe.runs.pod import shards_of

    folder = open_run(place, run)
    is_one = gpus_per_pod < 2
    mine = range(shard, shard + 1) if is_one else shards_of(folder, stage, shard, gpus_per_pod)
    known = {one: folder.find_report(stage, one) for one in mine}
    left = [one for one, report in known.items() if report is None]
    if left and is_one:
        known[shard] = _do_shard(folder, stage, shard, workers, metrics)
    elif left:
        _do_shards(folder, stage, left, gpus_per_pod, workers, metrics, as_json=output.as_json)
        known |= {one: folder.find_report(stage, one) for one in left}
    reports = [report for report in known.values() if report]
    if left and counts_dir:
        # Argo hears of nothing that a pod counts which ends badly: at its good end all of its shards are told.
        _leave_counts(sum_counts([report.counts for report in reports]), counts_dir)
    if is_one:
        show(asdict(reports[0]), as_json=output.as_json)
    else:
        # To a person, workers have told theirs.
        show_all([asdict(one) for one in reports if output.as_json or one.shard not in left], as_json=output.as_json)


@verb
def shards(
    run: Run,
    stage: Stage,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    gpus_per_pod: Annotated[
        int, typer.Option("--gpus_per_pod", min=0, help="As for worker: print how many pods have all shards.")
    ] = 1,
) -> None:
    """Print how many shards a stage has, or 0 once all are finished: how many pods a workflow starts.

    After retrieval it also cuts the passages that were found into shards.

    Example: semoe shards --run first --stage encode
    """
    from semoe.runs.manifest import items_of
    from semoe.runs.pod import num_pods

    folder = open_run(place, run)
    count = len(items_of(folder, stage))
    left = 0 if len(folder.finished(stage)) == count else num_pods(count, gpus_per_pod)
    print_json({"shards": left}) if output.as_json else out.print(left)


def _do_shard(
    folder: "RunFolder", stage: str, shard: int, workers: WorkerOptions, metrics: o.MetricsOptions
) -> "ShardReport":
    """Does a shard in this process."""
    from semoe.runs.shard import do_shard
    from semoe.telemetry.server import serving

    with serving(metrics.metrics_port, last_scrape_seconds=metrics.last_scrape_seconds):
        return do_shard(
            folder,
            stage,
            shard,
            commit_seconds=workers.commit_seconds_or_default,
            device=workers.device,
            augment_processes=workers.augment_processes,
        )


def _do_shards(
    folder: "RunFolder",
    stage: str,
    shards: Sequence[int],
    gpus_per_pod: int,
    workers: WorkerOptions,
    metrics: o.MetricsOptions,
    *,
    as_json: bool,
) -> None:
    """Does shards in processes, whose metrics this one serves as if they were its own."""
    from prometheus_client import REGISTRY

    from semoe.runs.gpus import gpus_for
    from semoe.runs.pod import Pod
    from semoe.telemetry.server import serving
    from semoe.telemetry.summed import FOLDER, forget_gauges, summed

    gpus = gpus_for(workers.device)
    if 0 < len(gpus) < gpus_per_pod:
        err.print(f"{gpus_per_pod} GPUs were asked for, {len(gpus)} are here: workers share them.", soft_wrap=True)
    to = err if as_json else out
    with TemporaryDirectory(prefix="semoe-metrics-") as place:
        counted = Path(place)
        pod = Pod(
            folder=folder,
            stage=stage,
            gpus_per_pod=gpus_per_pod,
            gpus=gpus,
            options=workers.arguments(),
            variables={FOLDER: place},
            tell=lambda line: to.print(line, soft_wrap=True),
            on_failure=lambda pid: forget_gauges(pid, counted),
        )
        served = summed(REGISTRY, counted)
        with serving(metrics.metrics_port, last_scrape_seconds=metrics.last_scrape_seconds, registry=served):
            pod.run(shards)


def _leave_counts(counts: Mapping[str, float], folder: Path) -> None:
    """Leaves each count in a file of its own, from where Argo takes it into its metrics."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, count in counts.items():
            (folder / name).write_text(f"{count:g}" if count % 1 else f"{count:.0f}")
    except OSError as error:
        # The shard is done: it must not fail for a figure.
        err.print(f"semoe: the counts could not be left in {folder}: {error}", soft_wrap=True)
