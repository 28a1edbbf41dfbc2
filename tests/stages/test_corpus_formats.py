"""Columns, and folders of files however each is written: ranges joined are what reading from the beginning gives."""

import gzip
import shutil
from itertools import pairwise
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage
from semoe.runs.corpus import plan_corpus
from semoe.stages.corpus import open_corpus
from semoe.stages.corpus_range import CorpusFile, RangeReader
from semoe.stages.corpus_rates import num_passages_in
from semoe.stages.record_starts import cut_evenly
from semoe.store.objects import FolderObjects
from semoe.store.objects.s3 import S3Objects
from tests.demo import PASSAGES
from tests.stages.corpora import WAYS, by_ranges, sequential, some_passages, write


def mixed(folder: Path, ways: list[str], counts: list[int], group: int = 3) -> list[Passage]:
    """A folder of a file for each way of writing; returns all passages in its order."""
    made: list[Passage] = []
    for number, (way, count) in enumerate(zip(ways, counts, strict=True)):
        passages = some_passages(len(made), count)
        write(folder / f"{number:02}.{way}", passages, group)
        made += passages
    return made


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ranges_of_a_mixed_folder_joined_are_the_corpus(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    ways = data.draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=5))
    counts = [data.draw(st.integers(0 if number else 1, 12)) for number in range(len(ways))]
    made = mixed(folder, ways, counts, data.draw(st.integers(1, 5)))
    (folder / "README.md").write_text("a card")
    (folder / "_SUCCESS").touch()
    corpus = CorpusFile.of(str(folder))
    assert sequential(folder) == made
    assert by_ranges(corpus, cut_evenly(corpus, data.draw(st.integers(1, 9)))) == made
    anywhere = data.draw(st.sets(st.integers(1, corpus.size - 1), max_size=6))
    assert by_ranges(corpus, (0, *sorted(anywhere), corpus.size)) == made


@pytest.mark.parametrize("way", WAYS)
def test_places_are_certain_where_files_tell_them(tmp_path: Path, way: str) -> None:
    made = mixed(tmp_path, [way] * 3, [40, 1, 30])
    corpus = CorpusFile.of(str(tmp_path))
    bounds = cut_evenly(corpus, 12)
    # A footer is a large part of so small a file in columns; a gzipped one is a place.
    assert len(bounds) - 1 >= (2 if way == "jsonl.gz" else 8)
    assert way != "jsonl.gz" or set(bounds) <= {*corpus.begins(), corpus.size}
    readers = [RangeReader(corpus, start, stop) for start, stop in pairwise(bounds)]
    assert [one for reader in readers for one in reader] == made
    assert [reader.end for reader in readers] == list(bounds[1:])


@pytest.mark.parametrize("way", WAYS)
def test_how_many_passages_there_are_is_reckoned(tmp_path: Path, way: str) -> None:
    mixed(tmp_path, [way, way], [300, 200], group=50)
    corpus = CorpusFile.of(str(tmp_path))
    found, error = num_passages_in(corpus, cut_evenly(corpus, 6))
    assert 0 <= error <= 1
    assert sum(found) == pytest.approx(500, rel=0.3)


@pytest.mark.parametrize("count", [1, 30, 299])
def test_a_small_gzipped_file_is_counted(tmp_path: Path, count: int) -> None:
    lines = PASSAGES.read_bytes().splitlines(keepends=True)
    text = lines[0] + b"".join(lines[1 : count + 1])
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(text[:100]) + gzip.compress(text[100:]))
    plan = plan_corpus(str(tmp_path), "", 4)
    assert (sum(plan.num_passages), plan.error) == (count, 0)
    shutil.copy(tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz")
    (tmp_path / "c.tsv").write_bytes(text)
    plan = plan_corpus(str(tmp_path), "", 7)
    assert (sum(plan.num_passages), plan.error) == (3 * count, 0)


@settings(max_examples=6, deadline=None)
@given(counts=st.lists(st.integers(1, 2000), min_size=2, max_size=6), seed=st.randoms(use_true_random=False))
def test_a_reckoned_number_has_the_true_one_in_its_interval(
    counts: list[int], seed: Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of files that are alike, but of very different sizes; gzip's rate differs with the size."""
    folder = tmp_path_factory.mktemp("corpus")
    lines = PASSAGES.read_bytes().splitlines(keepends=True)
    for number, count in enumerate(counts):
        text = lines[0] + b"".join(seed.choices(lines[1:], k=count))
        (folder / f"{number}.tsv.gz").write_bytes(gzip.compress(text))
    plan = plan_corpus(str(folder), "", 4)
    assert sum(plan.num_passages) == pytest.approx(sum(counts), rel=max(plan.error, 0.02))


def test_a_parquet_file_is_planned_by_its_footer_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = some_passages(0, 4000)
    write(tmp_path / "c.parquet", made, group=100)
    size = (tmp_path / "c.parquet").stat().st_size
    asked: list[int | None] = []

    class Remote(FolderObjects):
        def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            asked.append(length)
            return super().get(name, start, length)

    monkeypatch.setattr("semoe.stages.corpora.places.open_bucket", lambda path: Remote(tmp_path))
    plan = plan_corpus("s3://bucket/c.parquet", "", 8)
    assert sum(plan.num_passages) == pytest.approx(4000, rel=0.02)
    assert sum(length or 0 for length in asked) < size / 4 + 5 * (1 << 16)
    asked.clear()
    assert list(RangeReader(plan.file, plan.bounds[3], plan.bounds[4]))
    assert len(asked) < 30, "a call or two for a row group, and the footer"
    assert by_ranges(plan.file, plan.bounds) == made


def test_a_place_in_a_text_costs_one_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of passages of a hundred words, which have 300 to 1,000 bytes: from S3 requests are what takes the time."""
    words, asked = Random(7), list[int]()
    rows = [f"{n}\t{'word ' * words.randint(60, 190)}\tTitle {n}\n" for n in range(20_000)]
    (tmp_path / "c.tsv").write_text("id\ttext\ttitle\n" + "".join(rows))

    class Remote(FolderObjects):
        def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            asked.append(length or 0)
            return super().get(name, start, length)

    monkeypatch.setattr("semoe.stages.corpora.places.open_bucket", lambda path: Remote(tmp_path))
    plan = plan_corpus("s3://bucket/c.tsv", "", 128)
    assert len(plan.bounds) == 129
    assert len(asked) < 128 + 16 + 12, "places, samples, and what the corpus begins with"
    assert sum(plan.num_passages) == pytest.approx(20_000, rel=max(plan.error, 0.01))


def test_a_folder_and_parquet_in_s3_are_read(
    tmp_path: Path, s3_objects: S3Objects, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    made = mixed(tmp_path, list(WAYS), [9] * len(WAYS))
    for file in sorted(tmp_path.iterdir()):
        s3_objects.put(f"wiki/{file.name}", file.read_bytes())
    s3_objects.put("wiki-of-others/00.tsv", b"id\ttext\ttitle\n")
    s3_objects.put("wiki/README.md", b"a card")
    path = f"{s3_objects.url}/wiki"
    assert sequential(path) == sequential(f"{path}/") == made
    corpus = CorpusFile.of(path)
    assert by_ranges(corpus, cut_evenly(corpus, 4)) == made
    corpus.require_same()
    assert sequential(f"{path}/03.parquet") == sequential(tmp_path / "03.parquet")
    # Of the same size and ends: the store's ETag tells.
    long = b"id\ttext\ttitle\n" + b"".join(b"%d\ta\tb\n" % n for n in range(1000, 4000))
    s3_objects.put("wiki/07.tsv", long)
    corpus = CorpusFile.of(path)
    s3_objects.put("wiki/07.tsv", long.replace(b"2500\ta", b"2500\tX"))
    s3_objects.delete("wiki/00.tsv")
    s3_objects.put("wiki/08.tsv", long)
    with pytest.raises(UsageError, match=r"wiki/07\.tsv is another file.*lost 00\.tsv.*got 08\.tsv"):
        corpus.require_same()


def test_a_file_that_changed_vanished_or_was_added_is_named(tmp_path: Path) -> None:
    mixed(tmp_path, ["tsv", "jsonl", "parquet"], [5, 5, 5])
    corpus = CorpusFile.of(str(tmp_path))
    corpus.require_same()
    write(tmp_path / "01.jsonl", some_passages(50, 5))
    (tmp_path / "02.parquet").unlink()
    write(tmp_path / "03.tsv", some_passages(60, 2))
    with pytest.raises(UsageError, match=r"01\.jsonl is another file than .* lost 02\.parquet.* got 03\.tsv"):
        corpus.require_same()


def test_layouts_in_use_are_known(tmp_path: Path) -> None:
    made = some_passages(0, 12)
    hub = tmp_path / "hub"
    (hub / "data").mkdir(parents=True)
    (hub / ".cache").mkdir()
    (hub / ".cache" / "old.jsonl").write_text("{}")
    (hub / "dataset_infos.json").write_text('{"default": {}}')
    write(hub / "data" / "train-00000-of-00002.parquet", made[:7])
    write(hub / "data" / "train-00001-of-00002.parquet", made[7:])
    assert sequential(hub) == made
    saved = tmp_path / "saved" / "train"
    saved.mkdir(parents=True)
    (saved.parent / "dataset_dict.json").write_text('{"splits": ["train"]}')
    (saved / "state.json").write_text('{"_data_files": []}')
    (saved / "dataset_info.json").write_text("{}")
    write(saved / "data-00000-of-00001.arrow", made)
    shutil.copy(saved / "data-00000-of-00001.arrow", saved / "cache-1a2b.arrow")
    assert sequential(saved.parent) == made
    beir = tmp_path / "scifact"
    (beir / "qrels").mkdir(parents=True)
    write(beir / "corpus.jsonl", made)
    write(beir / "queries.jsonl", some_passages(90, 3))
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\t2\t1\n")
    assert sequential(beir) == sequential(beir / "corpus.jsonl") == made
    write(beir / "corpus-1.jsonl", made[:2])
    write(beir / "corpus-2.jsonl", made[2:])
    (beir / "corpus.jsonl").unlink()
    assert sequential(beir) == made, "a question is no passage, into however many files the corpus was cut"


def test_links_and_loops_in_a_folder(tmp_path: Path) -> None:
    made = some_passages(0, 4)
    write(tmp_path / "there.jsonl", made)
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.jsonl").symlink_to(tmp_path / "there.jsonl")
    (folder / "loop").symlink_to(folder)
    assert sequential(folder) == made
    (folder / "b.jsonl").symlink_to(tmp_path / "gone.jsonl")
    with pytest.raises(UsageError, match=r"File not found: .*b\.jsonl"):
        sequential(folder)


def test_texts_in_columns_of_other_types(tmp_path: Path) -> None:
    texts = pa.array(["one", None, "three"])
    for number, column in enumerate((texts.cast(pa.large_string()), texts.dictionary_encode(), texts.cast("binary"))):
        table = pa.table({"id": ["a", "b", "c"], "text": column, "title": ["x", "", "z"]})
        parquet.write_table(table, tmp_path / f"{number}.parquet")
        assert [one.text for one in sequential(tmp_path / f"{number}.parquet")] == ["one", "three"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": ["u"], "text": ["t"]}, r"expected an id .* found the columns url, text\. Rename them"),
        ({"id": ["1", None], "text": ["t", "u"]}, r"row 2: expected an id"),
        ({"id": ["1", "2"], "text": [[7], [8]]}, r"row 1: .* found id \(str\), text \(list\)"),
        ({"id": ["1", "2"], "text": [b"t", b"\xe9"]}, r"row 2.*no UTF-8 text \(byte 0xe9\)"),
    ],
)
def test_columns_that_are_no_passages_are_told(tmp_path: Path, table: dict[str, list[object]], said: str) -> None:
    parquet.write_table(pa.table(table), tmp_path / "c.parquet")
    with pytest.raises(UsageError, match=rf"c\.parquet.*{said}"):
        sequential(tmp_path / "c.parquet")


def test_columns_need_a_package_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "c.parquet", some_passages(0, 3))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs the package pyarrow.*pip install 'semoe\[parquet\]'"):
        sequential(tmp_path / "c.parquet")


def test_progress_comes_to_the_corpus_size(tmp_path: Path) -> None:
    mixed(tmp_path, list(WAYS), [9] * len(WAYS))
    shutil.copy(PASSAGES, tmp_path / "99.tsv")
    corpus, told = open_corpus(str(tmp_path)), list[float]()
    assert list(corpus.passages(told.append))
    assert sum(told) == corpus.size
