"""A corpus that is cut into ranges of bytes has the passages that reading it from its beginning has."""

import csv
import gzip
import io
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semoe.errors import UsageError
from semoe.retrieval.formats import JSON_LINES, PLAIN
from semoe.retrieval.passage import Passage
from semoe.runs.corpus import Range, passages_of, plan_corpus, read_range, settle
from semoe.runs.folder import RunFolder
from semoe.runs.plan import CorpusPlan
from semoe.runs.shard_items import reckoned
from semoe.stages.corpora.places import Disk
from semoe.stages.corpus import open_corpus
from semoe.stages.corpus_range import CorpusFile, RangeReader
from semoe.stages.record_starts import cut_evenly, record_start
from semoe.store.objects import FolderObjects
from tests.demo import DEMO

# What is hard on a reader that begins anywhere: quotes, and texts that look like records.
PIECES = st.sampled_from(["a", "word ", '"', '""', "\n", "\r\n", "é", "\n7\tlike\trecord\n", '\n8\t"quoted"\tx\n', " "])
TEXTS = st.lists(PIECES, min_size=1, max_size=8).map("".join).filter(lambda text: text.strip() != "")


@st.composite
def corpora(draw: st.DrawFn) -> bytes:
    """A tab-separated file as Python's csv writes it, with or without a mark, a last line's end, and CR before LF."""
    rows = draw(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
    written = io.StringIO()
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(written, delimiter="\t", lineterminator=ends)
    writer.writerow(["id", "text", "title"])
    for number, (text, title) in enumerate(rows):
        writer.writerow([str(number), text, title])
    found = written.getvalue()
    if draw(st.booleans()):
        found = found.removesuffix(ends)
    return ("\ufeff" if draw(st.booleans()) else "").encode() + found.encode()


def sequential(path: Path, written: str = "") -> list[Passage]:
    return list(open_corpus(str(path), written).passages())


def planned(corpus: CorpusFile, bounds: Sequence[int]) -> CorpusPlan:
    return CorpusPlan(file=corpus, bounds=tuple(bounds), num_passages=(1,) * (len(bounds) - 1), error=0.1)


def by_shards(folder: Path, plan: CorpusPlan) -> tuple[list[tuple[str, str, str]], int]:
    """Reads every shard, in any order, and settles; returns all passages and how many shards were read again."""
    run = RunFolder(FolderObjects(folder), "r")
    shards = list(range(len(plan.bounds) - 1))
    first = {shard: read_range(run, plan, shard) for shard in random.Random(0).sample(shards, len(shards))}
    manifest = settle(run, plan)
    assert settle(run, plan) == manifest, "what is settled stays so"
    again = sum(first[shard] != run.read(f"ranges/{shard:05}.json", Range) for shard in shards)
    found = [list(passages_of(plan, manifest, shard)) for shard in shards]
    assert [len(part) for part in found] == [size.num_items for size in manifest.passage_shards]
    return [(one.id, one.passage, one.title) for part in found for one in part], again


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=corpora(), num_shards=st.integers(1, 6), window=st.sampled_from([8, 32, 128, 1 << 11]))
def test_shards_joined_are_the_corpus(
    data: bytes, num_shards: int, window: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    path = folder / "psgs.tsv"
    path.write_bytes(data)
    corpus = CorpusFile.of(str(path))
    with pytest.MonkeyPatch.context() as patch:
        # Small windows make it believe what is not so: then `settle` has to find out.
        patch.setattr("semoe.stages.record_starts.WINDOW", window)
        patch.setattr("semoe.stages.record_starts.MOST", 4 * window)
        bounds = cut_evenly(corpus, num_shards)
    joined, _ = by_shards(folder / "store", planned(corpus, bounds))
    assert joined == [(one.id, one.text, one.title) for one in sequential(path)]


def test_bounds_at_every_byte_are_mended(tmp_path: Path) -> None:
    path = tmp_path / "psgs.tsv"
    rows = ["id\ttext\ttitle", '1\t"a ""b""\n9\tlike\trecord"\tT', "2\tplain\tU", '3\t"x\ty"\t"\n"', "4\té\tV"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    corpus = CorpusFile.of(str(path))
    whole = [(one.id, one.text, one.title) for one in sequential(path)]
    mended = 0
    for at in range(1, corpus.size):
        if not (path.read_bytes()[at : at + 1] and path.read_bytes()[at] & 0xC0 != 0x80):
            continue  # no character begins here
        joined, again = by_shards(tmp_path / f"{at}", planned(corpus, (0, at, corpus.size)))
        assert joined == whole
        mended += again
    assert mended > 20


def test_a_record_is_found_wherever_one_looks(tmp_path: Path) -> None:
    text = (DEMO / "passages.tsv").read_bytes()
    (tmp_path / "psgs.tsv").write_bytes(text)
    corpus = CorpusFile.of(str(tmp_path / "psgs.tsv"))
    reader = RangeReader(corpus, 0, corpus.size)
    starts = [0, *(reader.end for _ in reader)]
    chosen = random.Random(1).sample(range(1, corpus.size - 2000), 200)
    for at in chosen:
        assert record_start(corpus.parts[0], Disk(), corpus.path, at) == next(start for start in starts if start >= at)


@pytest.mark.parametrize("written", [JSON_LINES, PLAIN])
def test_other_ways_to_write_a_corpus(tmp_path: Path, written: str) -> None:
    passages = [Passage(str(n), f'say "{n}" and \\ more', f"T{n}") for n in range(40)]
    path = tmp_path / ("c.jsonl" if written == JSON_LINES else "c.tsv")
    if written == JSON_LINES:
        fields = [("id", "text"), ("_id", "contents"), ("docid", "text")]
        lines = [
            orjson.dumps({fields[n % 3][0]: one.id, fields[n % 3][1]: one.text, "title": one.title})
            + b"\n" * (1 + n % 2)
            for n, one in enumerate(passages)
        ]
    else:
        lines = [b"id\ttext\ttitle\n", *(f"{one.id}\t{one.text}\t{one.title}\n".encode() for one in passages)]
    path.write_bytes(b"".join(lines))
    said = written if written == PLAIN else ""
    assert sequential(path, said) == passages
    plan = plan_corpus(str(path), said, 5)
    assert len(plan.bounds) == 6
    assert sum(size.num_items for size in reckoned(plan)) == pytest.approx(40, rel=plan.error + 0.05)
    joined, _ = by_shards(tmp_path / "store", plan)
    assert joined == [(one.id, one.text, one.title) for one in passages]


def test_a_corpus_that_is_no_corpus_is_told(tmp_path: Path) -> None:
    path = tmp_path / "psgs.tsv"
    path.write_bytes((DEMO / "passages.tsv").read_bytes() + b"17\tonly two\n" + b"18\ta\tb\n" * 9000)
    plan = plan_corpus(str(path), "", 3)
    with pytest.raises(UsageError, match=r"from byte \d+, line \d+: expected 3 columns"):
        by_shards(tmp_path / "store", plan)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UsageError, match=r"gunzip.*semoe cut --corpus"):
        plan_corpus(str(packed), "", 3)
    with pytest.raises(UsageError, match="Did you mean 'csv'"):
        plan_corpus(str(path), "cvs", 3)
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "x"}\n{"name": 3}\n[]\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 2: expected an id \(id, .* and a text \(text, .*, found name"):
        sequential(tmp_path / "a.jsonl")


def test_what_is_settled_stays_so_whoever_writes_late(tmp_path: Path) -> None:
    path = tmp_path / "psgs.tsv"
    path.write_text('id\ttext\ttitle\n1\t"a\n9\tlike\trecord\n"\tT\n2\tb\tU\n', encoding="utf-8")
    corpus = CorpusFile.of(str(path))
    run = RunFolder(FolderObjects(tmp_path / "store"), "r")
    plan = planned(corpus, (0, 20, corpus.size))
    with pytest.raises(UsageError, match="shard 0 is not read yet"):
        settle(run, plan)
    read_range(run, plan, 0)
    wrong = read_range(run, plan, 1)
    first = settle(run, plan)
    assert first.starts[1] != wrong.start
    # A worker that lost its node writes what it had believed: nothing changes.
    run.write("ranges/00001.json", wrong, Range)
    assert settle(run, plan) == first


def test_a_range_in_s3_is_read_with_few_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEMO / "passages.tsv").read_bytes()
    (tmp_path / "psgs.tsv").write_bytes(text)
    asked: list[tuple[int, int | None]] = []

    class Remote(FolderObjects):
        def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            asked.append((start, length))
            return super().get(name, start, length)

    monkeypatch.setattr("semoe.stages.corpora.places.open_bucket", lambda path: Remote(tmp_path))
    corpus = CorpusFile.of("s3://bucket/psgs.tsv")
    assert all(length is not None and length <= 1 << 12 for _, length in asked)
    asked.clear()
    whole = [one.id for one in RangeReader(corpus, 0, corpus.size)]
    assert whole == [one.id for one in sequential(tmp_path / "psgs.tsv")]
    assert len(asked) == 1
    asked.clear()
    assert len(list(RangeReader(corpus, 0, 1))) == 1
    assert asked == [(0, 1 << 16)], "a look at the first record"
    asked.clear()
    bounds = cut_evenly(corpus, 4)
    assert len(asked) <= 6
    asked.clear()
    assert [one.id for start, stop in pairwise(bounds) for one in RangeReader(corpus, start, stop)] == whole
    assert len(asked) <= 8


def test_a_corpus_that_was_replaced_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "psgs.tsv"
    path.write_bytes((DEMO / "passages.tsv").read_bytes())
    plan = plan_corpus(str(path), "", 3)
    run = RunFolder(FolderObjects(tmp_path / "store"), "r")
    read_range(run, plan, 1)
    assert run.read("ranges/00001.json", Range).num_passages > 50
    whole = path.read_bytes()
    path.write_bytes(whole[:1000].replace(b" the ", b" THE ") + whole[1000:])
    with pytest.raises(UsageError, match="is another file than the run was planned with"):
        read_range(run, plan, 1)
