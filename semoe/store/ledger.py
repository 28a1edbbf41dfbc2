"""What is committed in a space, as one reader knows it: snapshots and commits in, a catalog out."""

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from semoe.errors import CorruptError
from semoe.store.catalog import Catalog
from semoe.store.commit import Commit, read_commit
from semoe.store.object_names import SpaceNames, is_commit, number_of
from semoe.store.objects import MissingObjectError, Objects
from semoe.store.pack import ExpertEntry, Pack, read_index
from semoe.store.snapshot import read_snapshot
from semoe.store.state import StoreState, digest_of

SNAPSHOT_TRIES = 5
log = logging.getLogger(__name__)


class Ledger:
    """Follows the commits of one space."""

    def __init__(self, objects: Objects, names: SpaceNames) -> None:
        self._objects = objects
        self._names = names
        self._catalog = Catalog()
        self._commits: set[str] = set()
        self._ghosts: set[str] = set()
        self._snapshot_number = 0
        self._folded: frozenset[str] = frozenset()
        self._damaged: dict[str, str] = {}
        self._withdrawn: set[str] = set()
        self._held: StoreState | None = None
        self.refresh()

    @property
    def catalog(self) -> Catalog:
        """The experts that are committed."""
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

    @property
    def withdrawn(self) -> Collection[str]:
        """Packs that must not be used."""
        return self._withdrawn

    @property
    def state(self) -> StoreState:
        """What it knows of the space now; of one that is held, the state that holds it."""
        return self._held or StoreState(
            digest=digest_of(self._catalog),
            space=self._names.space,
            snapshot=self._snapshot_number,
            num_commits=len(self._commits),
            num_experts=len(self._catalog),
        )

    def hold(self, state: StoreState, catalog: Catalog) -> None:
        """Knows from now on the experts of a state, and nothing that is committed."""
        self._held = state
        self._catalog = catalog

    def refresh(self) -> None:
        """Takes up what was committed since; one that is held stays as it is."""
        if self._held:
            return
        # Commits are listed before snapshots: one that is gone when it is read is in a snapshot that is there by then.
        commits = self._listed_commits(self._names.commits)
        self._take_newest_snapshot()
        self._withdrawn = {mark.name.rpartition("/")[2] for mark in self._objects.list(self._names.withdrawn)}
        self._ghosts.intersection_update(commits)
        self._take_commits(commits)
        for segment in self._withdrawn:
            self._catalog.drop(segment)
        self._refreshed = time.monotonic()

    def next_commit(self, prefix: str, max_age: float) -> str:
        """Takes up the commits of a shard and returns the name of the next; a name is never used twice.

        Commits that a snapshot holds are removed only when they are older than `max_age`: they are known by then.
        """
        if self._held:
            raise AssertionError("a space that is read in a state takes up no experts")
        if time.monotonic() - self._refreshed > max_age:
            self.refresh()
        listed = self._listed_commits(prefix)
        self._take_commits(listed)
        numbers = (number_of(name) for name in (*self._commits, *listed) if name.startswith(prefix))
        return f"{prefix}{max(numbers, default=-1) + 1:06}.json"

    def add(self, commit: str, packs: Iterable[Pack]) -> None:
        """Takes up a commit that was just written, with its packs."""
        self._catalog.add([(pack.segment, pack.entries) for pack in packs])
        self._commits.add(commit)

    def commit(self, name: str) -> Commit:
        """Reads a commit."""
        return read_commit(self._objects.get(name), name)

    def index(self, segment: str) -> Sequence[ExpertEntry]:
        """Reads the index of a pack."""
        return read_index(self._objects.get(self._names.index(segment)), segment)

    def index_if_whole(self, segment: str) -> Sequence[ExpertEntry]:
        """The same, or nothing where it is damaged: that costs the experts of its pack, not the store."""
        try:
            return self.index(segment)
        except CorruptError as error:
            if error.kind == "unknown-version":
                raise
            log.warning("%s Its experts are left out; see `semoe experts verify`.", error)
            self._damaged[segment] = str(error)
            return ()

    def _listed_commits(self, prefix: str) -> list[str]:
        """Lists commits; what else somebody laid beside them is none of ours."""
        return [found.name for found in self._objects.list(prefix) if is_commit(found.name)]

    def _take_newest_snapshot(self) -> None:
        for tries_left in range(SNAPSHOT_TRIES, 0, -1):
            newest = max((number_of(found.name) for found in self._objects.list(self._names.snapshots)), default=0)
            try:
                if newest > self._snapshot_number:
                    self._take_snapshot(newest)
            except MissingObjectError:
                # A newer one took its place meanwhile.
                if tries_left == 1:
                    raise
            else:
                return

    def _take_snapshot(self, number: int) -> None:
        name = self._names.snapshot(number)
        snapshot = read_snapshot(self._objects.get(name), name)
        self._catalog = snapshot.catalog.and_also(self._catalog)
        self._snapshot_number = number
        self._folded = snapshot.commits
        self._commits |= snapshot.commits

    def _take_commits(self, names: Iterable[str]) -> None:
        read = self._read_commits([name for name in names if name not in self._commits | self._ghosts])
        # A withdrawn pack counts as known: a commit that is met later must not bring its experts back.
        known = {*self._catalog.segments, *self._withdrawn}
        fresh: dict[str, Sequence[ExpertEntry]] = {}
        for segment in (segment for commit in read.values() for segment in commit.segments):
            if segment not in known and segment not in fresh:
                fresh[segment] = self.index_if_whole(segment)
        self._catalog.add(fresh.items())
        self._commits.update(read)

    def _read_commits(self, names: Sequence[str]) -> dict[str, Commit]:
        """Reads commits; one that is gone is in a newer snapshot by now, or some server lists what was removed."""
        read = self._those_there(names)
        gone = set(names) - set(read)
        if gone:
            self._take_newest_snapshot()
            gone -= self._commits
            read |= self._those_there(gone)
            gone -= set(read)
        for name in sorted(gone):
            log.warning("%s/%s is listed, but not there: it is passed over.", self._objects.url, name)
        self._ghosts |= gone
        return read

    def _those_there(self, names: Iterable[str]) -> dict[str, Commit]:
        read: dict[str, Commit] = {}
        for name in names:
            with suppress(MissingObjectError):
                read[name] = self.commit(name)
        return read
