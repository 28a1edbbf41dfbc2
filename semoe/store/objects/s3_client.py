"""Makes the boto3 client from the settings of this machine, and says which of them it cannot be made of.

Called by `S3Objects`. Endpoint, region and credentials come the usual way: variables, profiles, workload identity.
"""

import os
import ssl
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from semoe.errors import UsageError
from semoe.store.objects.s3_errors import plainly, without_answer

_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def make_client() -> Any:
    """Returns a client for S3.

    Raises:
        UsageError: a setting is wrong: endpoint, profile, credentials, region, a file that they name.
        TransientError: the credentials come from a service that does not answer.
    """
    _check_secrets()
    config = client_config()
    where = "any store"
    try:
        with plainly(where):
            # A session of its own: boto3's shared one would keep the settings that it met first.
            session = botocore.session.get_session()
            made = boto3.Session(botocore_session=session).client("s3", config=config)
            ca_file = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    except ValueError as error:
        raise without_answer(error, where) from error
    if made.meta.endpoint_url.startswith("https:"):
        _check_ca_file(ca_file)
    return made


def client_config() -> Config:
    """Returns how patient the client is.

    Raises:
        UsageError: AWS_MAX_ATTEMPTS is no whole number, or below 1.
    """
    attempts = os.environ.get("AWS_MAX_ATTEMPTS") or "6"
    if not attempts.strip().isdecimal() or not int(attempts):
        raise UsageError(
            f"AWS_MAX_ATTEMPTS must be a whole number, 1 or more, not {attempts!r}. Correct or unset it.",
            kind="s3-settings",
        )
    return Config(
        # A server that is away for a moment, or a pod's network that is closed for its first seconds, must not end the
        # work: attempts wait longer and longer, 6 for about 15 seconds, 8 for a minute, as in pods. The mode `standard`
        # does not wait for the network (50 ms at first), and its threads share 35 attempts: then none is made again.
        retries={"mode": "legacy", "total_max_attempts": int(attempts)},
        connect_timeout=5,
        read_timeout=30,
        # As many threads as read at once: with fewer each further one would begin a connection for every request.
        max_pool_connections=32,
        # Some servers reject boto3's own CRC32 headers; every expert is checked against its own BLAKE3.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _check_ca_file(path: str | None) -> None:
    """Reads the certificates that vouch for the server now: later their absence would look like a dead network."""
    if not path:
        return
    try:
        is_folder = Path(path).is_dir()
        ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    except OSError as error:
        raise UsageError(
            f"Cannot read certificates from {path} ({error}). Correct AWS_CA_BUNDLE, or ca_bundle of the profile.",
            kind="s3-settings",
        ) from error


def _check_secrets() -> None:
    """A line break at the end, as `echo` leaves it in a secret, would only show as a signature that does not match."""
    for name in _SECRETS:
        value = os.environ.get(name, "")
        if value != value.strip():
            raise UsageError(
                f"{name} begins or ends with a space or a line break. Store it without (printf, not echo).",
                kind="s3-credentials",
            )
