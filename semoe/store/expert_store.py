"""The experts of one space: published by a commit, found by key, checked before they are used.

What no commit names does not exist. Knows bytes and keys; what an expert means is its callers' business. Looking
after a store (verify, garbage, compaction) is `upkeep`.
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from semoe.errors import CorruptError
from semoe.store.barren import Barren
from semoe.store.catalog import HASH_BYTES, Catalog, Place
from semoe.store.commit import Commit, write_commit
from semoe.store.digest import digest
from semoe.store.ledger import Ledger
from semoe.store.object_names import SpaceNames
from semoe.store.objects import Objects
from semoe.store.pack import PACK_BYTES, Blob, ExpertEntry, Pack, build_pack, packs_of
from semoe.store.times import PUBLISH_SECONDS
from semoe.telemetry.counting import metrics

INDEX_READERS = 8
UPLOADS = 4
"""Packs that are written at once: one connection seldom takes what a server could."""


class ExpertStore:
    """Reads and publishes experts of one space; safe for many readers and writers at once."""

    def __init__(self, objects: Objects, space: str, *, max_age: float = PUBLISH_SECONDS) -> None:
        """Opens a space, which need not be there yet.

        Args:
            objects: where it lies.
            space: its name.
            max_age: seconds after which `publish` looks for everybody's commits again; no more than `PUBLISH_SECONDS`.
        """
        self.objects = objects
        self.names = SpaceNames(space)
        self._max_age = max_age
        self.ledger = Ledger(objects, self.names)
        self.barren = Barren(objects, self.names)
        """The passages that have no expert, as they give nothing to learn."""

    def __len__(self) -> int:
        return len(self.catalog)

    def __contains__(self, key: str) -> bool:
        return self.catalog.find(key) is not None

    @property
    def catalog(self) -> Catalog:
        """The experts that it knows."""
        return self.ledger.catalog

    def refresh(self) -> None:
        """Takes up what was committed since."""
        self.ledger.refresh()

    def get(self, key: str) -> bytes | None:
        """Returns an expert's bytes with one ranged read, or None where there is no such expert.

        Raises:
            CorruptError: what is stored is not what was published.
        """
        place = self.catalog.find(key)
        if place is None:
            return None
        data = self.objects.get(self.names.pack(place.segment), place.offset, place.length)
        if not is_intact(data, place):
            raise CorruptError(
                f"Expert {key} in pack {place.segment} of {self.objects.url} is damaged. "
                "Run `semoe experts verify --withdraw`, then train again.",
                kind="corrupt",
            )
        return data

    def publish(self, blobs: Sequence[Blob], *, run: str, shard: int, token: str, pack_bytes: int = PACK_BYTES) -> int:
        """Publishes what is not there yet, in packs that are written at once; returns how many became visible.

        All become visible together. A commit that another producer of the shard made first is respected: only what it
        lacks is published, under the next number. One whose answer was lost is recognised by `token`.

        Args:
            blobs: the experts.
            run: the run that made them.
            shard: the part of the run.
            token: tells this producer from every other; use a fresh random one for each process.
            pack_bytes: with which a pack is full.
        """
        while True:
            name = self.ledger.next_commit(self.names.shard_commits(run, shard), self._max_age)
            new = [blob for blob in blobs if blob.key not in self]
            if not new:
                return 0
            packs = [build_pack(part) for part in packs_of(new, pack_bytes)]
            # Before the first write: from there garbage collection counts a pack's age.
            started = time.monotonic()
            with ThreadPoolExecutor(UPLOADS) as pool:
                num_bytes = sum(pool.map(self._put, packs))
            if time.monotonic() - started < PUBLISH_SECONDS and self._commit(name, token, packs):
                seconds = time.monotonic() - started
                metrics.published(num_experts=len(new), num_bytes=num_bytes, seconds=seconds)
                return len(new)

    def entries(self) -> Iterator[ExpertEntry]:
        """Yields every expert as its index tells it, pack by pack; an expert that is in two packs comes once."""
        for segment in self.catalog.segments:
            for entry in self.ledger.index(segment):
                place = self.catalog.find(entry.key)
                if place and (place.segment, place.offset) == (segment, entry.offset):
                    yield entry

    def entries_of(self, keys: Iterable[str]) -> Iterator[ExpertEntry]:
        """Yields the entries of those of the experts that are there; reads the index of each of their packs once.

        A damaged index tells nothing: the experts of its pack are left out.
        """
        wanted = defaultdict[str, set[str]](set)
        for key in keys:
            if place := self.catalog.find(key):
                wanted[place.segment].add(key)
        with ThreadPoolExecutor(INDEX_READERS) as pool:
            for own, entries in zip(wanted.values(), pool.map(self.ledger.index_if_whole, wanted), strict=True):
                yield from (entry for entry in entries if entry.key in own)

    def keys(self, beginning: str) -> list[str]:
        """Returns the keys that begin so; reads the indexes of their packs alone."""
        segments = self.catalog.segments_of(beginning)
        found = (entry.key for segment in segments for entry in self.ledger.index(segment))
        return sorted({key for key in found if key.startswith(beginning)})

    def _put(self, pack: Pack) -> int:
        """Writes a pack and its index; returns the pack's bytes."""
        self.objects.put(self.names.pack(pack.segment), *pack.parts)
        self.objects.put(self.names.index(pack.segment), pack.index)
        return sum(map(len, pack.parts))

    def _commit(self, name: str, token: str, packs: Sequence[Pack]) -> bool:
        """Writes a commit; False where another producer was first."""
        commit = Commit(token, [pack.segment for pack in packs])
        if not self.objects.create(name, write_commit(commit)):
            there = self.ledger.commit(name)
            # A retried write meets its own object when the first answer was lost.
            if (there.token, list(there.segments)) != (token, list(commit.segments)):
                return False
        self.ledger.add(name, packs)
        return True


def is_intact(data: bytes, place: Place) -> bool:
    """Whether these are the bytes that were published there."""
    return digest(data)[:HASH_BYTES].hex() == place.digest


def fresh_token() -> str:
    """Returns a token that no other producer has."""
    return secrets.token_hex(16)
