"""Which experts there are and where, for a million of them: 64 bytes an expert in memory.

Rows are sorted by key, so a look-up is a binary search. Titles and losses stay in the packs' indexes.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semoe.store.pack import ExpertEntry

ROW = np.dtype(
    [("high", ">u8"), ("low", ">u8"), ("segment", "<u4"), ("length", "<u4"), ("offset", "<u8"), ("sha", "V32")]
)
"""An expert: the first 16 bytes of its key, its segment's number, its range and its SHA-256."""


class Place(NamedTuple):
    """Where an expert lies."""

    segment: str
    offset: int
    length: int
    sha256: str


class Catalog:
    """The experts of the segments that commits name."""

    def __init__(self) -> None:
        self._segments: list[str] = []
        self._rows: NDArray[np.void] = np.empty(0, ROW)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def segments(self) -> frozenset[str]:
        """The segments it knows."""
        return frozenset(self._segments)

    @property
    def num_bytes(self) -> int:
        """Memory of the rows."""
        return self._rows.nbytes

    def add(self, segments: Iterable[tuple[str, list[ExpertEntry]]]) -> None:
        """Takes up new segments; of an expert that is in several, the first stays."""
        fresh = [self._rows]
        for name, entries in segments:
            fresh.append(_rows(len(self._segments), entries))
            self._segments.append(name)
        rows = np.concatenate(fresh)
        rows = rows[np.lexsort((rows["low"], rows["high"]))]
        repeated = (rows["high"][1:] == rows["high"][:-1]) & (rows["low"][1:] == rows["low"][:-1])
        self._rows = rows[np.concatenate(([True], ~repeated))] if len(rows) else rows

    def find(self, key: str) -> Place | None:
        """Returns where an expert lies, or None."""
        high, low = int(key[:16], 16), int(key[16:32], 16)
        at = int(np.searchsorted(self._rows["high"], np.uint64(high)))
        while at < len(self._rows) and self._rows["high"][at] == high:
            row = self._rows[at]
            if row["low"] == low:
                sha = bytes(row["sha"]).hex()
                return Place(self._segments[row["segment"]], int(row["offset"]), int(row["length"]), sha)
            at += 1
        return None


def _rows(segment: int, entries: list[ExpertEntry]) -> NDArray[np.void]:
    rows = [
        (int(e.key[:16], 16), int(e.key[16:32], 16), segment, e.length, e.offset, bytes.fromhex(e.sha256))
        for e in entries
    ]
    return np.array(rows, ROW)
