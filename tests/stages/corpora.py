"""Corpora in every way that they are written, for tests; and how a run reads one."""

import csv
import gzip
import io
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import orjson
import pyarrow as pa
from pyarrow import parquet

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage
from semoe.stages.corpus import open_corpus
from semoe.stages.corpus_range import CorpusFile, RangeReader

WAYS = ("tsv", "jsonl", "jsonl.gz", "parquet", "arrow", "feather")


def some_passages(first: int, count: int) -> list[Passage]:
    """Passages that are hard on a reader that begins anywhere."""
    hard = ("plain", 'a "quoted" one', '"at both ends"', "over\nlines\n9\tlike\trecord", "é", "x" * 3000)
    return [
        Passage(str(n), f"{hard[n % len(hard)]} {n}", f"T{n}" if n % 4 else "") for n in range(first, first + count)
    ]


def write(path: Path, passages: Sequence[Passage], group: int = 3) -> None:
    """Writes passages as a file's ending says; `group` rows make a row group or a batch."""
    way = path.name.partition(".")[2]
    if way == "tsv":
        written = io.StringIO()
        writer = csv.writer(written, delimiter="\t", lineterminator="\n")
        writer.writerow(["id", "text", "title"])
        writer.writerows([one.id, one.text, one.title] for one in passages)
        path.write_text(written.getvalue(), encoding="utf-8", newline="")
    elif way.startswith("jsonl"):
        lines = [orjson.dumps({"_id": one.id, "title": one.title, "text": one.text}) + b"\n" for one in passages]
        path.write_bytes(gzip.compress(b"".join(lines)) if way.endswith("gz") else b"".join(lines))
    else:
        _write_columns(path, way, passages, group)


def _write_columns(path: Path, way: str, passages: Sequence[Passage], group: int) -> None:
    columns = {
        "docid": pa.array([int(one.id) for one in passages], pa.int64()),
        "other": [[0.5] * 20 for _ in passages],
        "title": [one.title or None for one in passages],
        "contents": [one.text for one in passages],
    }
    table = pa.table(columns)
    if way == "parquet":
        parquet.write_table(table, path, row_group_size=group)
        return
    begun = pa.ipc.new_stream if way == "arrow" else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, begun(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=group)


def sequential(path: Path | str, quoting: str = "") -> list[Passage]:
    """The passages of a corpus, read from its beginning to its end."""
    return list(open_corpus(str(path), quoting).passages())


def by_ranges(corpus: CorpusFile, bounds: Sequence[int]) -> list[Passage]:
    """The passages of a corpus by ranges; one that began elsewhere than the one before it ended is read again."""
    found: list[Passage] = []
    start = 0
    for bound, stop in pairwise(bounds):
        with suppress(UsageError):  # it may begin in a record
            reader = RangeReader(corpus, bound, stop)
            passages = list(reader)
        if bound != start:
            reader = RangeReader(corpus, start, stop)
            passages = list(reader)
        found += passages
        start = reader.end
    return found
