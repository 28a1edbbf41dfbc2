"""What a file is that nothing here reads, by what it begins with, and what makes a readable one of it.

Readers of corpora and of questions ask it before they call a file broken. It opens nothing.
"""

_KNOWN = (
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
WIKI_DOC = b"<doc id="
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<mediawiki")


def what_else(head: bytes, path: str) -> tuple[str, str] | None:
    """Returns what a file is, and the cure; None where it is none of what is known.

    Args:
        head: its first bytes, some hundred where it has them.
        path: for the cure.
    """
    for magic, what, cure in _KNOWN:
        if head.startswith(magic):
            return what, cure.format(path)
    if head[257:262] == b"ustar":
        return "a tar archive", f"tar -xf {path}"
    if head[:4].isascii() and head[1:4:2] == b"\0\0":
        return "text in UTF-16", f"iconv -f utf-16le -t utf-8 {path} > utf8.tsv"
    if head.lstrip().lower().startswith(_PAGES):
        return "HTML or XML", "download the file itself, not the page that leads to it."
    if head.lstrip().startswith(WIKI_DOC):
        return "WikiExtractor's own markup", "run WikiExtractor with --json."
    return None
