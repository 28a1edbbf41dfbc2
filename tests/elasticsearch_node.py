"""A real Elasticsearch for the tests: a node of their own, or one that runs already.

`ELASTICSEARCH_KIT` names a folder with the scripts `start DIR [-Ename=value]…` and `stop DIR [SIGNAL]`, which obey
`ES_HTTP_PORT`. The node has security on, and takes who comes without credentials for a superuser: one node serves the
tests that need credentials and those that need none. (It grants that to users with a password too; only keys have
fewer rights.)
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOW = (
    "needs Elasticsearch 9: set SEMOE_TEST_ES_URL to the address of a node that tests may write to, or "
    "ELASTICSEARCH_KIT to a folder with its scripts start and stop"
)
SETTINGS = ("-Expack.security.enabled=true", "-Expack.security.authc.anonymous.roles=superuser")


class Node:
    """A node that tests start, stop and kill; its address and its data stay the same."""

    def __init__(self, kit: Path, folder: Path) -> None:
        self._kit, self._folder, self._port = kit, folder, _free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when the node answers."""
        environment = os.environ | {"ES_HTTP_PORT": str(self._port)}
        subprocess.run([self._kit / "start", self._folder, *SETTINGS], env=environment, check=True)

    def stop(self, signal: str = "TERM") -> None:
        """Returns when the process has ended."""
        subprocess.run([self._kit / "stop", self._folder, signal], check=True)


@contextmanager
def own_node(folder: Path) -> Iterator[Node]:
    """Yields a running node; skips the test where there is no kit."""
    kit = os.environ.get("ELASTICSEARCH_KIT")
    if not kit:
        pytest.skip(HOW)
    node = Node(Path(kit).resolve(), folder)
    try:
        node.start()
        yield node
    finally:
        node.stop("KILL")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
