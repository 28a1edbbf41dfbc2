"""Packs: many experts in one immutable object, and the index that says where each lies.

    segments/{aa}/{segment}.pack   safetensors blobs, one behind the other
    segments/{aa}/{segment}.idx    JSON lines: a header, then one line an expert

A pack's name hashes its experts' digests and a random salt: what it names never changes, and no attempt brings back an
old orphan that is just being removed. An expert is one range of its pack, checked against its own digest. See
docs/store-format.md.
"""

import math
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from semoe.errors import CorruptError, UsageError
from semoe.store.digest import digest
from semoe.words import counted

FORMAT = "semoe-pack-index"
VERSION = 2
READABLE = (1, VERSION)
"""Version 1 did not say what an expert learnt."""
MAX_EXPERT_BYTES = (1 << 32) - 1
PACK_BYTES = 64 << 20
"""Large enough that a pack is worth its round trips."""
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
    digest: str
    """BLAKE3 of its bytes, hex."""
    title: str
    num_tokens: int
    """Tokens it was trained on."""
    loss: float
    """At its last step; NaN where it was not finite."""
    learnt: str = ""
    """Digest of what it read of its passage (`semoe.experts.sequences`); empty where an earlier version wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """One expert on its way into a pack."""

    key: str
    data: bytes
    """A safetensors file."""
    title: str
    num_tokens: int
    loss: float
    learnt: str = ""

    def __post_init__(self) -> None:
        if not _HEX64.fullmatch(self.key) or not 0 < len(self.data) <= MAX_EXPERT_BYTES:
            raise UsageError(
                f"Expert {self.key!r} of {counted(len(self.data), 'byte')} cannot be stored.", kind="bad-expert"
            )


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack and its index, ready to be written."""

    segment: str
    """Its name."""
    parts: Sequence[bytes]
    """Its bytes, one behind the other."""
    index: bytes
    entries: Sequence[ExpertEntry]


def pack_name(segment: str) -> str:
    """Returns the object name of a pack."""
    return f"segments/{segment[:2]}/{segment}.pack"


def index_name(segment: str) -> str:
    """Returns the object name of a pack's index."""
    return f"segments/{segment[:2]}/{segment}.idx"


def packs_of(blobs: Sequence[Blob], pack_bytes: int) -> Iterator[Sequence[Blob]]:
    """Yields runs of experts, in their order; each is ended by the one with which it reaches `pack_bytes`."""
    run: list[Blob] = []
    num_bytes = 0
    for blob in blobs:
        run.append(blob)
        num_bytes += len(blob.data)
        if num_bytes >= pack_bytes:
            yield run
            run, num_bytes = [], 0
    if run:
        yield run


def build_pack(blobs: Sequence[Blob]) -> Pack:
    """Lays experts one behind the other."""
    salt = secrets.token_bytes(SALT_BYTES)
    entries: list[ExpertEntry] = []
    at = 0
    for blob in blobs:
        entry = ExpertEntry(
            key=blob.key, offset=at, length=len(blob.data), digest=digest(blob.data).hex(),
            title=blob.title, num_tokens=blob.num_tokens, loss=blob.loss, learnt=blob.learnt,
        )  # fmt: skip
        entries.append(entry)
        at += len(blob.data)
    segment = _segment(salt, entries)
    header = {
        "format": FORMAT, "version": VERSION, "pack": segment, "salt": salt.hex(), "size": at, "count": len(entries),
    }  # fmt: skip
    index = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in [header, *map(asdict, entries)])
    return Pack(segment, [blob.data for blob in blobs], index, entries)


def read_index(data: bytes, segment: str) -> list[ExpertEntry]:
    """Reads a pack's index.

    Raises:
        CorruptError: another format or version, another pack's index, a cut line, or ranges that are not the pack's.
    """
    try:
        header, *lines = [orjson.loads(line) for line in data.splitlines()]
        _check_header(header, segment, len(lines))
        entries = [_entry(line) for line in lines]
        same = _segment(bytes.fromhex(header["salt"]), entries) == segment
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise CorruptError(f"The index of pack {segment} is damaged ({error}).", kind="corrupt-index") from error
    if not same:
        raise CorruptError(f"The index of pack {segment} is damaged: its digests changed.", kind="corrupt-index")
    end = 0
    for entry in entries:
        _check_entry(entry, segment, end)
        end += entry.length
    if end != header["size"]:
        raise CorruptError(f"The index of pack {segment} has a bad entry: the sizes differ.", kind="corrupt-index")
    return entries


def find_damage(data: bytes, entries: Sequence[ExpertEntry]) -> list[str]:
    """Returns the keys of the experts that are not what they were in a pack's bytes."""
    view = memoryview(data)
    return [e.key for e in entries if digest(view[e.offset : e.offset + e.length]).hex() != e.digest]


def _entry(line: dict[str, Any]) -> ExpertEntry:
    """JSON knows no NaN and no infinity: such a loss is written as null."""
    loss = line["loss"]
    return ExpertEntry(**line | {"loss": math.nan if loss is None else float(loss)})


def _segment(salt: bytes, entries: Sequence[ExpertEntry]) -> str:
    """A pack's name hashes its experts' digests: it tells of every byte, and each byte is hashed once."""
    return digest(salt, *(bytes.fromhex(entry.digest) for entry in entries)).hex()


def _check_header(header: Any, segment: str, count: int) -> None:
    found = header.get("format"), header.get("version")
    if found[0] != FORMAT or found[1] not in READABLE:
        raise CorruptError(
            f"The index of pack {segment} is {found[0]} version {found[1]}; this program reads {FORMAT} "
            f"up to version {VERSION}. Use the program that made it.",
            kind="unknown-version" if found[0] == FORMAT else "corrupt-index",
        )
    if header.get("pack") != segment or header.get("count") != count:
        raise CorruptError(f"The index of pack {segment} is cut or another pack's.", kind="corrupt-index")


def _check_entry(entry: ExpertEntry, segment: str, end: int) -> None:
    """Nothing is allocated or read on an index's word alone: experts lie one behind the other from 0 to the size."""
    numbers = all(isinstance(value, int) for value in (entry.offset, entry.length))
    inside = numbers and entry.offset == end and 0 < entry.length <= MAX_EXPERT_BYTES
    if not (inside and isinstance(entry.key, str) and _HEX64.fullmatch(entry.key)):
        raise CorruptError(f"The index of pack {segment} has a bad entry for {entry.key!r}.", kind="corrupt-index")
