"""What must hold of whatever a chart renders: no value is lost, turned into another kind of thing, or written twice."""

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

import pipelines  # noqa: F401  (makes Hera's models refuse what they do not know)
from tests.helm.argo_pods import pods_of
from tests.helm.charts import Document

_LOST = re.compile(r"<nil>|<no value>|%!|\bmap\[|\d[eE]\+\d")
"""How Go writes what a template did not mean to write."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ANEW = ("password", "tls.key", "tls.crt", "ca.crt", "semoe/config")


class _Loader(yaml.CSafeLoader):
    """Refuses a key that stands twice, as the API server does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{twice} twice, line {node.start_mark.line}"
        return super().construct_mapping(node, deep)


def sound(text: str) -> list[Document]:
    """Returns the objects; fails where one is not what the API server would take for what was meant."""
    documents = [one for one in yaml.load_all(text, _Loader) if one]
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        assert _NAME.fullmatch(document["metadata"]["name"]), name
        if document["kind"] != "ConfigMap":
            assert not _LOST.search(json.dumps(document)), (name, _LOST.search(json.dumps(document)))
        for path, value in _scalars(document):
            assert value is not None, (name, path)
            assert isinstance(value, str) or not _wants_text(path), (name, path, value)
        _read_strictly(document)
    for name, pod in pods_of(documents):
        json.dumps(pod)
        for container in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
            assert all(isinstance(one.get("value", ""), str) for one in container.get("env", ())), name
    return documents


def _read_strictly(document: Document) -> None:
    from hera.workflows.models import CronWorkflow, WorkflowTemplate

    for model in (CronWorkflow, WorkflowTemplate):
        if document["kind"] == model.__name__:
            model.model_validate(document)


def opened(documents: list[Document]) -> list[Document]:
    """The objects with what is written as JSON or base64 in them read, and without what is made anew each time."""
    return [
        {key: _opened(part, document["kind"] == "Secret" and key == "data") for key, part in document.items()}
        for document in documents
    ]


def _opened(thing: Any, secret: bool) -> Any:
    if isinstance(thing, dict):
        return {key: _opened(value, secret) for key, value in thing.items() if key not in _ANEW}
    if isinstance(thing, list):
        return [_opened(one, secret) for one in thing]
    if secret and isinstance(thing, str):
        return base64.b64decode(thing).decode()
    if isinstance(thing, str) and thing[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return _opened(json.loads(thing), secret)
    return thing


def _wants_text(path: tuple[Any, ...]) -> bool:
    if any(part in ("labels", "annotations", "matchLabels", "nodeSelector") for part in path[:-1]):
        return True
    return path[-1] in (
        "name",
        "namespace",
        "secretName",
        "image",
        "serviceAccountName",
        "value",
        "priorityClassName",
        "runtimeClassName",
    ) or (path[0] == "data" or "args" in path)


def _scalars(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield from _scalars(value, (*path, key))
    elif isinstance(thing, list):
        for at, value in enumerate(thing):
            yield from _scalars(value, (*path, at))
    else:
        yield path, thing
