"""Vectors that workers make of one corpus together, in a folder or in S3: each part an object under its texts' digest.

PLACE/vectors/{encoder}/about.json       which encoder made them
PLACE/vectors/{encoder}/{digest}.npy     see `semoe.retrieval.dense.parts`
"""

from dataclasses import dataclass
from typing import Any

import orjson
from blake3 import blake3

from semoe.errors import CorruptError, UsageError
from semoe.retrieval.dense.building import encode_share
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.vectors import about, is_alike
from semoe.stages.corpus import open_corpus
from semoe.store.objects import MissingObjectError, Objects, open_objects
from semoe.telemetry.progress import progress


class StoredParts:
    """`KeptParts` among objects."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def get(self, digest: str) -> bytes | None:
        """See `KeptParts`."""
        try:
            return self._objects.get(self._name(digest))
        except MissingObjectError:
            return None

    def put(self, digest: str, data: bytes) -> None:
        """See `KeptParts`."""
        self._objects.put(self._name(digest), data)

    def _name(self, digest: str) -> str:
        return f"{self._prefix}/{digest}.npy"


def shared_parts(place: str, encoder_name: str, encoder: Encoder) -> StoredParts:
    """Opens the place where workers keep the vectors of an encoder.

    Raises:
        UsageError: there is no such place, or another encoder made vectors there under the same name.
    """
    objects = open_objects(place)
    prefix = f"vectors/{blake3(encoder_name.encode()).hexdigest(length=8)}"
    name, told = f"{prefix}/about.json", about(encoder_name, encoder)
    if not objects.create(name, orjson.dumps(told)) and not is_alike(_read(objects, name), told):
        raise UsageError(
            f"{place} has vectors that {encoder_name} made when it was another model. Give another --parts.",
            kind="index",
        )
    return StoredParts(objects, prefix)


def _read(objects: Objects, name: str) -> dict[str, Any]:
    try:
        return dict(orjson.loads(objects.get(name)))
    except (ValueError, TypeError) as error:
        raise CorruptError(f"{objects.url}/{name} cannot be read ({error}). Remove it.", kind="corrupt") from error


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's share of a corpus, such as 0/8."""

    number: int
    """Counted from 0."""
    num_workers: int

    @classmethod
    def of(cls, text: str) -> "Share":
        """Reads `0/8`.

        Raises:
            UsageError: it is no share.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
            raise UsageError(
                f"{text!r} is no share. Shares are counted from 0: of eight they are 0/8 to 7/8.", kind="bad-value"
            )
        return cls(int(number), int(count))


def encode_shared(data_path: str, place: str, encoder_name: str, share: Share, quoting: str = "") -> tuple[int, int]:
    """Makes a worker's share of a corpus's vectors, where no worker has made them yet.

    Args:
        data_path: the corpus.
        place: a folder, or s3://bucket/prefix.
        encoder_name: what opens the encoder.
        share: which of the corpus's parts.
        quoting: how the corpus is written (`semoe.retrieval.formats`); empty: as its name says.

    Returns:
        Passages of the share, and of them those whose vectors were there.

    Raises:
        UsageError: no such corpus, encoder or place.
        CorruptError: the encoder makes numbers that are none.
        TransientError: the store does not answer.
    """
    corpus = open_corpus(data_path, quoting)
    encoder = open_encoder(encoder_name)
    parts = shared_parts(place, encoder_name, encoder)
    with progress("encode", corpus.size, "bytes") as advance:
        return encode_share(corpus.passages(advance), encoder, parts, share.number, share.num_workers)
