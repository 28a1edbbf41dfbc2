"""How far an index has come, kept in the index itself: any machine can go on with it, and none searches half of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from semoe.errors import UsageError
from semoe.retrieval.dense.vectors import is_alike
from semoe.retrieval.elastic.connection import Connection
from semoe.retrieval.elastic.errors import reason, refused
from semoe.retrieval.elastic.schema import Documents, index_settings
from semoe.retrieval.elastic.settings import LoadSettings

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadState:
    """The note in `_meta` of an index's mapping."""

    corpus: str
    """What it is loaded from; another corpus under the same name is refused."""
    num_passages: int = 0
    """So many of the corpus, from its beginning, are in the index for certain."""
    complete: bool = False
    """All of them are, and were counted."""
    encoder: dict[str, Any] = field(default_factory=dict)
    """What tells the encoder of its vectors from others; empty where it holds none."""
    format: int = FORMAT


def find_state(connection: Connection, name: str) -> LoadState | None:
    """Returns the state of an index, None where there is no such index.

    Raises:
        UsageError: the index was made by something else, or the name stands for several.
    """
    if not connection.ask(lambda client: client.indices.exists(index=name), name):
        return None
    found = connection.ask(lambda client: client.indices.get_mapping(index=name), name).body
    if len(found) != 1:
        raise UsageError(f"{name!r} does not name exactly one index. Correct --index_name.", kind="index-name")
    (index,) = found.values()
    meta = index["mappings"].get("_meta", {}).get("semoe")
    if meta is None or meta.get("format") != FORMAT:
        raise UsageError(
            f"Index {name} at {connection.config.where} was not made by this version's `semoe index`. Choose another "
            "--index_name.",
            kind="foreign-index",
        )
    return LoadState(**{one.name: meta[one.name] for one in fields(LoadState) if one.name in meta})


def write_state(connection: Connection, name: str, state: LoadState) -> LoadState:
    """Writes the state into the index; returns it."""
    connection.ask(lambda client: client.indices.put_mapping(index=name, meta=_meta(state)), name)
    return state


def create_index(
    connection: Connection, name: str, corpus: str, settings: LoadSettings, documents: Documents
) -> LoadState:
    """Makes an empty index; of two who do, and of an attempt whose answer was lost, the first one's stands."""
    state = LoadState(corpus=corpus, encoder=dict(documents.encoder))
    mapping = {**documents.mapping, "_meta": _meta(state)}
    body: dict[str, Any] = {"mappings": mapping, "settings": index_settings(settings)}
    answer = connection.ask(lambda client: client.options(ignore_status=400).indices.create(index=name, **body), name)
    if "error" in answer and answer["error"]["type"] != "resource_already_exists_exception":
        raise refused(400, reason(answer.body), name, connection.config.where)
    return find_state(connection, name) or state


def check_corpus(connection: Connection, name: str, state: LoadState, corpus: str) -> None:
    """Raises a UsageError where the index holds another corpus."""
    if state.corpus != corpus:
        url = connection.config.urls[0].rstrip("/")
        raise UsageError(
            f"Index {name} holds {state.corpus!r}, not {corpus!r}. Choose another --index_name, or delete the index "
            f"first: curl -X DELETE {url}/{name}",
            kind="other-corpus",
        )


def check_encoder(name: str, state: LoadState, encoder: Mapping[str, Any]) -> None:
    """Makes sure that an index has the vectors of an encoder, whatever its name is here; without one, that it has none.

    Raises:
        UsageError: they are another's.
    """
    if bool(state.encoder) != bool(encoder):
        raise UsageError(
            f"Index {name} holds {'vectors' if state.encoder else 'no vectors'}. Give another --index_name.",
            kind="other-index",
        )
    if encoder and not is_alike(state.encoder, encoder):
        raise UsageError(
            f"Index {name} has vectors of {state.encoder.get('encoder')} ({state.encoder.get('size')} dimensions), not "
            f"of {encoder['encoder']} as it is here ({encoder['size']}). Give that encoder, or another --index_name.",
            kind="other-encoder",
        )


def _meta(state: LoadState) -> dict[str, Any]:
    told = asdict(state)
    if not state.encoder:
        del told["encoder"]  # an earlier version knows nothing of it
    return {"semoe": told}
