"""Experts close at hand: in memory, then on this machine's disk, then in the store; each loaded once however many ask.

Memory keeps what its callers make of an expert's bytes, so that it is made once. The least recently used leave first.
What the disk gives is checked like what the store gives; a disk that is full or cannot be written is done without.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from semoe.errors import SemoeError
from semoe.files import write_bytes
from semoe.host_memory import available_memory
from semoe.store.expert_store import ExpertStore, is_intact
from semoe.telemetry.counting import metrics

log = logging.getLogger(__name__)
MEMORY_BYTES = 1 << 30
SHARE = 32
"""Of the free memory: a machine with eight GPUs has eight such caches, and pinned memory is had in powers of two."""
DISK_BYTES = 16 << 30
THREADS = 8


Value = TypeVar("Value")
"""What is made of an expert's bytes."""


class ExpertCache(Generic[Value]):
    """Reads the experts of one space; safe for many threads."""

    def __init__(
        self,
        store: ExpertStore,
        decode: Callable[[str, bytes], Value],
        size_of: Callable[[Value], int],
        *,
        memory_bytes: int | None = None,
        folder: Path | None = None,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        """Begins with nothing near.

        Args:
            store: where experts come from.
            decode: makes of a key and its expert's bytes what is asked for.
            size_of: the bytes that it takes.
            memory_bytes: for what is kept in memory; None: a share of what is available now, and no less than
                MEMORY_BYTES.
            folder: of the cache on disk; None: there is none.
            disk_bytes: for what is kept there.
        """
        self._store = store
        self._decode = decode
        self._size_of = size_of
        most = max(MEMORY_BYTES, available_memory() // SHARE) if memory_bytes is None else memory_bytes
        self._memory = _Memory[Value](most)
        self._disk = _Disk(folder / store.names.space, disk_bytes) if folder else None
        self._loading: dict[str, Future[Value | None]] = {}
        self._brought: dict[str, str] = {}
        """Where an expert came from that was loaded and is not yet counted as looked up."""
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="experts")
        self.num_hits = 0
        """Answers from memory."""
        self.num_loads = 0
        """Experts brought from disk or store."""

    def get(self, key: str) -> Value | None:
        """Returns an expert, or None where there is no such.

        Raises:
            CorruptError: what is stored is not what was published.
            TransientError: the store does not answer.
        """
        future, is_mine = self._ask(key)
        if is_mine:
            self._load(key, future)
        value = future.result()
        metrics.cache_lookups.labels(self._brought.pop(key, "memory")).inc()
        return value

    def prefetch(self, keys: Iterable[str], *, wait: bool = False) -> None:
        """Begins to load experts and returns at once, or when they are near; their errors come with `get`."""
        futures = []
        for key in keys:
            future, is_mine = self._ask(key)
            futures.append(future)
            if is_mine:
                self._pool.submit(self._load, key, future)
        if wait:
            wait_for(futures)

    def close(self) -> None:
        """Waits for what is being loaded."""
        self._pool.shutdown()

    def _ask(self, key: str) -> tuple[Future[Value | None], bool]:
        """Returns what will hold an expert, and whether the caller must load it."""
        with self._lock:
            if key in self._loading:
                return self._loading[key], False
            future: Future[Value | None] = Future()
            value = self._memory.get(key)
            if value is not None:
                self.num_hits += 1
                future.set_result(value)
                return future, False
            self._loading[key] = future
            self.num_loads += 1
            return future, True

    def _load(self, key: str, future: Future[Value | None]) -> None:
        try:
            near = self._from_disk(key)
            data = near or self._from_store(key)
            value = None if data is None else self._decode(key, data)
            self._brought[key] = "disk" if near else "store" if data else "missing"
        except BaseException as error:
            self._loaded(key, None)
            future.set_exception(error)
        else:
            self._loaded(key, value)
            future.set_result(value)

    def _loaded(self, key: str, value: Value | None) -> None:
        with self._lock:
            del self._loading[key]
            if value is not None:
                self._memory.put(key, value, self._size_of(value))

    def _from_disk(self, key: str) -> bytes | None:
        place = self._store.catalog.find(key)
        data = self._disk.get(key) if self._disk and place else None
        return data if data is not None and place and is_intact(data, place) else None

    def _from_store(self, key: str) -> bytes | None:
        data = self._store.get(key)
        if data is not None and self._disk:
            self._disk.put(key, data)
        return data


class _Recent:
    """Sizes by key in order of use; tells which keys must leave."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._sizes: OrderedDict[str, int] = OrderedDict()

    def use(self, key: str, size: int) -> list[str]:
        """Notes that `key` is used; returns the keys that no longer fit, the least recently used first."""
        self._used += size - self._sizes.pop(key, 0)
        self._sizes[key] = size
        gone = []
        while self._used > self._limit:
            old, old_size = self._sizes.popitem(last=False)
            self._used -= old_size
            gone.append(old)
        return gone


class _Memory(Generic[Value]):
    def __init__(self, limit: int) -> None:
        self._held: dict[str, tuple[Value, int]] = {}
        self._recent = _Recent(limit)

    def get(self, key: str) -> Value | None:
        if key not in self._held:
            return None
        value, size = self._held[key]
        self._recent.use(key, size)
        return value

    def put(self, key: str, value: Value, size: int) -> None:
        self._held[key] = value, size
        for old in self._recent.use(key, size):
            del self._held[old]


class _Disk:
    """One file a key; what earlier processes left counts."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._recent = _Recent(limit)
        self._lock = Lock()
        self._works = True
        found = [(file, file.stat()) for file in folder.glob("??/*") if not file.name.startswith(".")]
        for file, status in sorted(found, key=lambda one: one[1].st_mtime):
            self._use(file.name, status.st_size)

    def get(self, key: str) -> bytes | None:
        try:
            data = self._path(key).read_bytes()
            # The next process knows by this time what was used last.
            self._path(key).touch()
        except OSError:
            return None
        self._use(key, len(data))
        return data

    def put(self, key: str, data: bytes) -> None:
        if not self._works:
            return
        try:
            write_bytes(self._path(key), data)
            self._use(key, len(data))
        except SemoeError as error:
            self._works = False
            log.warning("%s Going on without the cache on disk.", error)

    def _use(self, key: str, size: int) -> None:
        with self._lock:
            for old in self._recent.use(key, size):
                self._path(old).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key
