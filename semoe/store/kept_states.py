"""States of a space that were kept: by whoever reads experts to answer, for whoever wants to read the same again."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from semoe.errors import CorruptError, UsageError
from semoe.store.catalog import Catalog
from semoe.store.expert_store import INDEX_READERS, ExpertStore
from semoe.store.object_names import SpaceNames
from semoe.store.objects import MissingObjectError, Objects
from semoe.store.state import KeptState, digest_of, read_state, write_state

log = logging.getLogger(__name__)
NAMED = 8
"""States that a message names, the newest of them."""


def open_to_answer(objects: Objects, space: str, snapshot: str = "") -> ExpertStore:
    """Opens a space for reading: in a state that was kept, or as it is, which is kept.

    Args:
        objects: where it lies.
        space: its name.
        snapshot: the state, or the beginning of its name; empty: as it is.

    Raises:
        UsageError: as `open_at`.
    """
    if snapshot:
        return open_at(objects, space, snapshot)
    store = ExpertStore(objects, space)
    keep(objects, seen_by(store))
    return store


def seen_by(store: ExpertStore) -> KeptState:
    """Returns the state that a reader sees, and where its experts are."""
    return KeptState(store.ledger.state, store.catalog.used_segments)


def keep(objects: Objects, kept: KeptState) -> None:
    """Keeps a state, unless it is empty: there is nothing of it to read again.

    A state that is there is written again: its packs of then may have been withdrawn, those of now are there. Where
    nothing can be written, as with permission to read alone, a warning says what that costs.
    """
    state = kept.state
    if not state.num_experts:
        return
    try:
        objects.put(SpaceNames(state.space).state(state.digest), write_state(kept))
    except UsageError as error:
        log.warning("%s Answers name the state %s, but --snapshot will not find it.", error, state.digest)


def kept_states(objects: Objects, space: str) -> Iterator[KeptState]:
    """Yields the states of a space that were kept, the newest first."""
    for digest in _names(objects, space):
        name = SpaceNames(space).state(digest)
        yield read_state(objects.get(name), name)


def find_state(objects: Objects, space: str, beginning: str) -> KeptState:
    """Returns the one state of a space whose name begins so.

    Raises:
        UsageError: there is none, or several.
    """
    there = _names(objects, space)
    found = [name for name in there if name.startswith(beginning)]
    if len(found) != 1:
        newest = f"There are: {', '.join(there[:NAMED])}{', …' if len(there) > NAMED else ''}."
        none = "None was kept yet: `semoe inference`, `semoe main` and runs keep the one that they read."
        raise UsageError(
            f"Space {space} in {objects.url} has {len(found)} states {beginning!r}. {newest if there else none} "
            "See `semoe experts states`.",
            kind="unknown-state",
        )
    name = SpaceNames(space).state(found[0])
    return read_state(objects.get(name), name)


def open_at(objects: Objects, space: str, beginning: str) -> ExpertStore:
    """Opens a space for reading in a state that was kept.

    Raises:
        UsageError: there is no such state, or several, or as `open_kept`.
        CorruptError: the state is damaged, or as `open_kept`.
    """
    return open_kept(objects, find_state(objects, space, beginning))


def open_kept(objects: Objects, kept: KeptState) -> ExpertStore:
    """Opens a space for reading in this state: it has the experts of then, whatever is committed.

    Raises:
        UsageError: a pack of it was withdrawn or removed.
        CorruptError: an index of its packs is damaged.
    """
    store = ExpertStore(objects, kept.state.space)
    catalog = store.catalog.only(kept.packs)
    if digest_of(catalog) != kept.state.digest:
        # Something of it is gone, or this reader takes an expert that is in several packs from another one.
        catalog = _catalog_of(store, kept)
    store.ledger.hold(kept.state, catalog)
    return store


def _catalog_of(store: ExpertStore, kept: KeptState) -> Catalog:
    """Reads the indexes of a state's packs."""
    for pack in kept.packs:
        if pack in store.ledger.withdrawn:
            raise _gone(store, kept, f"its pack {pack} was withdrawn (`semoe experts verify --withdraw`)")
    catalog = Catalog()
    try:
        with ThreadPoolExecutor(INDEX_READERS) as pool:
            catalog.add(zip(kept.packs, pool.map(store.ledger.index, kept.packs), strict=True))
    except MissingObjectError as error:
        raise _gone(store, kept, f"a pack of it was removed ({error})") from error
    if digest_of(catalog) != kept.state.digest:
        raise CorruptError(
            f"State {kept.state.digest} of space {store.names.space} names packs that hold other experts than it had. "
            "Read another; see `semoe experts states`.",
            kind="corrupt-state",
        )
    return catalog


def _gone(store: ExpertStore, kept: KeptState, why: str) -> UsageError:
    return UsageError(
        f"State {kept.state.digest} of space {store.names.space} in {store.objects.url} cannot be read again: {why}. "
        "Answer with another one (`semoe experts states`) or as the space is, without --snapshot; a run is planned "
        "anew, with --experts_of.",
        kind="state-gone",
    )


def _names(objects: Objects, space: str) -> list[str]:
    """Lists states, the newest first."""
    found = sorted(objects.list(SpaceNames(space).states), key=lambda one: one.modified, reverse=True)
    return [one.name.rpartition("/")[2].removesuffix(".json") for one in found]
