"""An object as a file to read from front to back: large ones, a piece at a time."""

import io
from typing import BinaryIO, cast

from semoe.store.objects.contract import Objects

PIECE_BYTES = 8 << 20


def read_pieces(objects: Objects, name: str, size: int, start: int = 0, *, piece_bytes: int = PIECE_BYTES) -> BinaryIO:
    """Returns an object of a known size as a file, to be read from a byte on."""
    return cast(BinaryIO, io.BufferedReader(_Pieces(objects, name, size, start), piece_bytes))


class _Pieces(io.RawIOBase):
    """Reads each piece with one ranged GET."""

    def __init__(self, objects: Objects, name: str, size: int, start: int) -> None:
        super().__init__()
        self._objects = objects
        self._name = name
        self._size = size
        self._at = start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        buffer[:length] = self._objects.get(self._name, self._at, length)
        self._at += length
        return length
