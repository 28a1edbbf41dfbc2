"""Options of the verbs that do a planned run: how shards are done, what a cluster is given, what it may cost."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.errors import UsageError
from semoe.runs.records import MAX_ATTEMPTS
from semoe.store.times import COMMIT_SECONDS

if TYPE_CHECKING:
    from semoe.runs.folder import RunFolder

BackendName = Annotated[
    Literal["local", "argo"],
    typer.Option("--backend", help="local: processes on this machine; argo: pods on a cluster."),
]
MaxAttempts = Annotated[
    int | None, typer.Option("--max_attempts", min=1, help=f"Attempts at each shard. Default: {MAX_ATTEMPTS}.")
]


@option_group("Workers", table="workers")
class WorkerOptions:
    """How a shard is done, here as in a pod."""

    commit_seconds: Annotated[
        float | None,
        typer.Option(
            "--commit_seconds",
            min=0.0,
            help="Publish at least so often; a killed worker loses that and the batch in hand. 0: each expert at once. "
            f"Default: {COMMIT_SECONDS:.0f}.",
        ),
    ] = None
    device: o.Device = "auto"
    augment_processes: Annotated[
        int | None,
        typer.Option(
            "--augment_processes",
            min=0,
            help="Processes that make pairs of a corpus beside its training; 0: the training's own. Default: beside a "
            "GPU one for each core but one.",
        ),
    ] = None

    def require_here(self) -> None:
        """Makes sure that nothing is given that pods would not hear of.

        Raises:
            UsageError: something is.
        """
        if self.augment_processes is not None:
            raise UsageError(
                "--augment_processes is for --backend local: a pod has one for each CPU that it asks for, but one.",
                kind="options",
            )

    def arguments(self) -> list[str]:
        """Returns them as a command line's."""
        given = ["--commit_seconds", str(self.commit_seconds_or_default), "--device", self.device]
        return given + ([] if self.augment_processes is None else ["--augment_processes", str(self.augment_processes)])

    @property
    def commit_seconds_or_default(self) -> float:
        """With 0 for each expert at once, which is not the same as none given."""
        return COMMIT_SECONDS if self.commit_seconds is None else self.commit_seconds


@option_group("On a cluster (--backend argo)", table="cluster")
class ClusterOptions:
    """What a workflow is given."""

    namespace: o.Namespace = ""
    corpus: Annotated[
        str, typer.Option("--corpus", help="Passages to load into Elasticsearch first, s3://bucket/name.")
    ] = ""
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="A parameter of the workflow, as gpus=2; may be given several times."),
    ] = None
    detach: Annotated[bool, typer.Option("--detach/--no-detach", help="Submit, and do not wait for the end.")] = False

    def require_none(self) -> None:
        """Makes sure that none is given to a local run, where it would say nothing.

        Raises:
            UsageError: one is.
        """
        given = {"corpus": self.corpus, "parameter": self.parameter, "detach": self.detach}
        stray = next((name for name, value in given.items() if value), None)
        if stray:
            raise UsageError(f"--{stray} is for --backend argo.", kind="options")

    def parameters(self) -> dict[str, str]:
        """Returns the workflow parameters that were given.

        Raises:
            UsageError: one is not name=value.
        """
        found = {}
        for one in self.parameter or ():
            name, separator, value = one.partition("=")
            if not separator:
                raise UsageError(f"--parameter {one}: give name=value.", kind="options")
            found[name] = value
        return found


@option_group("Costs", table="costs")
class CostOptions:
    """When to ask before money is spent."""

    ask_above: Annotated[
        float, typer.Option("--ask_above", help="Ask first where the plan reckons with more money than this.")
    ] = 10.0
    yes: Annotated[bool, typer.Option("--yes/--no-yes", help="Do not ask.")] = False
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max_cost",
            min=0.0,
            help="End the run where its workers' hours have cost more than this, at the plan's --gpu_price. What is "
            "finished is kept.",
        ),
    ] = None

    def watch(self, folder: "RunFolder") -> Callable[[], None]:
        """Returns what raises once a run has cost more than it may.

        Raises:
            UsageError: the plan does not say what a worker costs.
        """
        if self.max_cost is None:
            return lambda: None
        from semoe.runs.report import find_report
        from semoe.runs.spending import CostLimit

        within = CostLimit(folder, self.max_cost)
        if find_report(folder) is None:
            within()  # what was spent before counts
        return within
