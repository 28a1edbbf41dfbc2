"""The experts of one space: published by a commit, found by key, checked before they are used.

What no commit names does not exist. Knows bytes and keys; what an expert means is its callers' business. Looking
after a store (verify, garbage, compaction) is `upkeep`.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from semoe.errors import CorruptError
from semoe.store.catalog import HASH_BYTES, Catalog, Place
from semoe.store.commit import Commit, read_commit, write_commit
from semoe.store.digest import digest
from semoe.store.objects import MissingObjectError, Objects
from semoe.store.pack import Blob, ExpertEntry, Pack, build_pack, read_index
from semoe.store.snapshot import read_snapshot
from semoe.store.space_names import SpaceNames, number_of

PUBLISH_SECONDS = 600.0
"""A pack older than this is written anew before it is committed; collecting garbage waits longer (`upkeep`)."""
REFRESH_TRIES = 5
log = logging.getLogger(__name__)


class ExpertStore:
    """Reads and publishes experts of one space; safe for many readers and writers at once."""

    def __init__(self, objects: Objects, space: str, *, max_age: float = PUBLISH_SECONDS) -> None:
        """Opens a space, which need not be there yet.

        Args:
            objects: where it lies.
            space: its name.
            max_age: seconds after which `publish` looks for everybody's commits again; no more than `PUBLISH_SECONDS`.
        """
        self.objects, self.names, self._max_age = objects, SpaceNames(space), max_age
        self._catalog, self._commits = Catalog(), set[str]()
        self._snapshot_number, self._folded = 0, frozenset[str]()
        self._damaged, self._withdrawn = dict[str, str](), set[str]()
        self.refresh()

    def __len__(self) -> int:
        return len(self._catalog)

    def __contains__(self, key: str) -> bool:
        return self._catalog.find(key) is not None

    @property
    def catalog(self) -> Catalog:
        """The experts that it knows."""
        return self._catalog

    @property
    def commits(self) -> frozenset[str]:
        """The commits whose experts it knows."""
        return frozenset(self._commits)

    @property
    def snapshot_number(self) -> int:
        """The newest snapshot that it has read; 0: none."""
        return self._snapshot_number

    @property
    def folded_commits(self) -> frozenset[str]:
        """The commits that this snapshot holds."""
        return self._folded

    @property
    def damaged(self) -> Mapping[str, str]:
        """Packs whose index cannot be read, and why; their experts are not there for this reader."""
        return self._damaged

    def refresh(self) -> None:
        """Takes up what was committed since.

        Commits are listed before snapshots: one that is gone when it is read is in a snapshot that is there by then.
        """
        for tries_left in range(REFRESH_TRIES, 0, -1):
            try:
                self._refresh()
            except MissingObjectError:
                if tries_left == 1:
                    raise
            else:
                self._refreshed = time.monotonic()
                return

    def get(self, key: str) -> bytes | None:
        """Returns an expert's bytes with one ranged read, or None where there is no such expert.

        Raises:
            CorruptError: what is stored is not what was published.
        """
        place = self._catalog.find(key)
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

    def publish(self, blobs: Sequence[Blob], *, run: str, shard: int, token: str) -> int:
        """Publishes what is not there yet; returns how many experts this call made visible.

        A commit that another producer of the shard made first is respected: only what it lacks is published, under
        the next number. One whose answer was lost is recognised by `token`.

        Args:
            blobs: the experts.
            run: the run that made them.
            shard: the part of the run.
            token: tells this producer from every other; use a fresh random one for each process.
        """
        while True:
            name = self._next_commit(self.names.shard_commits(run, shard))
            new = [blob for blob in blobs if blob.key not in self]
            if not new:
                return 0
            pack, started = build_pack(new), time.monotonic()
            self.objects.put(self.names.pack(pack.segment), *pack.parts)
            self.objects.put(self.names.index(pack.segment), pack.index)
            if time.monotonic() - started < PUBLISH_SECONDS and self._commit(name, token, pack):
                return len(new)

    def entries(self) -> Iterator[ExpertEntry]:
        """Yields every expert as its index tells it, pack by pack; an expert that is in two packs comes once."""
        for segment in self._catalog.segments:
            for entry in self.index(segment):
                place = self._catalog.find(entry.key)
                if place and (place.segment, place.offset) == (segment, entry.offset):
                    yield entry

    def keys(self, beginning: str) -> list[str]:
        """Returns the keys that begin so; reads the indexes of their packs alone."""
        segments = self._catalog.segments_of(beginning)
        found = (entry.key for segment in segments for entry in self.index(segment))
        return sorted({key for key in found if key.startswith(beginning)})

    def index(self, segment: str) -> Sequence[ExpertEntry]:
        """Reads the index of a pack."""
        return read_index(self.objects.get(self.names.index(segment)), segment)

    def _refresh(self) -> None:
        commits = [found.name for found in self.objects.list(self.names.commits)]
        newest = max((number_of(found.name) for found in self.objects.list(self.names.snapshots)), default=0)
        self._withdrawn = {mark.name.rpartition("/")[2] for mark in self.objects.list(self.names.withdrawn)}
        if newest > self._snapshot_number:
            self._take_snapshot(newest)
        self._take_commits(commits)
        for segment in self._withdrawn:
            self._catalog.drop(segment)

    def _take_snapshot(self, number: int) -> None:
        name = self.names.snapshot(number)
        snapshot = read_snapshot(self.objects.get(name), name)
        self._catalog = snapshot.catalog.and_also(self._catalog)
        self._snapshot_number, self._folded = number, snapshot.commits
        self._commits |= snapshot.commits

    def _take_commits(self, names: Iterable[str]) -> None:
        new = [name for name in names if name not in self._commits]
        known, fresh = {*self._catalog.segments, *self._withdrawn}, dict[str, Sequence[ExpertEntry]]()
        for segment in (segment for name in new for segment in self._read_commit(name).segments):
            if segment not in known and segment not in fresh:
                fresh[segment] = self._index_if_whole(segment)
        self._catalog.add(fresh.items())
        self._commits.update(new)

    def _index_if_whole(self, segment: str) -> Sequence[ExpertEntry]:
        """A damaged index costs the experts of its pack, not the store."""
        try:
            return self.index(segment)
        except CorruptError as error:
            if error.kind == "unknown-version":
                raise
            log.warning("%s Its experts are left out; see `semoe experts verify`.", error)
            self._damaged[segment] = str(error)
            return ()

    def _next_commit(self, prefix: str) -> str:
        """Takes up the commits of a shard and returns the name of the next; a name is never used twice.

        Commits that a snapshot holds are removed only when they are older than `max_age`: they are known by then.
        """
        if time.monotonic() - self._refreshed > self._max_age:
            self.refresh()
        self._take_commits([found.name for found in self.objects.list(prefix)])
        numbers = (number_of(name) for name in self._commits if name.startswith(prefix))
        return f"{prefix}{max(numbers, default=-1) + 1:06}.json"

    def _commit(self, name: str, token: str, pack: Pack) -> bool:
        """Writes a commit; False where another producer was first."""
        body = write_commit(Commit(token, [pack.segment]))
        if not self.objects.create(name, body):
            there = self._read_commit(name)
            # A retried write meets its own object when the first answer was lost.
            if (there.token, list(there.segments)) != (token, [pack.segment]):
                return False
        self._catalog.add([(pack.segment, pack.entries)])
        self._commits.add(name)
        return True

    def _read_commit(self, name: str) -> Commit:
        return read_commit(self.objects.get(name), name)


def is_intact(data: bytes, place: Place) -> bool:
    """Whether these are the bytes that were published there."""
    return digest(data)[:HASH_BYTES].hex() == place.digest


def fresh_token() -> str:
    """Returns a token that no other producer has."""
    return secrets.token_hex(16)
