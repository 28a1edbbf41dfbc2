"""The state of a space: which experts a reader sees, under a name that is the same wherever they are the same.

    spaces/{space}/states/{digest}.json   the packs that hold them, so that they are found again (`kept_states`)

The name is a digest over the experts themselves. Commits and snapshots are how a reader learnt of them: a compaction
changes those, and no state.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from semoe.errors import CorruptError
from semoe.store.digest import digest
from semoe.store.objects import check_name

if TYPE_CHECKING:
    from semoe.store.catalog import Catalog

FORMAT = "semoe-state"
VERSION = 1
DIGEST_BYTES = 8
"""Enough to tell the states of one space from each other, and few enough to be typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreState:
    """What a reader saw of a space."""

    digest: str
    """Of its experts, 16 hex digits: `digest_of`."""
    space: str
    snapshot: int
    """The newest that it had read; 0: none."""
    num_commits: int
    """Those in this snapshot among them."""
    num_experts: int

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Reads what `asdict` made.

        Raises:
            KeyError: a field lacks.
            ValueError: one is no number.
            TypeError: likewise, or it is no table.
        """
        return cls(
            digest=str(found["digest"]),
            space=str(found["space"]),
            snapshot=int(found["snapshot"]),
            num_commits=int(found["num_commits"]),
            num_experts=int(found["num_experts"]),
        )


@dataclass(frozen=True, slots=True)
class KeptState:
    """A state, and where its experts are."""

    state: StoreState
    packs: Sequence[str]
    """Those that hold its experts; of an expert that is in several, the first counts."""


def digest_of(catalog: "Catalog") -> str:
    """Returns the name of the state that a catalog is: keys and bytes of its experts decide it, not their places."""
    heads_K, rows_K = catalog.arrays
    whole = digest(heads_K.astype("<u8").tobytes(), rows_K["low"].tobytes(), rows_K["digest"].tobytes())
    return whole[:DIGEST_BYTES].hex()


def write_state(kept: KeptState) -> bytes:
    """Returns a state as bytes."""
    body = {"format": FORMAT, "version": VERSION, **asdict(kept.state), "time": time.time(), "packs": list(kept.packs)}
    return orjson.dumps(body)


def read_state(data: bytes, name: str) -> KeptState:
    """Reads a state.

    Raises:
        CorruptError: another format or version, or not a state.
    """
    try:
        body = orjson.loads(data)
        found = body["format"], body["version"]
        kept = KeptState(StoreState.from_json(body), [check_name(pack) for pack in body["packs"]])
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptError(
            f"State {name} is damaged ({error}). Remove it: who reads the same experts keeps it again.",
            kind="corrupt-state",
        ) from error
    if found != (FORMAT, VERSION):
        raise CorruptError(f"State {name} is {found}, not {FORMAT} version {VERSION}.", kind="unknown-version")
    return kept
