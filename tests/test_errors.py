"""What an exit code means, for everyone who sees a worker end."""

import signal

import pytest

from semoe.errors import SemoeError, TransientError, UsageError, WorkerError, meaning_of


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, None),
        (1, WorkerError),
        (2, UsageError),
        (75, TransientError),
        (-signal.SIGKILL, TransientError),
        (-signal.SIGTERM, TransientError),
        (128 + signal.SIGKILL, TransientError),
        (128 + signal.SIGINT, TransientError),
        (255, TransientError),
        # A crash inside a library happens again at the same place.
        (-signal.SIGSEGV, WorkerError),
        (128 + signal.SIGABRT, WorkerError),
    ],
)
def test_an_exit_code_has_one_meaning(code: int, meaning: type[SemoeError] | None) -> None:
    assert meaning_of(code) is meaning


def test_each_error_means_itself() -> None:
    assert [meaning_of(kind.exit_code) for kind in (UsageError, TransientError, WorkerError)] == [
        UsageError, TransientError, WorkerError,
    ]  # fmt: skip
