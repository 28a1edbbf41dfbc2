"""One stage of a run: ask how many pods its shards take, then start them; one with several GPUs has as many shards."""

from collections.abc import Sequence

from hera.workflows import Parameter, Step, Steps
from hera.workflows.models import Counter, IntOrString, MetricLabel, Prometheus, ValueFrom
from hera.workflows.models import Sequence as Numbers
from hera.workflows.protocol import Templatable

from pipelines.parameters import RUN_NAME
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import COUNTS_DIR, Needs, pod

PLACE = ["--run", RUN_NAME, "--store", p("store")]


def stage_templates(stage: str, *, needs: Needs, counts: Sequence[str] = ()) -> list[Templatable]:
    """Returns the templates of a stage; the one that bears its name does the whole of it.

    Args:
        stage: as `semoe worker` knows it.
        needs: of each shard's pod.
        counts: what of a worker's counts becomes a metric of Argo, which outlives the pod.
    """
    # By its inputs `semoe logs --shard` finds a pod.
    given = {"shard": "{{item}}"} | ({"gpus": p("gpus")} if needs.gpu else {})
    each = ["--gpus_per_pod", p("gpus")] if needs.gpu else []
    shard = pod(
        f"{stage}-shard",
        ["worker", *PLACE, "--stage", stage, "--shard", "{{inputs.parameters.shard}}", *each,
         "--commit_seconds", p("commit_seconds")],
        inputs=[Parameter(name=name) for name in given],
        outputs=[_output(count) for count in counts],
        needs=needs,
    )  # fmt: skip
    shard.metrics = [_metric(stage, count) for count in counts]
    shards = pod(f"{stage}-shards", ["shards", *PLACE, "--stage", stage, *each])
    with Steps(name=stage) as steps:
        Step(name="shards", template=shards.name)
        Step(
            name="shard",
            template=shard.name,
            with_sequence=Numbers(count=IntOrString(root="{{steps.shards.outputs.result}}")),
            arguments=given,
        )
    return [steps, shards, shard]


def _output(count: str) -> Parameter:
    return Parameter(name=count, value_from=ValueFrom(path=f"{COUNTS_DIR}/{count}", default="0"))


def _metric(stage: str, count: str) -> Prometheus:
    return Prometheus(
        name=f"semoe_{stage}_{count}_total",
        help=f"{count} that finished shards of {stage} counted",
        # One controller may do the workflows of many namespaces.
        labels=[MetricLabel(key="namespace", value="{{workflow.namespace}}")],
        when="{{status}} == Succeeded",
        counter=Counter(value=f"{{{{outputs.parameters.{count}}}}}"),
    )
