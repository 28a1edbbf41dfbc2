"""Snapshots: the catalog of a space as one object, so that opening a store does not read every commit again.

    spaces/{space}/snapshots/{n}.snap   a JSON line, then the keys' heads, then the rows, as they lie in memory

A snapshot names the commits that it holds; those may then be removed. See docs/store-format.md.
"""

from dataclasses import dataclass

import numpy as np
import orjson

from semoe.errors import CorruptError
from semoe.store.catalog import ROW, Catalog
from semoe.store.digest import digest
from semoe.store.objects import check_name

FORMAT = "semoe-snapshot"
VERSION = 1
HEAD = np.dtype("<u8")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A catalog, and the commits that it was made of."""

    catalog: Catalog
    commits: frozenset[str]
    """Object names."""


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Returns a snapshot as bytes."""
    heads_K, rows_K = snapshot.catalog.arrays
    body = heads_K.astype(HEAD).tobytes() + rows_K.tobytes()
    header = {
        "format": FORMAT, "version": VERSION, "count": len(rows_K), "digest": digest(body).hex(),
        "segments": list(snapshot.catalog.segments), "commits": sorted(snapshot.commits),
    }  # fmt: skip
    return orjson.dumps(header, option=orjson.OPT_APPEND_NEWLINE) + body


def read_snapshot(data: bytes, name: str) -> Snapshot:
    """Reads a snapshot.

    Raises:
        CorruptError: another format or version, cut or changed bytes, or a row of no segment.
    """
    try:
        head, _, body = data.partition(b"\n")
        header = orjson.loads(head)
        found = header["format"], header["version"]
        count = int(header["count"])
        expected = header["digest"]
        segments = map(check_name, header["segments"])
        commits = map(check_name, header["commits"])
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptError(f"Snapshot {name} is damaged ({error}).", kind="corrupt-snapshot") from error
    if found != (FORMAT, VERSION):
        raise CorruptError(f"Snapshot {name} is {found}, not {FORMAT} version {VERSION}.", kind="unknown-version")
    if len(body) != count * (HEAD.itemsize + ROW.itemsize) or digest(body).hex() != expected:
        raise CorruptError(f"Snapshot {name} is cut or changed. Remove it, and compact again.", kind="corrupt-snapshot")
    heads_K = np.frombuffer(body, HEAD, count).astype(np.uint64)
    rows_K = np.frombuffer(body, ROW, offset=count * HEAD.itemsize)
    catalog = Catalog(list(segments), heads_K, rows_K)
    if count and int(rows_K["segment"].max()) >= len(catalog.segments):
        raise CorruptError(f"Snapshot {name} names a segment that it lacks.", kind="corrupt-snapshot")
    return Snapshot(catalog, frozenset(commits))
