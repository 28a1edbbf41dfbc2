"""What a file is by what it begins with, whatever it is called; what cannot be read is named as what it is."""

import zlib
from dataclasses import dataclass

from semoe.errors import UsageError
from semoe.retrieval.formats import ARROW, PARQUET, text_format

HEAD_BYTES = 1 << 12
GZIP, PARQUET_MAGIC, ARROW_MAGIC, ARROW_STREAM = b"\x1f\x8b", b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHERS = (
    (b"PK\x03\x04", "a zip archive", "unzip {0}"),
    (b"\xfd7zXZ\x00", "compressed by xz", "xz -d {0}"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -d {0}"),
    (b"BZh", "compressed by bzip2", "bunzip2 {0}"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "lz4 -d {0}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x {0}"),
    (b"\xff\xfe", "text in UTF-16", "iconv -f utf-16 -t utf-8 {0} > utf8.tsv"),
    (b"\xfe\xff", "text in UTF-16", "iconv -f utf-16 -t utf-8 {0} > utf8.tsv"),
    (b"PARE", "Parquet that is encrypted", "write {0} without encryption"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file", "git lfs pull"),
)
"""What a file begins with, what it is then, and the cure."""
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<mediawiki")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file is."""

    written: str
    """How: one of `semoe.retrieval.formats`."""
    is_packed: bool = False
    """By gzip."""


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
        return Contents(_text(_unpacked(head, path), path, said, is_packed=True), is_packed=True)
    if head.startswith(PARQUET_MAGIC):
        return Contents(PARQUET)
    if head.startswith((ARROW_MAGIC, ARROW_STREAM)):
        return Contents(ARROW)
    named = next((one for one in ("parquet", "arrow", "feather") if path.lower().endswith(f".{one}")), None)
    written = _text(head, path, said)
    if named:
        raise UsageError(f"{path} does not begin as {named.title()} does. Download it again.", kind="broken-file")
    return Contents(written)


def _text(head: bytes, path: str, said: str, *, is_packed: bool = False) -> str:
    head = head.removeprefix(BYTE_ORDER_MARK)
    what, cure = _other(head, path, said)
    if what:
        within = "gzip round what is " if is_packed else ""
        raise UsageError(f"{path} is {within}{what}. Convert it: {cure}", kind="other-format")
    return text_format(path, said, head)


def _other(head: bytes, path: str, said: str) -> tuple[str, str]:
    """Returns what else than a text a file is, and the cure; empty where it is none of what is known."""
    start = head.lstrip()
    known = [(head.startswith(magic), what, cure.format(path)) for magic, what, cure in _OTHERS]
    known += [
        (head[257:262] == b"ustar", "a tar archive", f"tar -xf {path}"),
        (head.startswith((PARQUET_MAGIC, ARROW_MAGIC, ARROW_STREAM, GZIP)), "packed or in columns", f"gunzip {path}"),
        (
            head[:4].isascii() and head[1:4:2] == b"\0\0",
            "text in UTF-16",
            f"iconv -f utf-16le -t utf-8 {path} > utf8.tsv",
        ),
        (start.lower().startswith(_PAGES), "HTML or XML", "download the corpus, not the page that leads to it."),
        (start.startswith(b"[") and not said, "one JSON array", f"jq -c '.[]' {path} > corpus.jsonl"),
    ]
    return next(((what, cure) for is_it, what, cure in known if is_it), ("", ""))


def _unpacked(head: bytes, path: str) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error as error:
        raise UsageError(f"{path} is broken gzip ({error}). Download it again.", kind="broken-file") from error
