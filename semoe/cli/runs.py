"""The verbs that do a planned run and tell of it: run, resume, worker, status, logs, report."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import is_json, out, show, show_rows, table
from semoe.cli.plan import Run
from semoe.errors import unknown_name
from semoe.evaluation import ReportRow, comparison_table
from semoe.runs import STAGES, RunFolder
from semoe.runs.status import StageStatus, status_of
from semoe.store.objects import open_objects
from semoe.store.producer import COMMIT_SECONDS
from semoe.worker.export_run import export_run
from semoe.worker.local import MAX_ATTEMPTS, LocalBackend
from semoe.worker.report import MethodReport, RunReport, make_report
from semoe.worker.shard import run_shard

BACKENDS = ("local",)
_COLUMNS = ("stage", "shards", "finished", "alive", "silent", "items", "items/s", "min left")
_WATCH_SECONDS = 5.0
CommitSeconds = Annotated[
    float, typer.Option("--commit_seconds", help="Publish at least so often; a worker that is killed loses no more.")
]
Stage = Annotated[str, typer.Option("--stage", help=", ".join(STAGES))]


def open_run(store: str | None, root: Path, run: str) -> RunFolder:
    """Opens the folder of a run in the store."""
    return RunFolder(open_objects(store or str(root / "store")), run)


def run(
    run: Run,
    backend: Annotated[str, typer.Option("--backend", help="local: processes on this machine.")] = "local",
    parallelism: o.Parallelism = 1,
    max_attempts: Annotated[int, typer.Option("--max_attempts", min=1, help="Of each shard.")] = MAX_ATTEMPTS,
    commit_seconds: CommitSeconds = COMMIT_SECONDS,
    device: o.Device = "auto",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Do a planned run; what is done already is not done again, so it is also how a stopped run goes on.

    Example: semoe run --run first --parallelism 2
    """
    if backend not in BACKENDS:
        raise unknown_name("backend", backend, BACKENDS)
    folder = open_run(store, root_dir, run)
    options = ("--commit_seconds", str(commit_seconds), "--device", device)
    LocalBackend(folder=folder, parallelism=parallelism, max_attempts=max_attempts, options=options).run()
    show_report(make_report(folder), as_json=json)


def worker(
    run: Run,
    stage: Stage,
    shard: Annotated[int, typer.Option("--shard", min=0, help="Which shard of the stage.")],
    commit_seconds: CommitSeconds = COMMIT_SECONDS,
    device: o.Device = "auto",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Do one shard of one stage of a run: what each pod calls. Exit codes: 0 done, 2 wrong settings, 75 try again.

    Example: semoe worker --run first --stage encode --shard 0 --store s3://bucket/experts
    """
    report = run_shard(open_run(store, root_dir, run), stage, shard, commit_seconds=commit_seconds, device=device)
    show(asdict(report), as_json=json)


def status(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every few seconds until it is done.")] = False,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Show how far a run is, whatever does the work.

    Example: semoe status --run first --watch
    """
    folder = open_run(store, root_dir, run)
    while True:
        found = status_of(folder)
        rows = [asdict(one) if is_json(format) else _row(one) for one in found]
        show_rows(f"Run {run}", _COLUMNS, rows, form=format)
        if not watch or all(one.finished == one.num_shards for one in found):
            return
        time.sleep(_WATCH_SECONDS)


def logs(
    run: Run,
    stage: Annotated[str, typer.Option("--stage", help="Only this stage's.")] = "",
    shard: Annotated[int | None, typer.Option("--shard", help="Only this shard's.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only attempts that ended badly.")] = False,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
) -> None:
    """Print what the workers said, attempt by attempt.

    Example: semoe logs --run first --stage encode --failed
    """
    folder = open_run(store, root_dir, run)
    folder.plan()
    wanted = "" if shard is None else f"/{shard:05}-"
    for name in folder.names("logs/"):
        if name.startswith(stage) and wanted in f"/{name.rpartition('/')[2]}" and (not failed or "-attempt-" in name):
            out.print(f"== {name}", highlight=False, soft_wrap=True)
            out.print(folder.read_text(f"logs/{name}").rstrip(), highlight=False, soft_wrap=True, markup=False)


def report(run: Run, store: o.Store = None, root_dir: o.RootDir = o.ROOT, json: o.Json = False) -> None:
    """Show what a finished run came to: experts, scores with intervals, counts.

    Example: semoe report --run first
    """
    show_report(make_report(open_run(store, root_dir, run)), as_json=json)


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
        highlight=False,
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
