"""What a planned run will take: options that say prices and speeds, and the estimate, kept beside the plan."""

from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.cli.output import err

if TYPE_CHECKING:
    from semoe.runs.estimate import Estimate, Throughput
    from semoe.runs.folder import RunFolder
    from semoe.runs.plan import Manifest


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
    """Measures where that is asked for and anything is trained; keeps what the run will take, and returns it.

    Returns:
        What the run will take, and the measured or given speed.
    """
    from semoe.runs.probe import probe

    is_probed = costs.probe and folder.plan().trains
    if is_probed:
        err.print(
            "The probe augments and trains some of the passages here, and keeps none of their experts.",
            soft_wrap=True,
        )
    measured = probe(folder, manifest) if is_probed else costs.given()
    return keep_estimate(folder, manifest, measured, costs), measured


def keep_estimate(
    folder: "RunFolder", manifest: "Manifest", measured: "Throughput | None", costs: EstimateOptions
) -> "Estimate":
    """Reckons what a run will take, and keeps it beside the plan."""
    from semoe.runs.estimate import Estimate, Prices
    from semoe.runs.gpus import gpus_here
    from semoe.runs.planning import estimate_of

    prices = Prices(
        accelerator_hour=costs.gpu_price,
        gigabyte_month=costs.storage_price,
        thousand_requests=costs.request_price,
    )
    # No cluster reads a folder of this machine: what is planned in one is done here.
    gpus = 0 if "://" in folder.objects.url else len(gpus_here())
    found = estimate_of(folder.plan(), manifest, measured, parallelism=costs.parallelism, prices=prices, gpus=gpus)
    folder.write("estimate.json", found, Estimate)
    return found
