"""A stand-in for a cluster's API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cluster.api_server import ApiServer, api_server


@pytest.fixture
def cluster_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """An API server that the current kubeconfig names."""
    pytest.importorskip("kubernetes")
    with api_server(tmp_path, monkeypatch) as server:
        yield server
