"""What a file is by what it begins with, whatever it is called; what cannot be read is named as what it is."""

import zlib
from dataclasses import dataclass

from semoe.errors import UsageError
from semoe.foreign import WIKI_DOC, what_else
from semoe.retrieval.dpr import DPR, Columns, columns_in
from semoe.retrieval.formats import ARROW, CSV, PARQUET, PLAIN, text_format

HEAD_BYTES = 1 << 12
GZIP, PARQUET_MAGIC, ARROW_MAGIC, ARROW_STREAM = b"\x1f\x8b", b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file is."""

    written: str
    """How: one of `semoe.retrieval.formats`."""
    is_packed: bool = False
    """By gzip."""
    columns: Columns = DPR
    """Of a table, as its header names them."""


def contents_of(head: bytes, path: str, said: str = "") -> Contents:
    """Looks at what a file begins with.

    Args:
        head: its first bytes, `HEAD_BYTES` where it has them.
        path: for messages; of a text the name tells how it is written.
        said: by the user, how a text is written.

    Raises:
        UsageError: it is none of what is read; the message says what it is, and what to do.
    """
    if head.startswith(GZIP):
        return _text(unpacked(head, path, HEAD_BYTES), path, said, is_packed=True)
    if head.startswith(PARQUET_MAGIC):
        return Contents(PARQUET)
    if head.startswith((ARROW_MAGIC, ARROW_STREAM)):
        return Contents(ARROW)
    named = next((one for one in ("parquet", "arrow", "feather") if path.lower().endswith(f".{one}")), None)
    found = _text(head, path, said)
    if named:
        raise UsageError(f"{path} does not begin as {named.title()} does. Download it again.", kind="broken-file")
    return found


def begins_as_passages(head: bytes, path: str) -> bool:
    """Whether a file whose name says nothing may be of a corpus: it begins as JSON Lines do, or as WikiExtractor's."""
    begin = (unpacked(head, path, HEAD_BYTES) if head.startswith(GZIP) else head).removeprefix(BYTE_ORDER_MARK).lstrip()
    return begin.startswith((b"{", WIKI_DOC))


def _text(head: bytes, path: str, said: str, *, is_packed: bool = False) -> Contents:
    head = head.removeprefix(BYTE_ORDER_MARK)
    what, cure = _other(head, path, said)
    if what:
        within = "gzip round what is " if is_packed else ""
        raise UsageError(f"{path} is {within}{what}. Convert it: {cure}", kind="other-format")
    written = text_format(path, said, head)
    line = head.partition(b"\n")[0].decode(errors="replace")
    # What is no header is told by whoever reads it, with its line.
    columns = columns_in(line, quoted=written == CSV) if written in (CSV, PLAIN) else None
    return Contents(written, is_packed, columns or DPR)


def _other(head: bytes, path: str, said: str) -> tuple[str, str]:
    """Returns what else than a text a file is, and the cure; empty where it is none of what is known."""
    if what := what_else(head, path):
        return what
    if head.startswith((PARQUET_MAGIC, ARROW_MAGIC, ARROW_STREAM, GZIP)):
        return "packed or in columns", f"gunzip {path}"
    if head.lstrip().startswith(b"[") and not said:
        return "one JSON array", f"jq -c '.[]' {path} > corpus.jsonl"
    return "", ""


def unpacked(data: bytes, path: str, most: int = 0) -> bytes:
    """Returns what the first bytes of a gzipped file hold, of its first stream `most` bytes; 0: of all streams all.

    Raises:
        UsageError: they are no gzip.
    """
    found = b""
    try:
        while data.startswith(GZIP):
            stream = zlib.decompressobj(wbits=31)
            found += stream.decompress(data, most)
            data = b"" if most else stream.unused_data
    except zlib.error as error:
        raise UsageError(f"{path} is broken gzip ({error}). Download it again.", kind="broken-file") from error
    return found
