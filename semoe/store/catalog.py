"""Which experts there are and where, for a million of them: under 64 bytes an expert in memory.

    K experts, sorted by the first 8 bytes of their keys, so that a look-up is a binary search

Titles and losses stay in the packs' indexes.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semoe.store.pack import ExpertEntry

HASH_BYTES = 24
"""Of an expert's digest: 192 bits are enough to know its bytes by."""
ROW = np.dtype([("low", "<u8"), ("segment", "<u4"), ("length", "<u4"), ("offset", "<u8"), ("digest", f"V{HASH_BYTES}")])
"""An expert: bytes 8 to 16 of its key, its segment's number, its range, the beginning of its digest."""
Heads = NDArray[np.uint64]
Rows = NDArray[np.void]


class Place(NamedTuple):
    """Where an expert lies."""

    segment: str
    offset: int
    length: int
    digest: str
    """The first 24 bytes of its BLAKE3, hex."""


class Catalog:
    """The experts of the segments that commits name."""

    def __init__(self, segments: Sequence[str] = (), heads_K: Heads | None = None, rows_K: Rows | None = None) -> None:
        self._segments = list(segments)
        # One assignment changes both, so a thread that looks something up meanwhile sees a whole catalog.
        self._arrays = (
            np.empty(0, np.uint64) if heads_K is None else heads_K,
            np.empty(0, ROW) if rows_K is None else rows_K,
        )

    def __len__(self) -> int:
        return len(self._arrays[0])

    @property
    def segments(self) -> Sequence[str]:
        """The segments it knows, in the order in which it learnt of them."""
        return self._segments

    @property
    def used_segments(self) -> Sequence[str]:
        """The same without those that hold no expert of this catalog."""
        return [self._segments[number] for number in np.unique(self._arrays[1]["segment"])]

    @property
    def arrays(self) -> tuple[Heads, Rows]:
        """The first 8 bytes of each key, [K] in order, and the rows, [K]."""
        return self._arrays

    @property
    def num_bytes(self) -> int:
        """Memory of the rows."""
        return sum(array.nbytes for array in self._arrays)

    def add(self, segments: Iterable[tuple[str, Sequence[ExpertEntry]]]) -> None:
        """Takes up new segments; of an expert that is in several, the first stays."""
        entries: list[ExpertEntry] = []
        numbers: list[int] = []
        for name, own in segments:
            entries += own
            numbers += [len(self._segments)] * len(own)
            self._segments.append(name)
        if entries:
            self._insert(*_distinct(_heads(entries), _rows(entries, numbers)))

    def and_also(self, other: "Catalog") -> "Catalog":
        """Returns a catalog of what either knows; this one's places go first."""
        known = {name: number for number, name in enumerate(self._segments)}
        numbers = [known.setdefault(name, len(known)) for name in other._segments]
        heads, their_rows = other._arrays
        rows = their_rows.copy()
        rows["segment"] = np.array(numbers, np.uint32)[rows["segment"]]
        both = Catalog(list(known), *self._arrays)
        both._insert(heads, rows)
        return both

    def drop(self, segment: str) -> None:
        """Forgets the experts of a segment."""
        if segment in self._segments:
            heads, rows = self._arrays
            kept = rows["segment"] != self._segments.index(segment)
            self._arrays = heads[kept], rows[kept]

    def only(self, segments: Collection[str]) -> "Catalog":
        """Returns a catalog of those experts that lie in some segments."""
        wanted = set(segments)
        heads, rows = self._arrays
        kept = np.array([name in wanted for name in self._segments], bool)[rows["segment"]]
        numbers, own = np.unique(rows["segment"][kept], return_inverse=True)
        rows = rows[kept]
        rows["segment"] = own
        return Catalog([self._segments[number] for number in numbers], heads[kept], rows)

    def find(self, key: str) -> Place | None:
        """Returns where an expert lies, or None."""
        head = int(key[:16], 16)
        low = int(key[16:32], 16)
        heads, rows = self._arrays
        # As numpy's own type: beside a plain integer all heads would become floats, which do not hold 64 bits.
        at = int(heads.searchsorted(np.uint64(head)))
        while at < len(heads) and heads[at] == head:
            row = rows[at]
            if row["low"] == low:
                return Place(
                    self._segments[row["segment"]], int(row["offset"]), int(row["length"]), bytes(row["digest"]).hex()
                )
            at += 1
        return None

    def segments_of(self, beginning: str) -> list[str]:
        """Returns the segments that may hold keys which begin so (hex digits)."""
        if not set(beginning) <= set("0123456789abcdef"):
            return []
        low, high = (np.uint64(int(beginning[:16].ljust(16, digit), 16)) for digit in "0f")
        heads, all_rows = self._arrays
        rows = all_rows[heads.searchsorted(low) : heads.searchsorted(high, "right")]
        return [self._segments[number] for number in np.unique(rows["segment"])]

    def _insert(self, heads: Heads, rows: Rows) -> None:
        own_heads, own_rows = self._arrays
        at = own_heads.searchsorted(heads)
        if len(own_heads):
            # A key behind the last has its place past the end, where there is nothing to compare with.
            there = np.minimum(at, len(own_heads) - 1)
            new = (own_heads[there] != heads) | (own_rows["low"][there] != rows["low"])
            at = at[new]
            heads = heads[new]
            rows = rows[new]
        self._arrays = np.insert(own_heads, at, heads), np.insert(own_rows, at, rows)


def _heads(entries: Sequence[ExpertEntry]) -> Heads:
    return np.array([int(entry.key[:16], 16) for entry in entries], np.uint64)


def _rows(entries: Sequence[ExpertEntry], segments: Sequence[int]) -> Rows:
    rows = [
        (int(e.key[16:32], 16), segment, e.length, e.offset, bytes.fromhex(e.digest)[:HASH_BYTES])
        for e, segment in zip(entries, segments, strict=True)
    ]
    return np.array(rows, ROW)


def _distinct(heads: Heads, rows: Rows) -> tuple[Heads, Rows]:
    """Sorts by key; of equal keys the first stays."""
    order = np.lexsort((rows["low"], heads))
    heads = heads[order]
    rows = rows[order]
    new = np.ones(len(heads), bool)
    new[1:] = (heads[1:] != heads[:-1]) | (rows["low"][1:] != rows["low"][:-1])
    return heads[new], rows[new]
