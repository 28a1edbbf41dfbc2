"""Packs: many experts in one immutable object, and the index that says where each lies.

    segments/{aa}/{sha256}.pack   safetensors blobs, one behind the other, then 16 random bytes
    segments/{aa}/{sha256}.idx    JSON lines: a header, then one line an expert

Both are named by the pack's own SHA-256, so writing them again changes nothing. The random bytes make each attempt's
pack another object: none brings back an old orphan that is just being removed. An expert is one range of its pack,
checked against its own SHA-256. See docs/store-format.md.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from semoe.errors import CorruptError, UsageError

FORMAT, VERSION = "semoe-pack-index", 1
MAX_EXPERT_BYTES = (1 << 32) - 1
SALT_BYTES = 16
_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertEntry:
    """One expert as the index of its pack tells it."""

    key: str
    """SHA-256 of its passage, hex."""
    offset: int
    """First byte in the pack."""
    length: int
    """Bytes."""
    sha256: str
    """Of its bytes, hex."""
    title: str
    num_tokens: int
    """Tokens it was trained on."""
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """One expert on its way into a pack."""

    key: str
    data: bytes
    """A safetensors file."""
    title: str
    num_tokens: int
    loss: float

    def __post_init__(self) -> None:
        if not _HEX64.fullmatch(self.key) or not 0 < len(self.data) <= MAX_EXPERT_BYTES:
            raise UsageError(f"Expert {self.key!r} of {len(self.data)} bytes cannot be stored.", kind="bad-expert")


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack and its index, ready to be written."""

    sha256: str
    data: bytes
    index: bytes
    entries: Sequence[ExpertEntry]


def pack_name(sha256: str) -> str:
    """Returns the object name of a pack."""
    return f"segments/{sha256[:2]}/{sha256}.pack"


def index_name(sha256: str) -> str:
    """Returns the object name of a pack's index."""
    return f"segments/{sha256[:2]}/{sha256}.idx"


def build_pack(blobs: Sequence[Blob]) -> Pack:
    """Joins experts."""
    data = b"".join([*(blob.data for blob in blobs), secrets.token_bytes(SALT_BYTES)])
    sha256, at, entries = hashlib.sha256(data).hexdigest(), 0, list[ExpertEntry]()
    for blob in blobs:
        entry = ExpertEntry(
            key=blob.key, offset=at, length=len(blob.data), sha256=hashlib.sha256(blob.data).hexdigest(),
            title=blob.title, num_tokens=blob.num_tokens, loss=blob.loss,
        )  # fmt: skip
        entries.append(entry)
        at += len(blob.data)
    header = {"format": FORMAT, "version": VERSION, "pack": sha256, "size": len(data), "count": len(entries)}
    index = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in [header, *map(asdict, entries)])
    return Pack(sha256, data, index, entries)


def read_index(data: bytes, sha256: str) -> list[ExpertEntry]:
    """Reads a pack's index.

    Raises:
        CorruptError: another format or version, another pack's index, a cut line, or a range outside the pack.
    """
    try:
        header, *lines = [orjson.loads(line) for line in data.splitlines()]
        _check_header(header, sha256, len(lines))
        entries = [ExpertEntry(**line) for line in lines]
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptError(f"The index of pack {sha256} is damaged ({error}).", kind="corrupt-index") from error
    for entry in entries:
        _check_entry(entry, sha256, header["size"])
    return entries


def _check_header(header: Any, sha256: str, count: int) -> None:
    found = header.get("format"), header.get("version")
    if found != (FORMAT, VERSION):
        raise CorruptError(
            f"The index of pack {sha256} is {found[0]} version {found[1]}; this program reads {FORMAT} "
            f"version {VERSION}. Use the program that made it.",
            kind="unknown-version" if found[0] == FORMAT else "corrupt-index",
        )
    if header.get("pack") != sha256 or header.get("count") != count or not isinstance(header.get("size"), int):
        raise CorruptError(f"The index of pack {sha256} is cut or another pack's.", kind="corrupt-index")


def _check_entry(entry: ExpertEntry, sha256: str, size: int) -> None:
    """Nothing is allocated or read on an index's word alone."""
    numbers = all(isinstance(value, int) for value in (entry.offset, entry.length))
    inside = numbers and entry.offset >= 0 and 0 < entry.length <= MAX_EXPERT_BYTES
    hashes = all(isinstance(value, str) and _HEX64.fullmatch(value) for value in (entry.key, entry.sha256))
    if not (inside and hashes and entry.offset + entry.length <= size):
        raise CorruptError(f"The index of pack {sha256} has a bad entry for {entry.key!r}.", kind="corrupt-index")
