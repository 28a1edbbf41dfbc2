"""Objects in any S3-compatible bucket, through boto3.

boto3 retries what is worth retrying; what is left becomes an error that says what to do (`s3_errors`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from semoe.errors import TransientError
from semoe.store.objects.contract import Stored, check_name
from semoe.store.objects.s3_client import make_client
from semoe.store.objects.s3_errors import no_s3, plainly
from semoe.telemetry.counting import metrics

CONFLICT_TRIES = 5
_LISTING = frozenset(("IsTruncated", "Name", "KeyCount", "Contents", "CommonPrefixes"))
"""Parts of S3's answer, of which every server gives some: a web page gives none."""
BODY_TRIES = 4


class S3Objects:
    """A bucket, or a prefix of one."""

    def __init__(self, bucket: str, prefix: str = "", *, client: Any = None) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._client = client or make_client()

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def put(self, name: str, *data: bytes) -> None:
        """Stores `data` with one PUT."""
        with self._call("put", name):
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=b"".join(data))

    def create(self, name: str, data: bytes) -> bool:
        """Stores `data` with `If-None-Match: *`; a conflict with a writer at work is tried again."""
        with self._call("create", name):
            for _ in range(CONFLICT_TRIES):
                status = self._try_create(name, data)
                if status != 409:
                    return status != 412
            raise TransientError(f"{self.url}/{name} is being written by others. Try again.", kind="s3-conflict")

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Reads an object with one GET."""
        span = {} if length is None and not start else {"Range": f"bytes={start}-{_last(start, length)}"}
        # No range holds 0 bytes: S3 would ignore it and send the whole object.
        if length == 0:
            return b""
        with self._call("get", name):
            return self._read(self._key(name), span)

    def list(self, prefix: str) -> Iterator[Stored]:
        """Lists with one call for every thousand objects."""
        for page in self._pages(prefix):
            for found in page.get("Contents", ()):
                name = found["Key"].removeprefix(self._prefix)
                if _is_marker(name, name.removeprefix(prefix)):
                    continue
                etag = found.get("ETag", "").strip('"')
                yield Stored(name, found["Size"], found["LastModified"].timestamp(), etag)

    def folders(self, prefix: str) -> Sequence[str]:
        """Lists with a delimiter: one call for every thousand."""
        pages = self._pages(prefix, Delimiter="/")
        names = [common["Prefix"] for page in pages for common in page.get("CommonPrefixes", ())]
        return sorted(name.rstrip("/").rpartition("/")[2] for name in names)

    def delete(self, name: str) -> None:
        """Removes an object."""
        with self._call("delete", name):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return self._prefix + check_name(name)

    def _pages(self, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        """Yields page after page; each is a call of its own, the caller's time between them is not S3's."""
        lister = self._client.get_paginator("list_objects_v2")
        pages = iter(lister.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix, **more))
        is_last = False
        while not is_last:
            with self._call("list", prefix):
                page = next(pages)
            if not _LISTING.intersection(page):
                raise no_s3(self.url)
            yield page
            is_last = not page.get("IsTruncated")

    def _read(self, key: str, span: dict[str, str]) -> bytes:
        """boto3 retries requests, but not a body that breaks off or stalls on its way."""
        for tries_left in range(BODY_TRIES, 0, -1):
            body: StreamingBody = self._client.get_object(Bucket=self._bucket, Key=key, **span)["Body"]
            try:
                return bytes(body.read())
            except (ResponseStreamingError, ReadTimeoutError, IncompleteReadError, HTTPError):
                if tries_left == 1:
                    raise
            finally:
                body.close()
        raise AssertionError("unreachable")

    def _try_create(self, name: str, data: bytes) -> int:
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=data, IfNoneMatch="*")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status in (409, 412):
                return int(status)
            raise
        return 200

    @contextmanager
    def _call(self, operation: str, name: str) -> Iterator[None]:
        with metrics.s3_call(operation), plainly(f"{self.url}/{name}", self.url, name):
            yield


def _is_marker(name: str, below: str) -> bool:
    """Whether a web page, a file browser or Hadoop made an object in place of a folder, or beside what is stored."""
    return name.endswith(("/", "_$folder$")) or below.startswith(".") or "/." in below


def _last(start: int, length: int | None) -> str:
    return "" if length is None else str(start + length - 1)
