"""Passages from columns, as Parquet and Arrow files have them; what pyarrow says of a broken file, in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from semoe.errors import UsageError
from semoe.missing import require_package
from semoe.retrieval.fields import EXPECTED, IDS, KNOWN, TEXTS, passage_of
from semoe.retrieval.passage import Passage


@contextmanager
def arrow_errors(path: str) -> Iterator[None]:
    """Turns pyarrow's errors, and its absence, into errors that name the file.

    Raises:
        UsageError: pyarrow is not installed, or refuses the file.
    """
    require_package("pyarrow", path)
    from pyarrow import ArrowException  # noqa: PLC0415  (an extra, and slow to import)

    try:
        yield
    except (ArrowException, OSError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise UsageError(f"{path} cannot be read: {said}. Download it again.", kind="broken-file") from error


def columns_of(names: Sequence[str], path: str) -> list[str]:
    """Returns which of a file's columns passages are made of.

    Raises:
        UsageError: there is none for the id, or for the text.
    """
    if not set(names) & set(IDS) or not set(names) & set(TEXTS):
        raise UsageError(
            f"{path}: {EXPECTED}, found the columns {', '.join(names)}. Rename them (pyarrow: rename_columns), or "
            "write JSON Lines.",
            kind="broken-file",
        )
    known = [name for name in names if name in KNOWN]
    if repeated := next((name for name in known if known.count(name) > 1), None):
        raise UsageError(
            f"{path} has several columns {repeated}. Write it with one of them, and other names for the others.",
            kind="broken-file",
        )
    return known


def passages_of(batch: Any, names: Sequence[str], path: str, first_row: int) -> Iterator[Passage]:
    """Yields the passages of a record batch.

    Args:
        batch: of pyarrow.
        names: of the columns that are wanted.
        path: for messages.
        first_row: how many rows of the file stand before it, for messages.

    Raises:
        UsageError: a row is no passage.
    """
    try:
        columns = [batch.column(name).to_pylist() for name in names]
    except UnicodeDecodeError as error:
        raise _no_text(error, path, first_row) from error
    except ValueError as error:  # of times finer than Python's
        raise UsageError(
            f"{path}, row {first_row + 1} or soon behind it: {error}. Write that column as texts.", kind="broken-file"
        ) from error
    for number, row in enumerate(zip(*columns, strict=True), first_row + 1):
        values = [_text(one, path, number) for one in row] if bytes in map(type, row) else row
        yield passage_of(dict(zip(names, values, strict=True)), f"{path}, row {number}")


def _text(value: Any, path: str, number: int) -> Any:
    """Returns a value, a text where it is the bytes of one."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError as error:
        raise _no_text(error, path, number) from error


def _no_text(error: UnicodeDecodeError, path: str, number: int) -> UsageError:
    return UsageError(
        f"{path}, row {number} or soon behind it: no UTF-8 text (byte {error.object[error.start]:#04x}). Write the "
        "file again with texts in UTF-8.",
        kind="broken-file",
    )
