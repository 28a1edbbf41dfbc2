"""Rewrites a corpus as a folder of pieces in JSON Lines, which a run over it can cut: `semoe.stages.corpora.pieces`.

Whatever stops it, the same call goes on: a piece is whole or absent, the same corpus gives the same pieces, and those
that are there are not written again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import orjson

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage
from semoe.stages.corpora.pieces import MARKER, Cut, piece_name, read_cut
from semoe.stages.corpus import Corpus
from semoe.store.objects import Objects, open_objects
from semoe.telemetry.progress import progress


@dataclass(frozen=True, kw_only=True, slots=True)
class CutReport:
    """What became of a corpus."""

    passages: int
    pieces: int
    already_there: int
    """Of the pieces, those that an earlier call wrote."""
    corpus: str
    """Where the pieces are."""


def cut_corpus(corpus: Corpus, place: str, piece_bytes: int) -> CutReport:
    """Writes a corpus's passages as pieces, in order.

    Args:
        corpus: any that is read.
        place: a folder, or s3://bucket/prefix; empty, or with pieces of this corpus.
        piece_bytes: of a piece, at most; a passage that is longer has one of its own.

    Raises:
        UsageError: it is no corpus, or the place holds something else.
        TransientError: the store does not answer, or the disk is full.
    """
    objects = open_objects(place)
    wanted = Cut(corpus=f"{corpus.identity}, {corpus.file.mark}", piece_bytes=piece_bytes)
    there = {one.name: one.size for one in objects.list("")}
    if _is_done(objects, there, wanted):
        found = read_cut(objects.get(MARKER), place)
        pieces = found.num_pieces or 0
        return CutReport(passages=found.num_passages, pieces=pieces, already_there=pieces, corpus=objects.url)
    objects.put(MARKER, orjson.dumps(wanted))
    num_pieces = num_found = num_passages = 0
    with progress("cut", corpus.size, "bytes") as advance:
        for num_pieces, lines in enumerate(_pieces(corpus.passages(advance), piece_bytes), 1):
            num_passages += len(lines)
            name = piece_name(num_pieces - 1)
            if there.get(name) == sum(map(len, lines)):
                num_found += 1
            else:
                objects.put(name, *lines)
    objects.put(MARKER, orjson.dumps(replace(wanted, num_pieces=num_pieces, num_passages=num_passages)))
    return CutReport(passages=num_passages, pieces=num_pieces, already_there=num_found, corpus=objects.url)


def _is_done(objects: Objects, there: Iterable[str], wanted: Cut) -> bool:
    """Whether all pieces of this corpus are there.

    Raises:
        UsageError: the place holds something else.
    """
    names = set(there)
    if not names:
        return False
    if MARKER not in names:
        raise UsageError(
            f"{objects.url} is not empty: it holds {min(names)}, … Give a place of their own to the pieces (--to).",
            kind="not-empty",
        )
    found = read_cut(objects.get(MARKER), objects.url)
    if replace(found, num_pieces=None, num_passages=0) != wanted:
        raise UsageError(
            f"{objects.url} holds pieces of another corpus, or of another size: {found.corpus}, at most "
            f"{found.piece_bytes:,} bytes. Give another --to, or remove them.",
            kind="other-corpus",
        )
    return found.num_pieces is not None and names >= {piece_name(number) for number in range(found.num_pieces)}


def _pieces(passages: Iterable[Passage], piece_bytes: int) -> Iterator[list[bytes]]:
    """Yields the lines of each piece."""
    lines: list[bytes] = []
    size = 0
    for passage in passages:
        line = orjson.dumps({"id": passage.id, "text": passage.text, "title": passage.title}) + b"\n"
        if lines and size + len(line) > piece_bytes:
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines
