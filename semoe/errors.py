"""What can go wrong, grouped by what the caller would do about it.

    SemoeError
    ├── UsageError      the user must change something; never retried   (exit 2)
    ├── TransientError  the same call may succeed later                 (exit 75)
    ├── CorruptError    stored bytes are not what they claim to be      (exit 1)
    └── WorkerError     a worker met a bug: another attempt meets it too (exit 1)

`meaning_of` is the way back, from a process's exit code to the class. Each error carries an append-only `kind`, which
is also its log field and metric label. Messages say what was wrong, where, and what to do.
"""

import difflib
import signal
from collections.abc import Iterable
from functools import partial
from typing import Any

TAKEN_AWAY = tuple(128 + one for one in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM))
"""Exit codes, as shells write them, of a process that somebody ended: its work is not to blame."""
LOST = 255
"""The exit code that Kubernetes gives a container whose end nobody saw."""


class SemoeError(Exception):
    """Base of every error that SEMOE raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Goes from one process to another whole: without it, the kind would be missing there."""
        return partial(type(self), kind=self.kind), self.args


class UsageError(SemoeError):
    """A wrong option, configuration or input file: retrying cannot help."""

    exit_code = 2


class TransientError(SemoeError):
    """A lost connection, a busy server, a full disk: the same call may succeed later."""

    exit_code = 75


class CorruptError(SemoeError):
    """Stored bytes fail their own checks and must not be used."""


class WorkerError(SemoeError):
    """A worker ended in a way that another attempt would not mend, and that no user's change would: a bug."""


def meaning_of(exit_code: int) -> type[SemoeError] | None:
    """Returns the class of error that an exit code stands for, or None for 0.

    The one table of exit codes: the local back end, Argo's and the retries of the pods all ask it.

    Args:
        exit_code: of a worker; -9 and 137 both say that signal 9 ended it (Python's way and the shell's).
    """
    code = 128 - exit_code if exit_code < 0 else exit_code
    if code == 0:
        return None
    if code == UsageError.exit_code:
        return UsageError
    return TransientError if code in (TransientError.exit_code, *TAKEN_AWAY, LOST) else WorkerError


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Builds the error for a name that is none of the known ones: it names the nearest and all others."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UsageError(f"Unknown {what} {name!r}.{hint} Known: {', '.join(names)}.", kind="unknown-name")
