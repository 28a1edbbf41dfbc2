"""An object as a file to read from front to back: large ones, a piece at a time."""

import io
from typing import BinaryIO, cast

from semoe.store.objects.contract import Objects, missing

PIECE_BYTES = 8 << 20


def open_object(objects: Objects, name: str, start: int = 0, *, piece_bytes: int = PIECE_BYTES) -> tuple[BinaryIO, int]:
    """Opens an object, to be read from a byte on; returns the file and the object's size in bytes.

    Raises:
        MissingObjectError: it is not there.
    """
    found = next((one for one in objects.list(name) if one.name == name), None)
    if found is None:
        raise missing(objects.url, name)
    return cast(BinaryIO, io.BufferedReader(_Pieces(objects, name, found.size, start), piece_bytes)), found.size


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
