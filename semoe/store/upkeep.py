"""Looking after a space: verify what is stored, collect what no commit names, fold commits into a snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semoe.errors import CorruptError
from semoe.store.expert_store import ExpertStore
from semoe.store.object_names import is_segment, number_of
from semoe.store.objects import Stored, clock
from semoe.store.pack import find_damage
from semoe.store.snapshot import Snapshot, write_snapshot
from semoe.store.times import GRACE_SECONDS
from semoe.words import counted


@dataclass(frozen=True, slots=True)
class Problem:
    """What `verify` found."""

    segment: str
    """The pack."""
    what: str


def verify(store: ExpertStore) -> Iterator[tuple[str, Problem | None]]:
    """Reads and hashes every pack and reads every index; yields each pack with what is wrong with it, or None."""
    for segment in store.catalog.segments:
        yield segment, _check(store, segment)


def withdraw(store: ExpertStore, segment: str) -> None:
    """Marks a pack as unusable: from its next refresh no reader finds its experts, and they can be trained again."""
    store.objects.put(f"{store.names.withdrawn}{segment}", b"")
    store.catalog.drop(segment)


def garbage(store: ExpertStore, grace_seconds: float = GRACE_SECONDS) -> list[Stored]:
    """Lists packs and indexes that no commit names and that are older than the grace period, by the store's clock.

    A producer writes its packs before its commit, so a young pack may be about to be named.
    """
    old = clock(store.objects) - grace_seconds
    # Listed before the refresh: a pack that is committed in between is named by then.
    listed = (found for found in store.objects.list(store.names.segments) if is_segment(found.name))
    candidates = [found for found in listed if found.modified < old]
    store.refresh()
    names = store.names
    named = {name(segment) for segment in store.catalog.segments for name in (names.pack, names.index)}
    return [found for found in candidates if found.name not in named]


def compact(store: ExpertStore) -> bool:
    """Writes a snapshot of all that is committed; False where there is nothing new, or another was first."""
    store.refresh()
    if store.ledger.commits == store.ledger.folded_commits:
        return False
    made = write_snapshot(Snapshot(store.catalog, store.ledger.commits))
    return store.objects.create(store.names.snapshot(store.ledger.snapshot_number + 1), made)


def folded(store: ExpertStore, grace_seconds: float = GRACE_SECONDS) -> list[Stored]:
    """Lists commits that the newest snapshot holds, and older snapshots, past the grace period."""
    store.refresh()
    old = clock(store.objects) - grace_seconds
    listed = store.objects.list
    commits = [found for found in listed(store.names.commits) if found.name in store.ledger.folded_commits]
    snapshots = [
        found for found in listed(store.names.snapshots) if number_of(found.name) < store.ledger.snapshot_number
    ]
    return [found for found in (*commits, *snapshots) if found.modified < old]


def remove(store: ExpertStore, found: Sequence[Stored]) -> Iterator[Stored]:
    """Removes what `garbage` or `folded` listed, one at a time."""
    for one in found:
        store.objects.delete(one.name)
        yield one


def _check(store: ExpertStore, segment: str) -> Problem | None:
    try:
        entries = store.ledger.index(segment)
        damaged = find_damage(store.objects.get(store.names.pack(segment)), entries)
    except CorruptError as error:
        return Problem(segment, str(error))
    return Problem(segment, f"damaged: {len(damaged)} of {counted(len(entries), 'expert')}") if damaged else None
