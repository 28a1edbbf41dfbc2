"""Where Elasticsearch is, who we are to it, and how an index is loaded. Knows nothing of the client library."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from semoe.errors import UsageError

DEFAULT_URL = "http://127.0.0.1:9200"
_NEVER_IN_AN_ADDRESS = frozenset(" \t?#")


@dataclass(frozen=True, kw_only=True, slots=True)
class ElasticConfig:
    """An Elasticsearch cluster and the credentials for it: an API key, a name with its password, or neither.

    Raises:
        UsageError: an address without http(s) or with a password in it, contradicting credentials, no such CA file.
    """

    urls: tuple[str, ...] = (DEFAULT_URL,)
    """Addresses of nodes; where several are given, one that does not answer is left out for a while."""
    api_key: str | None = field(default=None, repr=False)
    """Base64 of id and key, as Elasticsearch prints it (`encoded`)."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """Certificates (PEM) that vouch for the nodes, where they are not signed by a public authority."""
    request_timeout_seconds: float = 60.0
    """Seconds to wait for one answer; a bulk on a busy node may take some."""
    patience_seconds: float = 60.0
    """Seconds to go on trying a cluster that is busy or away: longer than a node needs to start again."""

    def __post_init__(self) -> None:
        for url in self.urls:
            _check_url(url)
        if not self.urls:
            raise UsageError("No address of Elasticsearch. Set --es_url or SEMOE_ES_URL.", kind="es-settings")
        if (self.username is None) != (self.password is None):
            raise UsageError("Set both SEMOE_ES_USERNAME and SEMOE_ES_PASSWORD, or neither.", kind="es-settings")
        if self.api_key and self.username:
            raise UsageError(
                "SEMOE_ES_API_KEY and SEMOE_ES_USERNAME contradict each other. Unset one of them.", kind="es-settings"
            )
        for secret in (self.api_key, self.username, self.password):
            _check_secret(secret)
        if self.ca_file is not None and not self.ca_file.is_file():
            raise UsageError(
                f"CA file not found: {self.ca_file}. Check --es_ca_file or SEMOE_ES_CA_FILE.", kind="es-settings"
            )

    @classmethod
    def from_environment(cls, *, url: str | None = None, ca_file: Path | None = None) -> "ElasticConfig":
        """Reads `SEMOE_ES_URL`, `_API_KEY`, `_USERNAME`, `_PASSWORD` and `_CA_FILE`; what is passed goes first.

        Args:
            url: addresses of nodes, separated by commas.
            ca_file: certificates in PEM.
        """
        addresses = url or _variable("URL") or DEFAULT_URL
        file = ca_file or _variable("CA_FILE")
        return cls(
            urls=tuple(part.strip() for part in addresses.split(",") if part.strip()),
            api_key=_variable("API_KEY"),
            username=_variable("USERNAME"),
            password=_variable("PASSWORD"),
            ca_file=Path(file) if file else None,
        )

    @property
    def where(self) -> str:
        """The addresses, for messages."""
        return ", ".join(self.urls)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadSettings:
    """How an index is laid out and filled. Only shards and replicas outlive the loading."""

    num_shards: int = 1
    """One holds a few ten million passages. Set when the index is made, never changed."""
    num_replicas: int = 0
    """Copies of each shard once it is loaded; one on a cluster of one node would never be placed."""
    refresh_interval: str = "1s"
    """How soon later writes would be seen; in Elasticsearch's notation."""
    bulk_bytes: int = 6 << 20
    """Bytes a request: Elastic's advice is 5 to 15 MB; gateways often refuse more than 8, nginx 1."""
    num_threads: int = 4
    """Requests under way at once."""
    checkpoint_seconds: float = 5.0
    """Seconds between checkpoints: about what a kill loses."""


def _variable(name: str) -> str | None:
    """An empty variable counts as unset: a Kubernetes manifest may leave one so."""
    return os.environ.get(f"SEMOE_ES_{name}") or None


def _check_secret(secret: str | None) -> None:
    """A line break at the end, as `echo` leaves it in a secret, is no credential's."""
    if secret and secret != secret.strip():
        raise UsageError(
            "SEMOE_ES_API_KEY, SEMOE_ES_USERNAME or SEMOE_ES_PASSWORD begins or ends with a space or a line break. "
            "Store it without (printf, not echo).",
            kind="es-settings",
        )


def _check_url(url: str) -> None:
    parts = _parts(url)
    if "@" in parts.netloc:
        raise UsageError(
            "An address of Elasticsearch has a password in it, and addresses are shown in messages. "
            "Set SEMOE_ES_USERNAME and SEMOE_ES_PASSWORD instead.",
            kind="es-settings",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or set(url) & _NEVER_IN_AN_ADDRESS:
        raise _no_address(url)
    # The client takes https to mean 443, and refuses to guess for http.
    if parts.scheme == "http" and not parts.port:
        raise UsageError(
            f"{url!r} names no port; Elasticsearch's own is 9200: http://{_bracketed(parts)}:9200{parts.path}. "
            "Check --es_url or SEMOE_ES_URL.",
            kind="es-settings",
        )


def _port_of(url: str) -> str:
    return "" if url.rpartition(":")[2].rstrip("/").isdecimal() else ":9200"


def _bracketed(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises where it is no number)
    except ValueError as error:
        raise _no_address(url) from error
    return parts


def _no_address(url: str) -> UsageError:
    """Names the address, unless it may hold a password: messages are kept in logs."""
    which = "One of them" if "@" in url else repr(url)
    lacks = "" if "://" in url or "@" in url else f" It lacks http:// or https://: http://{url}{_port_of(url)}."
    return UsageError(
        f"{which} is no address of Elasticsearch; expected one like {DEFAULT_URL}.{lacks} Check --es_url or "
        "SEMOE_ES_URL.",
        kind="es-settings",
    )
