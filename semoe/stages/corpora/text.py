"""The passages of a text: of a range of its bytes, or, where gzip packs it, of the whole."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from semoe.errors import UsageError
from semoe.foreign import to_utf8
from semoe.retrieval.dpr import DPR, Columns
from semoe.retrieval.formats import CSV, parsed
from semoe.retrieval.passage import Passage
from semoe.stages.corpora.places import counted

MOST_BYTES = 16 << 20
"""Of a line: what has no line ends is no text of passages, and would fill the memory."""
EVERYWHERE = 1 << 62


class TextReader:
    """Yields the passages whose records begin in a range."""

    def __init__(
        self,
        file: BinaryIO,
        path: str,
        written: str,
        start: int = 0,
        stop: int = EVERYWHERE,
        columns: Columns = DPR,
    ) -> None:
        """Reads nothing yet.

        Args:
            file: stands at `start`; it is closed at the end.
            path: for messages.
            written: how: one of `semoe.retrieval.formats`.
            start: the first byte of a record, or 0.
            stop: bytes from here on begin no record of the range.
            columns: of a table; from byte 0 on its header says them.
        """
        self._file = file
        self._where = path + (f", from byte {start}" if start else "")
        self._path = path
        self._written = written
        self._start = start
        self._stop = stop
        self._columns = columns if start else None
        self.end = start
        """Where the record that was read last ended."""

    @property
    def done(self) -> int:
        """How far it has read, in bytes as they are stored."""
        return self.end

    def __iter__(self) -> Iterator[Passage]:
        with self._file:
            for passage in parsed(self._lines(), self._where, self._written, self._columns):
                yield passage
                if self.end >= self._stop:
                    return

    def _lines(self) -> Iterator[str]:
        # In a file with quotes a record may go on behind the end of a line.
        stop = EVERYWHERE if self._written == CSV else self._stop
        number = 0
        while self.end < stop:
            line = self._file.readline(MOST_BYTES)
            if not line:
                return
            number += 1
            text = self._decoded(line, number)
            is_first = not self.end
            self.end += len(line)
            yield text.removeprefix("\ufeff") if is_first else text

    def _decoded(self, line: bytes, number: int) -> str:
        if len(line) == MOST_BYTES:
            raise UsageError(
                f"{self._where}, line {number}: no line's end within {MOST_BYTES >> 20} MiB. A corpus has a passage in "
                "each line.",
                kind="broken-file",
            )
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{self._where}, line {number}: no UTF-8 text (byte "
                f"{line[error.start]:#04x}, at {self.end + error.start}). Convert it; from Latin-1: "
                f"{to_utf8('latin1', self._path)}",
                kind="broken-file",
            ) from error


class PackedReader:
    """Yields the passages of a gzipped text: all of them in a range with its first byte, otherwise none."""

    def __init__(self, file: BinaryIO, path: str, written: str, size: int, start: int = 0) -> None:
        """Reads nothing yet.

        Args:
            file: stands at its first byte; it is closed at the end.
            path: for messages.
            written: how, within gzip.
            size: bytes, packed.
            start: where the range begins.
        """
        self._file, self._read = counted(file)
        self._path = path
        self._written = written
        self._size = size
        self.end = start

    @property
    def done(self) -> int:
        """How far it has read, in bytes as they are stored."""
        return self._read.num_bytes

    def __iter__(self) -> Iterator[Passage]:
        with self._file:
            if not self.end:
                unpacked = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=self._file)), 1 << 17)
                yield from self._told(TextReader(cast(BinaryIO, unpacked), self._path, self._written))
            self.end = self._size

    def _told(self, passages: TextReader) -> Iterator[Passage]:
        try:
            yield from passages
        except EOFError as error:
            raise UsageError(
                f"{self._path} ends early: its gzip stream is cut short behind {passages.end:,} bytes of text. "
                "Download it again (gzip -t tells whether it is whole).",
                kind="broken-file",
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UsageError(
                f"{self._path} is broken gzip ({error}), behind {passages.end:,} bytes of text. Download it again.",
                kind="broken-file",
            ) from error
