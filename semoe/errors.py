"""What can go wrong, grouped by what the caller would do about it.

    SemoeError
    ├── UsageError      the user must change something; never retried   (exit 2)
    ├── TransientError  the same call may succeed later                 (exit 75)
    └── CorruptError    stored bytes are not what they claim to be      (exit 1)

Each error carries an append-only `kind`, which is also its log field and metric label. Messages say what was
wrong, where, and what to do.
"""

import difflib
from collections.abc import Iterable


class SemoeError(Exception):
    """Base of every error that SEMOE raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class UsageError(SemoeError):
    """A wrong option, configuration or input file: retrying cannot help."""

    exit_code = 2


class TransientError(SemoeError):
    """A lost connection, a busy server, a full disk: the same call may succeed later."""

    exit_code = 75


class CorruptError(SemoeError):
    """Stored bytes fail their own checks and must not be used."""


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Builds the error for a name that is none of the known ones: it names the nearest and all others."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UsageError(f"Unknown {what} {name!r}.{hint} Known: {', '.join(names)}.", kind="unknown-name")
