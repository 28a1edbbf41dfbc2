"""Who reaches whom, where the cluster enforces NetworkPolicy."""

import os

import pytest
import yaml

from tests.helm.cluster import kubectl, run_pod

IMAGE = "docker.elastic.co/elasticsearch/elasticsearch:9.2.0"
"""Has curl."""
CLIENT = {"semoe/elasticsearch-client": "true"}
# A policy takes hold of a new pod after some seconds.
ASK = "sleep 8; curl -s -o /dev/null -w '%{{http_code}}' --connect-timeout 4 {}"
NO_ANSWER = ((7, "000"), (28, "000"))
"""Policies refuse connections or drop packets, as the plugin has it. Not 6: a name that is not found proves nothing."""
MUTE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "mute"},
    "spec": {"podSelector": {"matchLabels": {"mute": "true"}}, "policyTypes": ["Egress"]},
}


def skip_unless_enforced(namespace: str, url: str) -> None:
    """Skips where a pod without any right to send still reaches a node of Elasticsearch: some plugins ignore policies.

    Where whoever started the tests knows better (SEMOE_E2E_POLICIES=enforced), that is a failure.
    """
    kubectl(namespace, "apply", "--filename", "-", stdin=yaml.safe_dump(MUTE))
    answer = run_pod(namespace, "mute", IMAGE, ASK.format(url), {"mute": "true", **CLIENT})
    if answer in NO_ANSWER:
        return
    said = f"this cluster does not enforce NetworkPolicy: a pod without any right to send got {answer} from {url}"
    if os.environ.get("SEMOE_E2E_POLICIES") == "enforced":
        pytest.fail(said)
    pytest.skip(said)


def answers(namespace: str, name: str, labels: dict[str, str], *urls: str) -> list[tuple[int, str]]:
    """What one pod gets from each address: curl's exit code and the status, as in NO_ANSWER."""
    ask = "; ".join(f"code=$({ASK.format(url).removeprefix('sleep 8; ')} --insecure); echo $? $code" for url in urls)
    exit_code, said = run_pod(namespace, name, IMAGE, f"sleep 8; {ask}", labels)
    assert exit_code == 0, said
    lines = [line.split() for line in said.splitlines()]
    return [(int(code), status) for code, status in lines]
