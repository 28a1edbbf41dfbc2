"""A real S3 server (SeaweedFS) for the tests, alone on its own ports and folder."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

WEED = Path(sys.executable).parent / "weed"


@contextlib.contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """Starts the server; yields its endpoint once it makes buckets."""
    master, volume, filer, s3 = (str(port) for port in _free_ports(4))
    command = [
        WEED, "server", f"-dir={folder}", "-s3", f"-s3.port={s3}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-volume.max=100",
        # Served on fixed ports otherwise, which another run of the tests may hold.
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _wait(f"http://127.0.0.1:{s3}", server, folder / "log")
            yield f"http://127.0.0.1:{s3}"
        finally:
            server.kill()


def client(endpoint: str, **options: object):  # type: ignore[no-untyped-def]
    """A boto3 client with any credentials."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        **options,
    )


def _wait(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            break
        with contextlib.suppress(BotoCoreError, ClientError):
            s3 = client(endpoint)
            s3.create_bucket(Bucket="warm-up")
            s3.put_object(Bucket="warm-up", Key="x", Body=b"x")
            return
        time.sleep(0.25)
    raise RuntimeError(f"weed did not start: {log.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    """Ports that are free, as are those 10,000 above (gRPC); other ones for a run that starts at the same time.

    All lie below those that the system gives to connections.
    """
    ports: list[int] = []
    for port in range(10000 + os.getpid() % 400 * 28, 22700, 7):
        if all(_free(p) for p in (port, port + 10000)):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
