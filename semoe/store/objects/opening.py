"""From what a user types to a back end."""

import secrets
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from semoe.creating import way_of_creating
from semoe.errors import SemoeError, UsageError
from semoe.store.objects.contract import Objects
from semoe.store.objects.folder import FolderObjects


def open_objects(url: str | Path) -> Objects:
    """Opens `s3://bucket/prefix`, or a folder.

    Raises:
        UsageError: an unknown scheme, a missing bucket name, or the package without its `s3` extra.

    Example:
        >>> import semoe
        >>> semoe.open_store("store").url
        'store'
    """
    if "://" not in str(url):
        if Path(url).is_file():
            raise UsageError(f"{url} is a file. A store is a folder, or s3://bucket/prefix.", kind="bad-store")
        if str(url).startswith("s3:"):
            raise UsageError(f"{url} lacks a slash: a store in S3 is s3://bucket/prefix.", kind="bad-store")
        return FolderObjects(Path(url))
    bucket, prefix = _parts(str(url))
    from semoe.store.objects.s3 import S3Objects  # noqa: PLC0415  (boto3 is an extra)

    return S3Objects(bucket, prefix)


def open_bucket(url: str) -> Objects:
    """Opens what others wrote into `s3://bucket/prefix`, under whatever names, to be read.

    Raises:
        UsageError: as of `open_objects`.
    """
    bucket, prefix = _parts(url)
    from semoe.store.objects.of_others import ObjectsOfOthers  # noqa: PLC0415  (boto3 is an extra)

    return ObjectsOfOthers(bucket, prefix)


def _parts(url: str) -> tuple[str, str]:
    """Returns bucket and prefix."""
    scheme, _, rest = url.partition("://")
    if scheme != "s3" or not rest.strip("/"):
        raise UsageError(f"{url} is no store. Give a folder, or s3://bucket/prefix.", kind="bad-store")
    if find_spec("boto3") is None:
        raise UsageError("S3 needs boto3. Run: pip install 'semoe[s3]'.", kind="missing-extra")
    bucket, _, prefix = rest.partition("/")
    return bucket, prefix


def check_conditional_writes(objects: Objects) -> None:
    """Writes one object twice and removes it again.

    Raises:
        UsageError: both writes went through, so two producers could overwrite each other's commits.
    """
    name = f"checks/{secrets.token_hex(8)}"
    first = objects.create(name, b"1")
    second = objects.create(name, b"2")
    objects.delete(name)
    if not first or second:
        raise UsageError(
            f"{objects.url} ignores conditional writes (If-None-Match): two producers could overwrite each other. "
            "Choose a store that keeps them.",
            kind="no-conditional-writes",
        )


def way_of_publishing(objects: Objects) -> str:
    """Returns how a store lets one of several writers win, in words for people; it tries where there are several ways.

    Raises:
        UsageError: its folder cannot be written.
        TransientError: the disk is full.
    """
    if not isinstance(objects, FolderObjects):
        return "conditional writes (If-None-Match)"
    return way_of_creating(Path(objects.url) / "checks")


def clock(objects: Objects) -> float:
    """Returns the store's own time, in seconds since 1970: this machine's clock may be wrong."""
    name = f"checks/{secrets.token_hex(8)}"
    objects.put(name, b"time")
    try:
        return next(found.modified for found in objects.list(name))
    finally:
        # What went wrong before it is the error to hear of.
        with suppress(SemoeError):
            objects.delete(name)
