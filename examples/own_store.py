"""A back end of the store of your own: all experts in one SQLite file.

python examples/own_store.py     `semoe.store.objects.testing.ObjectsContract` has the tests that it must pass
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

from semoe.store.expert_store import ExpertStore
from semoe.store.objects.contract import Stored, check_name, missing
from semoe.store.pack import Blob


class SqliteObjects:
    """Six methods and an address: what folders and S3 have, too."""

    def __init__(self, path: str) -> None:
        self.url = f"sqlite:{path}"
        self._lock = Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS objects (name TEXT PRIMARY KEY, data BLOB, modified REAL)")

    def _do(self, command: str, *values: object) -> tuple[list[tuple[Any, ...]], int]:
        with self._lock:
            done = self._db.execute(command, values)
            return done.fetchall(), done.rowcount

    def put(self, name: str, *data: bytes) -> None:
        self._do("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", check_name(name), b"".join(data), time.time())

    def create(self, name: str, data: bytes) -> bool:
        return bool(self._do("INSERT OR IGNORE INTO objects VALUES (?, ?, ?)", check_name(name), data, time.time())[1])

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        found, _ = self._do("SELECT data FROM objects WHERE name = ?", check_name(name))
        if not found:
            raise missing(self.url, name)
        return bytes(found[0][0][start : None if length is None else start + length])

    def list(self, prefix: str) -> Iterator[Stored]:
        rows, _ = self._do("SELECT name, length(data), modified FROM objects ORDER BY name")
        return iter([Stored(*row) for row in rows if row[0].startswith(prefix)])

    def folders(self, prefix: str) -> Sequence[str]:
        rest = [stored.name.removeprefix(prefix) for stored in self.list(prefix)]
        return sorted({name.partition("/")[0] for name in rest if "/" in name})

    def delete(self, name: str) -> None:
        self._do("DELETE FROM objects WHERE name = ?", check_name(name))


if __name__ == "__main__":
    store = ExpertStore(SqliteObjects("experts.db"), "notes")
    blob = Blob(key="ab" * 32, data=b"an expert's bytes", title="A note", num_tokens=1, loss=0.5)
    num_published = store.publish([blob], run="mine", shard=0, token="this process")
    print(f"{num_published} published, {len(store)} there")
