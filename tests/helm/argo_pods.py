"""The pods that Argo makes of rendered WorkflowTemplates, as far as the chart decides: patches, metadata, limits.

Argo fills a workflow's parameters into its patch and the template's, and merges both into the pod that it has made of
the template. `tests/e2e/test_every_value.py` holds what Argo itself makes to the same values.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.helm.charts import Document

_PARAMETER = re.compile(r"\{\{workflow\.parameters\.(\w+)\}\}")
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
}
"""Of lists whose elements Kubernetes merges; other lists are replaced."""


def pods_of(documents: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """Each pod, by template and name: a parameter's value is its default, that of a workflow is its name."""
    for document in documents:
        if document["kind"] == "WorkflowTemplate":
            for template in document["spec"]["templates"]:
                if "container" in template:
                    yield f"{document['metadata']['name']}/{template['name']}", _pod(document["spec"], template)


def _pod(spec: Document, template: Document) -> Document:
    values = {one["name"]: one.get("value", one["name"]) for one in spec["arguments"]["parameters"]}
    filled = json.loads(_PARAMETER.sub(lambda found: json.dumps(values[found[1]])[1:-1], json.dumps(template)))
    own = [{"name": name, "image": "argoexec"} for name in ("init", "wait")]
    made: Document = {
        "containers": [own[1], {"name": "main", **filled["container"]}],
        "initContainers": own[:1],
        "volumes": filled.get("volumes", []),
        "imagePullSecrets": spec.get("imagePullSecrets", []),
        "securityContext": spec["securityContext"],
        "serviceAccountName": filled.get("serviceAccountName", spec["serviceAccountName"]),
    }
    for patch in (spec["podSpecPatch"], template["podSpecPatch"]):
        made = merged(made, json.loads(_PARAMETER.sub(lambda found: values[found[1]], patch)))
    return {"metadata": _metadata(spec, filled), "spec": made}


def _metadata(spec: Document, template: Document) -> Document:
    both = (spec.get("podMetadata", {}), template.get("metadata", {}))
    return {
        kind: {name: text for one in both for name, text in one.get(kind, {}).items()}
        for kind in ("labels", "annotations")
    }


def merged(given: Any, patch: Any, key: str | None = None) -> Any:
    """A strategic merge of what a pod's spec is made of."""
    if isinstance(given, dict) and isinstance(patch, dict):
        both = {name: merged(given[name], value, _KEYS.get(name)) for name, value in patch.items() if name in given}
        return {name: value for name, value in {**given, **patch, **both}.items() if value is not None}
    if key and isinstance(given, list):
        changed = {one[key]: one for one in patch}
        stay = [merged(one, changed.pop(one[key], {})) for one in given]
        return [*stay, *changed.values()]
    return patch
