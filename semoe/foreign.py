"""What a file is that nothing here reads, by what it begins with, and what makes a readable one of it.

Readers of corpora and of questions ask it before they call a file broken. It opens nothing.
"""

from pathlib import PurePath

_KNOWN = (
    (b"PK\x03\x04", "a zip archive", "unzip {0}"),
    (b"\xfd7zXZ\x00", "compressed by xz", "xz -d {0}"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -d {0}"),
    (b"BZh", "compressed by bzip2", "bunzip2 {0}"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "lz4 -d {0}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x {0}"),
    (b"PARE", "Parquet that is encrypted", "write {0} without encryption"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file", "git lfs pull"),
)
"""What a file begins with, what it is then, and the cure."""
WIKI_DOC = b"<doc id="
_MARKS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""Byte order marks; that of UTF-32 begins with that of UTF-16."""
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<mediawiki")


def to_utf8(encoding: str, path: str) -> str:
    """Returns the command that writes a text, gzipped or not, anew in UTF-8, under a name that is read."""
    ending = PurePath(path.removesuffix(".gz")).suffix or ".tsv"
    if path.endswith(".gz"):
        return f"zcat {path} | iconv -f {encoding} -t utf-8 > utf8{ending}"
    return f"iconv -f {encoding} -t utf-8 {path} > utf8{ending}"


def what_else(head: bytes, path: str) -> tuple[str, str] | None:
    """Returns what a file is, and the cure; None where it is none of what is known.

    Args:
        head: its first bytes, some hundred where it has them.
        path: for the cure.
    """
    for magic, what, cure in _KNOWN:
        if head.startswith(magic):
            return what, cure.format(path)
    if encoding := _encoding(head):
        return f"text in {encoding[:6].upper()}", to_utf8(encoding, path)
    if head[257:262] == b"ustar":
        return "a tar archive", f"tar -xf {path}"
    if head.lstrip().lower().startswith(_PAGES):
        return "HTML or XML", "download the file itself, not the page that leads to it."
    if head.lstrip().startswith(WIKI_DOC):
        return "WikiExtractor's own markup", "run WikiExtractor with --json."
    return None


def _encoding(head: bytes) -> str:
    """Returns which of Unicode's wider encodings a text is in; empty: none, as far as its first letters tell."""
    if found := next((encoding for mark, encoding in _MARKS if head.startswith(mark)), ""):
        return found
    if len(head) < 4 or not head[:4].isascii():
        return ""
    return "utf-16le" if head[1:4:2] == b"\0\0" else "utf-16be" if head[0:4:2] == b"\0\0" else ""
