"""Runs helm for the tests of the charts, and looks at what it renders. Needs the `helm` command, no cluster."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

Document: TypeAlias = dict[str, Any]

CHARTS = Path(__file__).parents[2] / "helm"

needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on the PATH")

_POD_TEMPLATES = {"StatefulSet", "Deployment", "DaemonSet", "Job", "ReplicaSet"}


def run(*command: str | Path, stdin: str | None = None, timeout_seconds: float = 330) -> str:
    """Runs a command and gives its standard output.

    Raises:
        RuntimeError: It failed; the message is what it wrote to standard error.
    """
    done = subprocess.run(
        [str(c) for c in command], input=stdin, capture_output=True, text=True, timeout=timeout_seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}\n{done.stdout}")
    return done.stdout


def rendered(
    chart: Path,
    values: Mapping[str, Any] | None = None,
    *,
    files: Sequence[Path] = (),
    release: str = "test",
    namespace: str = "default",
    options: Sequence[str] = (),
) -> str:
    """What the chart writes of these values, test pods included; `values` beat the values `files`.

    Raises:
        RuntimeError: The chart refuses the values; the message is helm's.
    """
    chosen = [argument for file in files for argument in ("--values", str(file))]
    return run(
        "helm", "template", release, chart, "--namespace", namespace, *chosen, "--values", "-", *options,
        stdin=yaml.safe_dump(dict(values or {})),
    )  # fmt: skip


def render(chart: Path, values: Mapping[str, Any] | None = None, **how: Any) -> list[Document]:
    """The objects that `rendered` writes."""
    return [document for document in yaml.safe_load_all(rendered(chart, values, **how)) if document]


def refusal(chart: Path, values: Mapping[str, Any], **options: Any) -> str:
    """Helm's message about values that the chart must refuse."""
    with pytest.raises(RuntimeError) as refused:
        render(chart, values, **options)
    return str(refused.value)


def only(documents: Sequence[Document], kind: str, name: str | None = None) -> Document:
    """The one object of this kind (and name)."""
    found = [d for d in documents if d["kind"] == kind and name in {None, d["metadata"]["name"]}]
    assert len(found) == 1, f"{len(found)} objects {kind} {name or ''}"
    return found[0]


def kinds(documents: Sequence[Document]) -> list[str]:
    """The kinds of the objects, sorted."""
    return sorted(document["kind"] for document in documents)


def pod_specs(documents: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """Name and pod spec of everything that makes pods of the usual kinds."""
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        if document["kind"] == "Pod":
            yield name, document["spec"]
        elif document["kind"] in _POD_TEMPLATES:
            yield name, document["spec"]["template"]["spec"]


def assert_restricted(name: str, spec: Document) -> None:
    """Holds a pod spec to pod security level *restricted*, and to a read-only root and no token beyond that."""
    pod = spec["securityContext"]
    assert pod["runAsNonRoot"] is True, name
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
    assert spec["automountServiceAccountToken"] is False, name
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= {
        "configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim",
    }, name  # fmt: skip
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, (name, container["name"])
        assert context["readOnlyRootFilesystem"] is True, (name, container["name"])
        assert context["capabilities"] == {"drop": ["ALL"]}, (name, container["name"])
        assert {"requests", "limits"} <= set(container["resources"]), (name, container["name"])
