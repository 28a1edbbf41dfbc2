"""The experts of one space: published by a commit, found by key, checked before they are used.

    spaces/{space}/segments/…                     packs and their indexes, immutable
    spaces/{space}/commits/{run}/{shard}-{n}.json names the packs that count; written last, and only where nothing is

What no commit names does not exist. Knows bytes and keys; what an expert means is its callers' business.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from semoe.errors import CorruptError
from semoe.store.catalog import Catalog
from semoe.store.objects import MissingObjectError, Objects, Stored, check_name
from semoe.store.pack import Blob, ExpertEntry, build_pack, index_name, pack_name, read_index

COMMIT, VERSION = "semoe-commit", 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What `verify` found."""

    name: str
    """The object."""
    what: str


class ExpertStore:
    """Reads and publishes experts of one space; safe for many readers and writers at once."""

    def __init__(self, objects: Objects, space: str) -> None:
        self._objects, self._root = objects, check_name(f"spaces/{space}")
        self._catalog, self._commits = Catalog(), set[str]()
        self.refresh()

    def __len__(self) -> int:
        return len(self._catalog)

    def __contains__(self, key: str) -> bool:
        return self._catalog.find(key) is not None

    def refresh(self) -> None:
        """Takes up what was committed since."""
        commits = [found.name for found in self._objects.list(f"{self._root}/commits/")]
        new = [name for name in commits if name not in self._commits]
        known, fresh = set(self._catalog.segments), dict[str, list[ExpertEntry]]()
        for sha256 in (sha256 for name in new for sha256 in self._read_commit(name)["segments"]):
            if sha256 not in known and sha256 not in fresh:
                fresh[sha256] = self._index(sha256)
        self._catalog.add(fresh.items())
        self._commits.update(new)

    def get(self, key: str) -> bytes | None:
        """Returns an expert's bytes with one ranged read, or None where there is no such expert.

        Raises:
            CorruptError: what is stored is not what was published.
        """
        place = self._catalog.find(key)
        if place is None:
            return None
        data = self._objects.get(f"{self._root}/{pack_name(place.segment)}", place.offset, place.length)
        if hashlib.sha256(data).hexdigest() != place.sha256:
            raise CorruptError(
                f"Expert {key} in pack {place.segment} of {self._objects.url} is damaged. "
                "Run `semoe experts verify`, remove the pack's commit, and train again.",
                kind="corrupt",
            )
        return data

    def publish(self, blobs: Sequence[Blob], *, run: str, shard: int, token: str) -> int:
        """Publishes what is not there yet; returns how many experts this call made visible.

        A commit that another producer made first is respected: only what it lacks is published, under the next number.
        One whose answer was lost is recognised by `token`.

        Args:
            blobs: the experts.
            run: the run that made them.
            shard: the part of the run.
            token: tells this producer from every other; use a fresh random one for each process.
        """
        while True:
            self.refresh()
            new = [blob for blob in blobs if blob.key not in self]
            if not new:
                return 0
            pack = build_pack(new)
            self._objects.put(f"{self._root}/{pack_name(pack.sha256)}", pack.data)
            self._objects.put(f"{self._root}/{index_name(pack.sha256)}", pack.index)
            if self._commit(run, shard, token, pack.sha256):
                self.refresh()
                return len(new)

    def entries(self) -> Iterator[ExpertEntry]:
        """Yields every expert as its index tells it, pack by pack."""
        for sha256 in sorted(self._catalog.segments):
            yield from self._index(sha256)

    def verify(self) -> Iterator[Problem]:
        """Reads and hashes every pack that a commit names; yields what is wrong."""
        for sha256 in sorted(self._catalog.segments):
            name = f"{self._root}/{pack_name(sha256)}"
            try:
                found = hashlib.sha256(self._objects.get(name)).hexdigest()
            except MissingObjectError:
                yield Problem(name, "missing")
                continue
            if found != sha256:
                yield Problem(name, f"damaged: its bytes hash to {found}")

    def garbage(self, grace_seconds: float) -> list[Stored]:
        """Lists packs and indexes that no commit names and that are older than the grace period.

        A producer writes its packs before its commit, so a young pack may be about to be named.
        """
        old = time.time() - grace_seconds
        candidates = [found for found in self._objects.list(f"{self._root}/segments/") if found.modified < old]
        self.refresh()
        named = {f"{self._root}/{name(sha)}" for sha in self._catalog.segments for name in (pack_name, index_name)}
        return [found for found in candidates if found.name not in named]

    def remove(self, garbage: Sequence[Stored]) -> None:
        """Removes what `garbage` listed."""
        for found in garbage:
            self._objects.delete(found.name)

    def _commit(self, run: str, shard: int, token: str, sha256: str) -> bool:
        """Writes the next commit of a shard; False where another producer was first."""
        prefix = f"{self._root}/commits/{run}/{shard}-"
        number = sum(name.startswith(prefix) for name in self._commits)
        name = f"{prefix}{number:06}.json"
        body = {"format": COMMIT, "version": VERSION, "token": token, "segments": [sha256], "time": time.time()}
        if self._objects.create(name, orjson.dumps(body)):
            return True
        there = self._read_commit(name)
        # A retried write meets its own object when the first answer was lost.
        return bool(there["token"] == token and there["segments"] == [sha256])

    def _read_commit(self, name: str) -> dict[str, Any]:
        try:
            commit = orjson.loads(self._objects.get(name))
            found = commit["format"], commit["version"]
            segments = [check_name(segment) for segment in commit["segments"]]
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptError(f"Commit {name} is damaged ({error}).", kind="corrupt-commit") from error
        if found != (COMMIT, VERSION):
            raise CorruptError(f"Commit {name} is {found}, not {COMMIT} version {VERSION}.", kind="unknown-version")
        return {"token": commit.get("token"), "segments": segments}

    def _index(self, sha256: str) -> list[ExpertEntry]:
        return read_index(self._objects.get(f"{self._root}/{index_name(sha256)}"), sha256)
