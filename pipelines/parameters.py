"""What can be said of a workflow when it is submitted: every parameter with its default and its meaning.

The defaults are those of a plain installation; `helm/workers` writes its values over them.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from hera.workflows import Parameter

from semoe import __version__

VERSION = __version__
RUN = [
    Parameter(name="run", description="Name of the run, as `semoe plan` has it."),
    Parameter(name="store", description="Where the run and its experts are: s3://bucket/prefix."),
]
NAMED_RUN = [Parameter(name="run", value="", description="Name of the run; empty: the workflow's own."), *RUN[1:]]
RUN_EXPRESSION = "workflow.parameters.run == '' ? workflow.name : workflow.parameters.run"
"""The run's name, where Argo evaluates: it fills no `workflow.name` in a parameter's value."""
RUN_NAME = f"{{{{={RUN_EXPRESSION}}}}}"
"""The same, where Argo replaces."""
PLAN = [
    Parameter(
        name="plan_config_map",
        value="semoe-plan",
        description="ConfigMap with settings.toml for `semoe plan`, and preset.toml where those name it.",
    )
]
EXPERIMENT = [
    Parameter(name="config", description="A published experiment, as `semoe reproduce --list` names it."),
    Parameter(
        name="data_dir", description="Its questions: s3://…, or a folder in the pod, with a folder for each dataset."
    ),
    Parameter(name="sample", value="0", description="The first so many questions; 0: as many as the config says."),
    Parameter(name="model_name", value="", description="Another model than the config's; the report says so."),
    Parameter(name="shards", value="8", description="Of each stage."),
]
CORPUS = [
    Parameter(
        name="data_path", value="", description="Passages: s3://… or a path in the pod. Empty: the index is there."
    ),
    Parameter(name="quoting", value="", description="How they are written: csv, none, jsonl; empty: by the name."),
    Parameter(name="index_name", value="wiki", description="Name of the index, as in the plan."),
    Parameter(
        name="retriever",
        value="elasticsearch",
        description="As in the plan: elasticsearch, elasticsearch-dense, or both with a plus between them.",
    ),
    Parameter(name="encoder", value="", description="Of elasticsearch-dense; empty: the index's own, or minilm."),
    Parameter(
        name="parts",
        value="",
        description="s3://… where workers keep vectors that they make together; empty: the pod that indexes makes all.",
    ),
    Parameter(name="shares", value="8", description="Workers that make vectors together."),
]
WORKER = [
    Parameter(name="commit_seconds", value="30", description="Lost with a killed worker, with the batch in hand."),
    Parameter(name="max_attempts", value="20", description="Of each shard, after the first."),
    Parameter(name="shard_deadline_seconds", value="43200", description="Of one attempt at a shard."),
    Parameter(name="grace_seconds", value="120", description="Between SIGTERM and SIGKILL."),
    Parameter(name="device", value="auto", description="auto (the GPU where there is one), cpu, cuda."),
]
PLACEMENT = [
    Parameter(name="image", value=f"semoe-worker:{VERSION}", description="Image of every pod."),
    Parameter(
        name="image_pull_policy",
        value="",
        description="Always, IfNotPresent, Never; empty: Kubernetes' own, Always for the tag latest alone.",
    ),
    Parameter(name="gpu_resource", value="nvidia.com/gpu", description="What the cluster calls an accelerator."),
    Parameter(
        name="gpus",
        value="1",
        description="Of each pod that augments, trains or answers: as many shards at once. 0: the CPU.",
    ),
    Parameter(name="cpu", value="2", description="Requested by each such pod."),
    Parameter(name="memory", value="8Gi", description="Requested by each such pod, and its limit."),
    Parameter(name="node_selector", value="{}", description="Of such pods, as JSON."),
    Parameter(name="tolerations", value="[]", description="Of such pods, as JSON."),
    Parameter(name="affinity", value="{}", description="Of such pods, as JSON."),
    Parameter(name="priority_class", value="", description="Of such pods."),
    Parameter(name="topology_spread", value="[]", description="Of such pods, as JSON: topologySpreadConstraints."),
    Parameter(name="runtime_class", value="null", description='Of such pods, as JSON, such as "nvidia"; null: none.'),
    Parameter(
        name="cache_volume", value='{"name":"cache","emptyDir":{}}', description="Where models are kept, as JSON."
    ),
    Parameter(name="other_cpu", value="250m", description="Requested by each pod that needs no accelerator."),
    Parameter(name="other_memory", value="2Gi", description="Requested by each such pod, and its limit."),
    Parameter(name="other_node_selector", value="{}", description="Of such pods, as JSON."),
    Parameter(name="other_tolerations", value="[]", description="Of such pods, as JSON."),
    Parameter(name="other_affinity", value="{}", description="Of such pods, as JSON."),
    Parameter(name="other_priority_class", value="", description="Of such pods."),
    Parameter(name="other_topology_spread", value="[]", description="Of such pods, as JSON."),
    Parameter(name="other_runtime_class", value="null", description="Of such pods, as JSON; null: none."),
]
EVERY_POD = [
    Parameter(name="requests", value="{}", description="More that every pod requests, as JSON: ephemeral-storage."),
    Parameter(name="limits", value="{}", description="More limits of every pod, as JSON: cpu, ephemeral-storage."),
    Parameter(
        name="executor_resources",
        value='{"requests":{"cpu":"10m","memory":"64Mi"},"limits":{"cpu":"500m","memory":"256Mi"}}',
        description="Of Argo's own containers in every pod, as JSON.",
    ),
    Parameter(name="env", value="[]", description="More variables of every pod, as Kubernetes writes them, as JSON."),
    Parameter(name="volumes", value="[]", description="More volumes of every pod, as JSON."),
    Parameter(name="volume_mounts", value="[]", description="Where every pod mounts them, as JSON."),
]
ACCESS = [
    Parameter(name="config_map", value="semoe-config", description="Environment of every pod: endpoint, region, …"),
    Parameter(name="environment_secret", value="semoe-environment", description="The same, secret: HF_TOKEN, …"),
    Parameter(name="s3_secret", value="semoe-s3", description="AWS_… of the workers; none with workload identity."),
    Parameter(name="inference_s3_secret", value="semoe-s3", description="The same of the pods that answer."),
    Parameter(name="inference_service_account", value="semoe-inference", description="Of the pods that answer."),
    Parameter(
        name="elasticsearch_secret",
        value="elasticsearch-client",
        description="url, username, password or api_key, ca.crt: as the Elasticsearch chart leaves it.",
    ),
    Parameter(name="es_ca_file", value="", description="/etc/semoe/elasticsearch/ca.crt where the Secret has one."),
]


def workflow_parameter(name: str) -> str:
    """Returns what Argo replaces with a parameter of the workflow.

    Raises:
        KeyError: there is no such parameter.
    """
    known = {one.name for one in (*RUN, *PLAN, *EXPERIMENT, *CORPUS, *WORKER, *PLACEMENT, *EVERY_POD, *ACCESS)}
    if name not in known:
        raise KeyError(name)
    return f"{{{{workflow.parameters.{name}}}}}"


def patch_of(fields: Mapping[str, Any]) -> str:
    """Returns a `podSpecPatch`: JSON for what takes no parameters in Argo: quantities, lists, names of resources.

    Args:
        fields: of a pod's spec. A text `@name` stands for a parameter that is JSON itself: it goes without quotation
            marks.
    """
    text = json.dumps(fields, separators=(",", ":"))
    return re.sub(r'"@(\w+)"', lambda found: workflow_parameter(found[1]), text)
