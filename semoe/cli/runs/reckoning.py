"""What a planned run will take: options that say prices and speeds, and the estimate, kept and printed."""

from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.cli.output import show

if TYPE_CHECKING:
    from semoe.runs.estimate import Estimate, Span, Throughput
    from semoe.runs.folder import RunFolder
    from semoe.runs.plan import Manifest, Plan


@option_group("What it will take", table="estimate")
class EstimateOptions:
    """Measured or given speed, and prices."""

    parallelism: o.Parallelism = 1
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe", help="Measure this machine on some passages, to say how long the run takes."
        ),
    ] = False
    experts_per_second: Annotated[
        float | None,
        typer.Option("--experts_per_second", help="Speed of one worker, where it was measured before: no --probe."),
    ] = None
    gpu_price: Annotated[
        float, typer.Option("--gpu_price", help="Price of one worker's machine for an hour, in any currency.")
    ] = 0.0
    storage_price: Annotated[
        float, typer.Option("--storage_price", help="Price of keeping a gigabyte for a month.")
    ] = 0.023
    request_price: Annotated[
        float, typer.Option("--request_price", help="Price of a thousand writes to the store.")
    ] = 0.005

    def given(self) -> "Throughput | None":
        """Returns the speed that was given; None for one that is to be measured or stays unknown."""
        from semoe.runs.estimate import Throughput

        return Throughput(rounds=(self.experts_per_second,)) if self.experts_per_second else None


def reckon(folder: "RunFolder", manifest: "Manifest", costs: EstimateOptions) -> tuple["Estimate", "Throughput | None"]:
    """Measures where that is asked for; returns what the run will take, which it keeps, and the measured speed."""
    from semoe.runs.probe import probe

    measured = probe(folder, manifest) if costs.probe else costs.given()
    return keep_estimate(folder, manifest, measured, costs), measured


def keep_estimate(
    folder: "RunFolder", manifest: "Manifest", measured: "Throughput | None", costs: EstimateOptions
) -> "Estimate":
    """Reckons what a run will take, and keeps it beside the plan."""
    from semoe.runs.estimate import Estimate, Prices
    from semoe.runs.planning import estimate_of

    prices = Prices(
        accelerator_hour=costs.gpu_price,
        gigabyte_month=costs.storage_price,
        thousand_requests=costs.request_price,
    )
    found = estimate_of(folder.plan(), manifest, measured, parallelism=costs.parallelism, prices=prices)
    folder.write("estimate.json", found, Estimate)
    return found


def show_plan(
    folder: "RunFolder",
    manifest: "Manifest",
    found: "Estimate",
    measured: "Throughput | None" = None,
    *,
    as_json: bool = False,
) -> None:
    """Prints what a run will take."""
    plan = folder.plan()
    sizes = {
        "run": plan.run,
        "store": folder.objects.url,
        "questions": sum(one.num_questions for one in plan.sets),
    }
    show(sizes | _in_words(plan, manifest, measured, found), as_json=as_json)


def _in_words(
    plan: "Plan", manifest: "Manifest", measured: "Throughput | None", found: "Estimate"
) -> dict[str, object]:
    at_most = "" if manifest.num_tokens or plan.corpus else "at most "
    of_all = f"{at_most}{manifest.num_passages} distinct of {manifest.num_retrieved} retrieved"
    least, most = found.passages
    span = "" if least == most else f", between {least:.0f} and {most:.0f}"
    reckoned = f"about {manifest.num_passages}{span}: all of {plan.corpus.file.path}" if plan.corpus else ""
    unknown = "not measured: give --probe or --experts_per_second"
    return {
        "passages": reckoned or of_all,
        "tokens": manifest.num_tokens or ("not counted" if plan.corpus else "known after retrieval"),
        "shards": f"{len(plan.question_shards)} of questions, {at_most}{len(manifest.passage_shards)} of passages",
        "pods": found.pods,
        "bytes": f"{at_most}{found.num_bytes:,}",
        "experts a second": f"{measured.mean:.3f} ± {measured.spread:.0%} on one machine" if measured else unknown,
        "requests": _span(found.requests, ",.0f") or unknown,
        "machine hours": _span(found.hours, ".2f") or unknown,
        "hours from start to end": _span(found.wall_hours, ".2f") or unknown,
        "money": _span(found.money, ",.2f") or unknown,
        "money a month": f"{found.money_a_month:.4f}",
    }


def _span(found: "Span | None", how: str) -> str:
    """Returns an interval in words; empty where there is none."""
    return f"{found[0]:{how}} to {found[1]:{how}}" if found else ""
