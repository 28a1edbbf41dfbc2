"""Does a planned run, here or on a cluster, after asking where it costs much; `run` and `reproduce` call it."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import typer

from semoe.cli import options as o
from semoe.cli.output import STOPPED, err, show
from semoe.cli.runs.doing_options import ClusterOptions, CostOptions, WorkerOptions
from semoe.errors import UsageError
from semoe.runs.records import MAX_ATTEMPTS
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.cli.cluster.argo import ArgoBackend
    from semoe.runs.folder import RunFolder

UNPRICED_PASSAGES = 100_000
"""Where no price was given, `run` asks before so many."""


@dataclass(frozen=True, kw_only=True)
class Doing:
    """Where and how a run is done."""

    workers: WorkerOptions
    on_cluster: ClusterOptions
    costs: CostOptions
    output: o.OutputOptions
    backend: Literal["local", "argo"]
    parallelism: int | None
    max_attempts: int | None

    def require_sense(self) -> None:
        """Makes sure that the options go together.

        Raises:
            UsageError: one is given that would say nothing.
        """
        if self.backend == "local":
            self.on_cluster.require_none()
        else:
            self.workers.require_here()
        if self.on_cluster.detach and self.costs.max_cost is not None:
            raise UsageError("--max_cost needs somebody who watches: it does not go with --detach.", kind="options")

    def do(self, folder: "RunFolder") -> bool:
        """Does what is not done of a planned run; tells whether it is finished, which a detached one is not.

        Raises:
            UsageError: a plan of an earlier version, nobody to ask, or more money spent than there may be.
            TransientError: a shard was tried too often.
            WorkerError: a shard failed in a way that another attempt would not mend.
        """
        from semoe.runs.plan import require_current

        require_current(folder.plan())
        if not self.costs.yes:
            _ask(folder, self.costs.ask_above)
        within = self.costs.watch(folder)
        if self.backend == "local":
            _run_here(folder, self.workers, self.parallelism or 1, self.max_attempts or MAX_ATTEMPTS, within)
            return True
        argo = _argo(folder, self.workers, self.on_cluster, self.parallelism, self.max_attempts)
        return _run_there(argo, self.on_cluster, self.output, within)


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
        count = (folder.manifest() or provisional_manifest(plan)).num_passages if plan.trains else 0
    is_little = money[1] <= limit if money else count < UNPRICED_PASSAGES
    if is_little:
        return
    price = f"for up to {money[1]:,.2f}" if money else "at an unknown price"
    what = f"Train up to {counted(count, 'expert')} {price}?"
    if not sys.stdin.isatty() or os.environ.get("CI"):
        raise UsageError(f"{what} Nobody can be asked here: say --yes, or raise --ask_above.", kind="not-asked")
    typer.confirm(what, abort=True, err=True)
