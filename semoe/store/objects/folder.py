"""Objects as files below a folder, on whatever file system (`semoe.creating`)."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from semoe.creating import create_bytes
from semoe.files import os_errors, write_bytes
from semoe.store.objects.contract import Stored, check_name, missing


class FolderObjects:
    """Each object is a file; half-written ones begin with a dot and are never listed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def url(self) -> str:
        """The folder."""
        return str(self._root)

    def put(self, name: str, *data: bytes) -> None:
        """Stores `data`: temporary file, fsync, rename."""
        write_bytes(self._path(name), *data)

    def create(self, name: str, data: bytes) -> bool:
        """Stores `data` only where nothing is; of several writers one alone succeeds."""
        return create_bytes(self._path(name), data)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Reads a file, or a part of it."""
        try:
            with self._path(name).open("rb") as file:
                file.seek(start)
                return file.read() if length is None else file.read(length)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise missing(self.url, name) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        """Walks the folder that `prefix` leads into."""
        found = []
        for folder, _, files in os.walk(self._root / prefix.rpartition("/")[0]):
            for file in (Path(folder) / name for name in files if not name.startswith(".")):
                name = file.relative_to(self._root).as_posix()
                # What another removes meanwhile is not there.
                with suppress(FileNotFoundError):
                    if name.startswith(prefix):
                        status = file.stat()
                        found.append(Stored(name, status.st_size, status.st_mtime))
        return iter(sorted(found, key=lambda stored: stored.name))

    def folders(self, prefix: str) -> Sequence[str]:
        """Looks at one folder."""
        place = self._root / prefix
        found = place.iterdir() if place.is_dir() else ()
        return sorted(path.name for path in found if path.is_dir() and not path.name.startswith("."))

    def delete(self, name: str) -> None:
        """Removes a file."""
        with os_errors(self._path(name)):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / check_name(name)
