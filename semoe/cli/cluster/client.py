"""A namespace of a cluster, as the verbs need it: workflows, pods, logs, and what one may do there.

The only module of the package that imports `kubernetes`; its errors become ours here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from semoe.errors import SemoeError, TransientError, UsageError

ARGO = "argoproj.io"
VERSION = "v1alpha1"
TIMEOUT_SECONDS = (5, 30)
"""To connect, to read."""
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
Json = Mapping[str, Any]


class Cluster:
    """One namespace of the cluster that the current kubeconfig names, or of the one that this pod runs in."""

    def __init__(self, namespace: str = "") -> None:
        if find_spec("kubernetes") is None:
            raise UsageError("A cluster needs the package kubernetes. Run: pip install 'semoe[cluster]'.", kind="extra")
        self._client: Any = import_module("kubernetes.client")
        _log_in()
        self.namespace = namespace or _own_namespace()
        self._api = self._client.ApiClient()
        self._custom = self._client.CustomObjectsApi(self._api)
        self._core = self._client.CoreV1Api(self._api)

    def create_workflow(self, body: Json) -> str:
        """Submits a workflow; returns its name."""
        with self._errors("create a workflow"):
            made = self._custom.create_namespaced_custom_object(
                ARGO, VERSION, self.namespace, "workflows", body, _request_timeout=TIMEOUT_SECONDS
            )
        return str(made["metadata"]["name"])

    def workflows(self, labels: str) -> Sequence[Json]:
        """Returns the workflows that have these labels, the youngest first."""
        with self._errors("list workflows"):
            found = self._custom.list_namespaced_custom_object(
                ARGO, VERSION, self.namespace, "workflows", label_selector=labels, _request_timeout=TIMEOUT_SECONDS
            )
        return sorted(found["items"], key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)

    def workflow(self, name: str) -> Json:
        """Returns a workflow."""
        with self._errors(f"read workflow {name}"):
            found: Json = self._custom.get_namespaced_custom_object(
                ARGO, VERSION, self.namespace, "workflows", name, _request_timeout=TIMEOUT_SECONDS
            )
        return found

    def template(self, name: str) -> Json | None:
        """Returns a WorkflowTemplate, or None where there is none of that name."""
        return next((one for one in self.custom(ARGO, VERSION, "workflowtemplates") if _name(one) == name), None)

    def stop(self, workflow: str) -> None:
        """Ends a workflow: its pods get SIGTERM, its exit handler runs."""
        # A suspended workflow takes no step, and so would never end.
        ending = {"spec": {"shutdown": "Stop", "suspend": None}}
        with self._errors(f"stop workflow {workflow}"):
            self._custom.patch_namespaced_custom_object(
                ARGO, VERSION, self.namespace, "workflows", workflow, ending, _request_timeout=TIMEOUT_SECONDS
            )

    def pods(self, workflow: str) -> Sequence[Any]:
        """Returns the pods of a workflow that are still there."""
        with self._errors("list pods"):
            label = f"workflows.argoproj.io/workflow={workflow}"
            found = self._core.list_namespaced_pod(
                self.namespace, label_selector=label, _request_timeout=TIMEOUT_SECONDS
            )
        return list(found.items)

    def pod_log(self, pod: str) -> str:
        """Returns what a pod's worker said; empty where that is gone."""
        from kubernetes.client.exceptions import ApiException

        with self._errors(f"read the log of pod {pod}"):
            try:
                # As it comes: the library's versions differ in what they make of a log that is JSON, or no UTF-8.
                said = self._core.read_namespaced_pod_log(
                    pod, self.namespace, container="main", _request_timeout=TIMEOUT_SECONDS, _preload_content=False
                )
                text: str = said.data.decode(errors="replace")
            except ApiException:
                return ""
        return text

    def may(self, verb: str, resource: str, group: str = "") -> bool:
        """Tells whether the user may do this in the namespace."""
        client = self._client
        asked = client.V1ResourceAttributes(namespace=self.namespace, verb=verb, resource=resource, group=group)
        review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=asked))
        with self._errors("ask for your rights"):
            answer = client.AuthorizationV1Api(self._api).create_self_subject_access_review(
                review, _request_timeout=TIMEOUT_SECONDS
            )
        return bool(answer.status.allowed)

    def kinds(self, group: str) -> set[str]:
        """Returns the resources of an API group that the cluster knows; none where it does not know the group."""
        with self._errors("ask for its APIs"):
            groups = self._client.ApisApi(self._api).get_api_versions(_request_timeout=TIMEOUT_SECONDS).groups
            version = next((one.preferred_version.version for one in groups if one.name == group), None)
            if version is None:
                return set()
            found = self._custom.get_api_resources(group, version, _request_timeout=TIMEOUT_SECONDS)
        return {one.name for one in found.resources}

    def custom(self, group: str, version: str, plural: str) -> Sequence[Json]:
        """Returns the objects of a custom kind in the namespace."""
        with self._errors(f"list {plural}"):
            found = self._custom.list_namespaced_custom_object(
                group, version, self.namespace, plural, _request_timeout=TIMEOUT_SECONDS
            )
        return list(found["items"])

    def allocatable(self, resource: str) -> int | None:
        """Returns how much of a resource all nodes have together; None where one may not look at nodes."""
        if not self.may("list", "nodes"):
            return None
        with self._errors("list nodes"):
            nodes = self._core.list_node(_request_timeout=TIMEOUT_SECONDS).items
        return sum(int(node.status.allocatable.get(resource, 0)) for node in nodes)

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ApiException as error:
            raise self._translate(error.status, f"{error.reason}: {error.body}", doing) from error
        except HTTPError as error:
            raise TransientError(f"The cluster does not answer: {error}. Try again.", kind="cluster") from error

    def _translate(self, status: int, said: str, doing: str) -> SemoeError:
        if status in (401, 403):
            return UsageError(
                f"You may not {doing} in namespace {self.namespace}. Ask for the rights that docs/kubernetes.md lists.",
                kind="cluster-rights",
            )
        if status == 404:
            return UsageError(
                f"Could not {doing}: the cluster has no Argo Workflows, or no namespace {self.namespace}. "
                "Run `semoe doctor --cluster`.",
                kind="cluster",
            )
        if status in (429, 500, 502, 503, 504):
            return TransientError(f"Could not {doing}: {said} Try again.", kind="cluster")
        return UsageError(f"The cluster refuses to {doing}: {said}", kind="cluster")


def _log_in() -> None:
    """Takes the cluster of the current kubeconfig, or the one that this pod runs in."""
    config: Any = import_module("kubernetes.config")
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not os.environ.get("KUBECONFIG"):
            config.load_incluster_config()
        else:
            config.load_kube_config()
    except config.ConfigException as error:
        raise UsageError(f"No cluster: {error}. Set KUBECONFIG, or log in to one.", kind="no-cluster") from error


def _own_namespace() -> str:
    """Returns the namespace of the kubeconfig's current context, or of the pod that this runs in."""
    config: Any = import_module("kubernetes.config")
    try:
        current = config.list_kube_config_contexts()[1]
    except config.ConfigException:
        return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else "default"
    return str(current["context"].get("namespace") or "default")


def _name(found: Json) -> str:
    return str(found["metadata"]["name"])
