"""The verbs that do a planned run: run, resume, cancel, and what each pod calls: worker, shards."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.cluster.argo import ArgoBackend
from semoe.cli.cluster.client import Cluster
from semoe.cli.output import STOPPED, err, out, show
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.watch import show_report
from semoe.errors import UsageError, unknown_name
from semoe.runs import STAGES, RunFolder
from semoe.runs.estimate import Estimate
from semoe.runs.local import MAX_ATTEMPTS, LocalBackend
from semoe.runs.plan import require_current
from semoe.runs.planning import items_of
from semoe.runs.report import make_report
from semoe.runs.shard import run_shard
from semoe.store.producer import COMMIT_SECONDS
from semoe.telemetry import serving

BACKENDS = ("local", "argo")
UNPRICED_PASSAGES = 100_000
"""Where no price was given, `run` asks before so many."""
CommitSeconds = Annotated[
    float | None,
    typer.Option(
        "--commit_seconds",
        min=0.0,
        help="Publish at least so often; a worker that is killed loses no more. 0: each expert at once. "
        f"Default: {COMMIT_SECONDS:.0f}.",
    ),
]
Stage = Annotated[str, typer.Option("--stage", help=", ".join(STAGES))]


def run(
    run: Run,
    backend: Annotated[
        str, typer.Option("--backend", help="local: processes on this machine; argo: pods on a cluster.")
    ] = "local",
    parallelism: Annotated[
        int | None, typer.Option("--parallelism", min=1, help="Workers at once; default: 1, or what the cluster says.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option("--max_attempts", min=1, help=f"Of each shard; default: {MAX_ATTEMPTS}.")
    ] = None,
    commit_seconds: CommitSeconds = None,
    device: o.Device = "auto",
    namespace: o.Namespace = "",
    corpus: Annotated[
        str, typer.Option("--corpus", help="argo: passages to load into Elasticsearch first, s3://bucket/name.")
    ] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="argo: name=value of the workflow, e.g. gpus=2.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="argo: do not wait for the end.")] = False,
    ask_above: Annotated[
        float, typer.Option("--ask_above", help="Ask first where the plan reckons with more money than this.")
    ] = 10.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Do a planned run; what is done already is not done again, so it is also how a stopped run goes on.

    Example: semoe run --run first --parallelism 2

    On a cluster (docs/kubernetes.md): semoe run --run first --backend argo --namespace semoe --store s3://bucket/semoe
    """
    if backend not in BACKENDS:
        raise unknown_name("backend", backend, BACKENDS)
    folder = open_run(store, root_dir, run)
    require_current(folder.plan())
    if not yes:
        _ask(folder, ask_above)
    if backend == "local":
        options = ("--commit_seconds", str(_or_default(commit_seconds)), "--device", device)
        LocalBackend(
            folder=folder, parallelism=parallelism or 1, max_attempts=max_attempts or MAX_ATTEMPTS, options=options
        ).run()
    else:
        more = None if max_attempts is None else max_attempts - 1
        asked = {"commit_seconds": commit_seconds, "max_attempts": more, "data_path": corpus or None}
        given = {"index_name": folder.plan().index_name}
        given |= {name: str(value) for name, value in asked.items() if value is not None} | _parameters(parameter or ())
        argo = ArgoBackend(folder=folder, cluster=Cluster(namespace), parallelism=parallelism, parameters=given)
        if not _run_there(argo, detach=detach):
            return
    show_report(make_report(folder), as_json=json)


def worker(
    run: Run,
    stage: Stage,
    shard: Annotated[int, typer.Option("--shard", min=0, help="Which shard of the stage.")],
    commit_seconds: CommitSeconds = None,
    device: o.Device = "auto",
    metrics_port: o.MetricsPort = 0,
    last_scrape_seconds: o.LastScrape = 0.0,
    counts_dir: Annotated[
        Path | None,
        typer.Option("--counts_dir", envvar="SEMOE_COUNTS_DIR", help="Leave each count of the report in a file here."),
    ] = None,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Do one shard of one stage of a run: what each pod calls. Exit codes: 0 done, 2 wrong settings, 75 try again.

    Example: semoe worker --run first --stage encode --shard 0 --store s3://bucket/experts
    """
    folder = open_run(store, root_dir, run)
    if done := folder.find_report(stage, shard):
        # Its counts were told when it was done.
        show(asdict(done), as_json=json)
        return
    with serving(metrics_port, last_scrape_s=last_scrape_seconds):
        report = run_shard(folder, stage, shard, commit_seconds=_or_default(commit_seconds), device=device)
    if counts_dir:
        counts_dir.mkdir(parents=True, exist_ok=True)
        for name, count in report.counts.items():
            (counts_dir / name).write_text(f"{count:g}" if count % 1 else f"{count:.0f}")
    show(asdict(report), as_json=json)


def shards(run: Run, stage: Stage, store: o.Store = None, root_dir: o.RootDir = o.ROOT) -> None:
    """Print how many shards a stage has, or 0 once all are finished: how many pods a workflow starts.

    After retrieval it also cuts the passages that were found into shards.

    Example: semoe shards --run first --stage encode
    """
    folder = open_run(store, root_dir, run)
    count = len(items_of(folder, stage))
    out.print(0 if len(folder.finished(stage)) == count else count)


def cancel(run: Run, namespace: o.Namespace = "", store: o.Store = None, root_dir: o.RootDir = o.ROOT) -> None:
    """End a run on a cluster: its workers keep what they have and stop; `semoe resume` goes on.

    Example: semoe cancel --run first --namespace semoe
    """
    folder = open_run(store, root_dir, run)
    ending = ArgoBackend(folder=folder, cluster=Cluster(namespace)).stop()
    if not ending:
        raise UsageError(f"No workflow of run {run} is at work.", kind="not-running")
    show({"ending": ", ".join(ending), "go on": f"semoe resume --run {run} --backend argo"})


def _or_default(commit_seconds: float | None) -> float:
    return COMMIT_SECONDS if commit_seconds is None else commit_seconds


def _run_there(argo: ArgoBackend, *, detach: bool) -> bool:
    """Submits and, unless detached, waits; tells whether the run is finished."""
    name = argo.submit()
    err.print(f"workflow {name} in namespace {argo.cluster.namespace}", soft_wrap=True)
    if detach:
        show({"workflow": name})
        return False
    try:
        argo.follow()
    except KeyboardInterrupt:
        run = argo.folder.run
        follow, end = f"`semoe status --run {run} --watch`", f"`semoe cancel --run {run}`"
        err.print(f"The workflow goes on. Follow it with {follow}; end it with {end}.", soft_wrap=True)
        raise typer.Exit(STOPPED) from None
    return True


def _parameters(given: list[str] | tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator:
            raise UsageError(f"--parameter {one}: give name=value.", kind="options")
        found[name] = value
    return found


def _ask(folder: RunFolder, limit: float) -> None:
    """Asks before a run that costs more than the limit, by its plan's own estimate."""
    found = folder.find("estimate.json", Estimate)
    if found is None or (found.money is None and found.num_passages < UNPRICED_PASSAGES):
        return
    if found.money is not None and found.money[0] <= limit:
        return
    price = "at an unknown price" if found.money is None else f"for up to {found.money[0]:,.2f}"
    what = f"Train up to {found.num_passages:,} experts {price}?"
    if not sys.stdin.isatty() or os.environ.get("CI"):
        raise UsageError(f"{what} Nobody can be asked here: say --yes, or raise --ask_above.", kind="not-asked")
    typer.confirm(what, abort=True, err=True)
