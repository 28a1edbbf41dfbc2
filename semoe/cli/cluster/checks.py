"""What `semoe doctor --cluster` looks at: each check says what it found and, where something lacks, what to do."""

from collections.abc import Callable, Iterator, Sequence

from semoe.cli.cluster.argo import template_name
from semoe.cli.cluster.client import ARGO, Cluster
from semoe.errors import SemoeError

CONCEPTS = (
    "vectors", "index", "retrieve", "augment", "encode", "inference", "reproduce", "experiment", "corpus", "doctor",
)  # fmt: skip
MONITORING = "monitoring.coreos.com"
SUBMITTING = (("create", "workflows"), ("list", "workflows"), ("patch", "workflows"), ("list", "workflowtemplates"))
LEAVING_RESULTS = (("create", "workflowtaskresults"), ("patch", "workflowtaskresults"))
NEEDED = ("argo", "your rights", "workflow templates")
"""Parts that must be ok before anything can be tried from a pod."""
Row = tuple[str, str, str]
"""Part, state (`ok` or what is wrong), detail."""


def cluster_rows(cluster: Cluster, gpu_resource: str) -> Iterator[Row]:
    """Checks a namespace as one who submits runs to it."""
    checks: Sequence[tuple[str, Callable[[], tuple[str, str]]]] = (
        (NEEDED[0], lambda: _argo(cluster)),
        (NEEDED[1], lambda: _rights(cluster, SUBMITTING)),
        (NEEDED[2], lambda: _templates(cluster)),
        ("accelerators", lambda: _accelerators(cluster, gpu_resource)),
        ("prometheus", lambda: _prometheus(cluster)),
    )
    for part, check in checks:
        try:
            yield (part, *check())
        except SemoeError as error:
            yield part, "failed", str(error)


def executor_rows(cluster: Cluster) -> Iterator[Row]:
    """Checks the rights that Argo's executor needs, as the service account of the pod that this runs in."""
    yield ("rights of the pods", *_rights(cluster, LEAVING_RESULTS))
    if cluster.may("create", "workflows", ARGO):
        yield "rights of the pods", "too many", "pods may create workflows: bind their service account to less"


def _argo(cluster: Cluster) -> tuple[str, str]:
    missing = {"workflows", "workflowtemplates", "workflowtaskresults"} - cluster.kinds(ARGO)
    if missing:
        return "missing", f"no {', '.join(sorted(missing))}: install Argo Workflows with its full CRDs"
    return "ok", "its resources are there"


def _rights(cluster: Cluster, wanted: Sequence[tuple[str, str]]) -> tuple[str, str]:
    lacking = [f"{verb} {resource}" for verb, resource in wanted if not cluster.may(verb, resource, ARGO)]
    if lacking:
        return "missing", f"may not {', '.join(lacking)} in {cluster.namespace}: see the chart's value `submitters`"
    return "ok", ", ".join(f"{verb} {resource}" for verb, resource in wanted)


def _templates(cluster: Cluster) -> tuple[str, str]:
    missing = [template_name(one) for one in CONCEPTS if cluster.template(template_name(one)) is None]
    if missing:
        return "missing", f"{', '.join(missing)} in {cluster.namespace}: helm install the chart helm/workers"
    return "ok", f"all {len(CONCEPTS)} of this version"


def _accelerators(cluster: Cluster, resource: str) -> tuple[str, str]:
    count = cluster.allocatable(resource)
    if count is None:
        return "ok", "unknown: you may not list nodes"
    if not count:
        return "none", f"no node offers {resource}: install its device plugin, or set gpu.count: 0 for the CPU"
    return "ok", f"{count} {resource}"


def _prometheus(cluster: Cluster) -> tuple[str, str]:
    if "podmonitors" not in cluster.kinds(MONITORING):
        return "ok", "no Prometheus operator: metrics are not collected (runs/{run}/metrics.json has the sums)"
    found = [one["metadata"]["name"] for one in cluster.custom(MONITORING, "v1", "podmonitors")]
    if not found:
        return "ok", f"scrapes no worker: metrics.podMonitor.enabled of the chart would, in {cluster.namespace}"
    return "ok", f"PodMonitor {', '.join(found)}"
