"""A node that speaks TLS with a certificate of the user's, and refuses a client that does not trust it."""

import shutil
import socket
import ssl
from pathlib import Path

import pytest

from tests.helm.charts import CHARTS, run
from tests.helm.cluster import kubectl, restricted_namespace, tunnel

CHART = CHARTS / "elasticsearch"
NAME = "search-elasticsearch"
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def _certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Certificate and key for a host, its own authority."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}",
        "-addext", f"subjectAltName=DNS:{host}", "-keyout", key, "-out", certificate,
    )  # fmt: skip
    return certificate, key


def test_a_node_serves_the_given_certificate_to_clients_with_its_authority(tmp_path: Path) -> None:
    assert shutil.which("helm"), "this test needs helm on the PATH"
    with restricted_namespace("semoe-es-tls") as namespace:
        host = f"{NAME}.{namespace}.svc"
        certificate, key = _certificate(tmp_path, host)
        files = [
            f"--from-file={name}" for name in (f"tls.crt={certificate}", f"tls.key={key}", f"ca.crt={certificate}")
        ]
        kubectl(namespace, "create", "secret", "generic", "certificate", *files)
        helm = ["helm", "--namespace", namespace]
        values = ["--values", str(CHART / "values" / "kind.yaml"), "--set", "tls.secretName=certificate"]
        run(*helm, "install", "search", CHART, *values, "--wait", "--timeout", "5m")
        assert run(*helm, "test", "search", "--timeout", "5m").count("Succeeded") == 2

        with tunnel(namespace, f"pod/{NAME}-0", 9200) as address:
            assert _trusted(address, host, certificate)
            assert not _trusted(address, host, None)


def _trusted(address: str, host: str, authority: Path | None) -> bool:
    """Whether a TLS client that knows this authority shakes hands with the host at HOST:PORT."""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    name, port = address.split(":")
    try:
        with socket.create_connection((name, int(port))) as raw, context.wrap_socket(raw, server_hostname=host):
            return True
    except ssl.SSLCertVerificationError:
        return False
