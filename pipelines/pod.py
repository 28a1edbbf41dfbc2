"""The pod that every template runs: the worker's image with one command of `semoe`, fit for *restricted* namespaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hera.workflows import Container, Parameter
from hera.workflows.models import (
    Capabilities,
    ConfigMapEnvSource,
    ContainerPort,
    EmptyDirVolumeSource,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    KeyToPath,
    Quantity,
    ResourceFieldSelector,
    SecretEnvSource,
    SecretKeySelector,
    SecretVolumeSource,
    SecurityContext,
    Volume,
    VolumeMount,
)

from pipelines.parameters import patch_of
from pipelines.parameters import workflow_parameter as p
from pipelines.retries import retries

METRICS_PORT = 9100
SERVING = ("worker", "index")
"""Commands that serve /metrics: a pod of any other would be a target that is always down."""
COUNTS_DIR = "/tmp/counts"  # noqa: S108  (a volume of the pod's own)
ELASTICSEARCH_DIR = "/etc/semoe/elasticsearch"
LOCKED = SecurityContext(
    allow_privilege_escalation=False, read_only_root_filesystem=True, capabilities=Capabilities(drop=["ALL"])
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a pod needs of the cluster."""

    gpu: bool = False
    """The parameters cpu, memory, gpus and node_selector, …; otherwise other_cpu, …: to read and write the store."""
    inference: bool = False
    """The service account and credentials that do not write experts."""


def pod(
    name: str,
    arguments: Sequence[str],
    *,
    inputs: Sequence[Parameter] = (),
    outputs: Sequence[Parameter] = (),
    needs: Needs = Needs(),
    with_retries: bool = True,
    mounted: Mapping[str, Volume] | None = None,
) -> Container:
    """Returns a template whose pod runs `semoe` with these arguments; `mounted` are more volumes, by their folders."""
    more = mounted or {}
    return Container(
        name=name,
        image=p("image"),
        command=["semoe"],
        args=list(arguments),
        inputs=list(inputs),
        outputs=list(outputs),
        env=_environment(),
        env_from=[
            EnvFromSource(config_map_ref=ConfigMapEnvSource(name=p("config_map"), optional=True)),
            EnvFromSource(secret_ref=SecretEnvSource(name=p("environment_secret"), optional=True)),
            EnvFromSource(secret_ref=SecretEnvSource(name=p(_s3_secret(needs)), optional=True)),
        ],
        ports=[ContainerPort(name="metrics", container_port=METRICS_PORT)] if arguments[0] in SERVING else None,
        volumes=[*_volumes(), *more.values()],
        volume_mounts=[
            VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108
            VolumeMount(name="elasticsearch", mount_path=ELASTICSEARCH_DIR, read_only=True),
            *(VolumeMount(name=one.name, mount_path=folder, read_only=True) for folder, one in more.items()),
        ],
        security_context=LOCKED,
        # The last lines of the log become the node's message: `semoe status` shows them when the pod is gone.
        termination_message_policy="FallbackToLogsOnError",
        labels={
            "app.kubernetes.io/name": "semoe",
            "app.kubernetes.io/component": "worker",
            "semoe/stage": name,
            "semoe/elasticsearch-client": "true",
        },
        service_account_name=p("inference_service_account") if needs.inference else None,
        active_deadline_seconds=p("shard_deadline_seconds"),
        pod_spec_patch=_patch(needs),
        retry_strategy=retries() if with_retries else None,
    )


def _s3_secret(needs: Needs) -> str:
    return "inference_s3_secret" if needs.inference else "s3_secret"


def _environment() -> list[EnvVar]:
    plain = {
        "SEMOE_METRICS_PORT": str(METRICS_PORT),
        "SEMOE_COUNTS_DIR": COUNTS_DIR,
        "SEMOE_DEVICE": p("device"),
        "AWS_MAX_ATTEMPTS": "8",
        "SEMOE_EXPERT_CACHE": "/cache/experts",
        "SEMOE_ES_CA_FILE": p("es_ca_file"),
    }
    secret = {
        "SEMOE_ES_URL": "url",
        "SEMOE_ES_USERNAME": "username",
        "SEMOE_ES_PASSWORD": "password",
        "SEMOE_ES_API_KEY": "api_key",
    }
    # As many threads as CPUs are asked for, rounded up: one for each core of the node would be in each other's way.
    threads = EnvVarSource(resource_field_ref=ResourceFieldSelector(resource="requests.cpu", divisor=Quantity("1")))
    return [
        *(EnvVar(name=name, value=value) for name, value in plain.items()),
        EnvVar(name="OMP_NUM_THREADS", value_from=threads),
        *(
            EnvVar(name=name, value_from=EnvVarSource(secret_key_ref=_elasticsearch(key)))
            for name, key in secret.items()
        ),
    ]


def _elasticsearch(key: str) -> SecretKeySelector:
    return SecretKeySelector(name=p("elasticsearch_secret"), key=key, optional=True)


def _volumes() -> list[Volume]:
    certificate = SecretVolumeSource(
        secret_name=p("elasticsearch_secret"), optional=True, items=[KeyToPath(key="ca.crt", path="ca.crt")]
    )
    return [Volume(name="tmp", empty_dir=EmptyDirVolumeSource()), Volume(name="elasticsearch", secret=certificate)]


def _patch(needs: Needs) -> str:
    """What the two kinds of pods ask for, and where they run; `pipelines.workflow` has what all pods have in common."""
    kind = "" if needs.gpu else "other_"
    gpus = {p("gpu_resource"): p("gpus")} if needs.gpu else {}
    cpu, memory = p(f"{kind}cpu"), p(f"{kind}memory")
    main = {
        "name": "main",
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory} | gpus},
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
    }
    return patch_of(
        {
            "containers": [main],
            "volumes": ["@cache_volume"],
            "terminationGracePeriodSeconds": "@grace_seconds",
            "nodeSelector": f"@{kind}node_selector",
            "tolerations": f"@{kind}tolerations",
            "affinity": f"@{kind}affinity",
            "priorityClassName": p(f"{kind}priority_class"),
            "topologySpreadConstraints": f"@{kind}topology_spread",
            # Null leaves it out; an empty text would be refused.
            "runtimeClassName": f"@{kind}runtime_class",
        }
    )
