"""The records of a file of questions, however they are written: what the file holds says so, not its name.

Loaders call it; it knows no dataset. JSON arrays, JSON Lines and Parquet, the first two also packed by gzip.
"""

import gzip
import zlib
from pathlib import Path
from typing import Any

import orjson

from semoe.datasets.records import broken_record
from semoe.errors import UsageError
from semoe.files import parse_json
from semoe.foreign import to_utf8, what_else
from semoe.missing import missing_package

ENDINGS = (".json", ".jsonl", ".ndjson", ".parquet")
"""Of files of questions; `.gz` may follow."""
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_EXPECTED = "expected questions as an array of objects, JSON Lines (an object a line) or Parquet"


def read_records(path: Path) -> list[dict[str, Any]]:
    """Reads the records of a file, in order.

    Raises:
        UsageError: the file is missing, empty, broken, or holds something else than records.
    """
    data = read_data(path)
    return _objects(_of_parquet(data, path) if data.startswith(_PARQUET) else _of_text(as_text(data, path), path), path)


def read_data(path: Path) -> bytes:
    """Returns what a file holds, unpacked.

    Raises:
        UsageError: it is missing, unreadable, cut short, or of a kind that nothing here reads.
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP) else data
    except FileNotFoundError as error:
        raise UsageError(f"File not found: {path}. Check the path.", kind="missing-file") from error
    except EOFError as error:
        raise _broken(path, "ends early: its gzip stream is cut short. Download it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _broken(path, f"is broken gzip ({error}). Download it again.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", kind="unreadable-file") from error
    if what := what_else(data[:512], str(path)):
        raise UsageError(f"{path} is {what[0]}. Convert it: {what[1]}", kind="other-format")
    return data


def as_text(data: bytes, path: Path) -> str:
    """Returns bytes as text, without a byte order mark.

    Raises:
        UsageError: they are empty, or not UTF-8; the message has the line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _broken(
            path,
            f"is not UTF-8 at byte {error.start} (line {line}). Convert it; from Latin-1: "
            f"{to_utf8('latin1', str(path))}",
        ) from error
    if not text.strip():
        raise UsageError(f"{path} is empty. Download or make it again.", kind="empty-file")
    return text


def is_records(data: bytes) -> bool:
    """Whether a file holds records rather than a table."""
    return data.startswith(_PARQUET) or data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def own_name(path: Path) -> str:
    """Returns the name of a user's own questions: the file's, without its endings."""
    name = path.name.removesuffix(".gz")
    return next((name.removesuffix(end) for end in ENDINGS if name.endswith(end)), path.stem).replace(".", "_")


def _of_text(text: str, path: Path) -> Any:
    start = text.lstrip()[:1]
    if start == "[":
        return parse_json(text, path, first_line=1)
    if start != "{":
        raise _broken(path, f"{_EXPECTED}; line 1 is {text.strip().splitlines()[0][:60]!r}.")
    try:
        return _alone(orjson.loads(text), path)
    except orjson.JSONDecodeError:
        # Not splitlines(): a text may hold a line separator that is none to JSON.
        return [parse_json(line, path, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _alone(value: dict[str, Any], path: Path) -> list[Any]:
    """One object: the only record, or something round the questions."""
    if "question" in value:
        return [value]
    inner = next((name for name, items in value.items() if _is_list_of_records(items)), None)
    cure = f" Take the list in it: jq -c '.{inner}[]' {path} > {inner}.jsonl" if inner else " Is it the right file?"
    raise _broken(path, f"{_EXPECTED}, found one object with {', '.join(value) or 'nothing in it'}.{cure}")


def _is_list_of_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _of_parquet(data: bytes, path: Path) -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra, and slow to import)
        from pyarrow import parquet  # noqa: PLC0415  (likewise)
    except ModuleNotFoundError as error:
        raise missing_package(error) or error from error
    try:
        table = parquet.ParquetFile(pa.BufferReader(data)).read()
        if repeated := next((name for name in table.column_names if table.column_names.count(name) > 1), None):
            raise _broken(path, f"has several columns {repeated}. Write it with one of them.")
        return table.to_pylist()
    except UnicodeDecodeError as error:
        raise _broken(path, f"has a text that is not UTF-8 ({error.reason}). Write it again in UTF-8.") from error
    except (pa.ArrowException, OSError) as error:
        raise _broken(path, f"is broken Parquet ({error}). Download it again.") from error
    except ValueError as error:  # of times finer than Python's, in whatever column
        raise _broken(path, f"has a value that cannot be read ({error}). Write it as a text.") from error


def _objects(value: Any, path: Path) -> list[dict[str, Any]]:
    if not value:
        raise UsageError(f"{path} holds no records. Download or make it again.", kind="empty-file")
    for number, record in enumerate(value, 1):
        if not isinstance(record, dict):
            raise broken_record(path, number, "expected an object. Repair or remove it.")
    return list(value)


def _broken(path: Path, problem: str) -> UsageError:
    return UsageError(f"{path}{': ' if problem.startswith('expected') else ' '}{problem}", kind="broken-file")
