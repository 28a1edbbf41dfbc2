"""What the expert store asks of whatever keeps its bytes, and nothing more.

Six operations, the same for a folder and for S3. `semoe.store.objects.testing` is the contract as tests: a back end
of your own passes them by subclassing one class.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from semoe.errors import CorruptError, UsageError

_NAME = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9._=+-]*(/[A-Za-z0-9_=][A-Za-z0-9._=+-]*)*")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing shows it."""

    name: str
    size: int
    """Bytes."""
    modified: float
    """Seconds since 1970, by the store's own clock."""
    etag: str = ""
    """Of its content, where the store gives one: S3's ETag."""


class MissingObjectError(CorruptError):
    """An object that should be there is not."""


class Objects(Protocol):
    """Named, immutable-by-habit byte strings."""

    @property
    def url(self) -> str:
        """What a user would type to reach it."""
        ...

    def put(self, name: str, *data: bytes) -> None:
        """Stores the parts of `data`, one behind the other, whole or not at all; an object of that name is replaced."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Stores `data` only where nothing is; of several writers exactly one gets True."""
        ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Returns an object, or `length` bytes of it from `start`; raises MissingObjectError."""
        ...

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yields the objects whose name begins with `prefix`, in order of name.

        What stands in for a folder is none, nor is what has a part that begins with a dot. Some servers list for a
        while what was removed.
        """
        ...

    def folders(self, prefix: str) -> Sequence[str]:
        """Returns, in order, the next part of the names that begin with `prefix` and go on below it: no objects."""
        ...

    def delete(self, name: str) -> None:
        """Removes an object; one that is not there is no error."""
        ...


def is_name(name: str) -> bool:
    """Whether an object may be called so."""
    return bool(_NAME.fullmatch(name))


def check_name(name: str) -> str:
    """Returns `name` if it can leave no store.

    Raises:
        UsageError: it has an empty part, a part that begins with a dot, or an odd character.
    """
    if not is_name(name):
        raise UsageError(f"{name!r} cannot name an object: letters, digits and . _ = + - only.", kind="bad-name")
    return name


def missing(url: str, name: str) -> MissingObjectError:
    """Builds the error for an object that is not there."""
    return MissingObjectError(f"{url}/{name} is missing. Run `semoe experts verify`.", kind="missing-object")
