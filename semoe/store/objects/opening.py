"""From what a user types to a back end."""

import secrets
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

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
    scheme, separator, rest = str(url).partition("://")
    if not separator:
        return FolderObjects(Path(url))
    if scheme != "s3" or not rest.strip("/"):
        raise UsageError(f"{url} is no store. Give a folder, or s3://bucket/prefix.", kind="bad-store")
    if find_spec("boto3") is None:
        raise UsageError("S3 needs boto3. Run: pip install 'semoe[s3]'.", kind="missing-extra")
    from semoe.store.objects.s3 import S3Objects  # noqa: PLC0415  (boto3 is an extra)

    bucket, _, prefix = rest.partition("/")
    return S3Objects(bucket, prefix)


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
