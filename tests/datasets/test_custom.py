import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

TWO = '[{"question": "a?", "answer": "b"}, {"qid": "own", "question": "c?", "answer": ["d", "e", "d"]}]'


def test_a_string_or_a_list_an_id_or_the_position(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(TWO)
    questions = load_dataset("anything", path)
    assert [question.answers for question in questions] == [("b",), ("d", "e")]
    assert [question.qid for question in questions] == ["0", "own"]


def test_the_files_name_is_the_type(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(TWO)
    whole = load_dataset("anything", path)
    assert {question.type for question in whole} == {"mine"}
    assert load_dataset("anything", path, data_type="mine") == whole
    assert load_dataset("anything", path, data_type="total") == whole
    with pytest.raises(UsageError, match=r"Unknown data_type of anything 'mines'.*Did you mean 'mine'.*total"):
        load_dataset("anything", path, data_type="mines")


ROWS = [{"question": "a?", "answer": ["b"]}, {"question": "c\u2028?", "answer": ["d", "e"], "qid": "own"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\r\n\r\n" for row in ROWS).encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("mine.jsonl", LINES),
        ("mine.json", LINES),
        ("mine.ndjson", b"\xef\xbb\xbf" + LINES),
        ("mine.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("mine.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
        ("mine.jsonl", gzip.compress(LINES, mtime=0)),
    ],
    ids=["lines", "lines called json", "byte order mark", "packed", "packed array", "packed in secret"],
)
def test_lines_are_read_as_an_array_is_packed_or_not(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    found = load_dataset("anything", tmp_path / name, data_type="mine")
    assert [(one.qid, one.question, one.answers) for one in found] == [
        ("0", "a?", ("b",)), ("own", "c\u2028?", ("d", "e")),
    ]  # fmt: skip


def test_parquet_is_read(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "mine.parquet")
    assert [one.answers for one in load_dataset("anything", tmp_path / "mine.parquet")] == [("b",), ("d", "e")]
    (tmp_path / "packed.parquet.gz").write_bytes(gzip.compress((tmp_path / "mine.parquet").read_bytes(), mtime=0))
    assert len(load_dataset("anything", tmp_path / "packed.parquet.gz")) == 2
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "mine.parquet").read_bytes()[:200])
    with pytest.raises(UsageError, match=r"cut\.parquet is broken Parquet"):
        load_dataset("anything", tmp_path / "cut.parquet")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(LINES, mtime=0)[:-12], "ends early"),
        ('[{"question": "a?",\n"answer": "é"}]'.encode("latin1"), "not UTF-8 at byte 31 .line 2.*iconv"),
        (json.dumps(ROWS).encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04x", "a zip archive.*unzip"),
    ],
    ids=["cut", "latin1", "utf16", "zip"],
)
def test_bytes_that_are_no_text_are_named_as_what_they_are(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "mine.json").write_bytes(data)
    with pytest.raises(UsageError, match=rf"mine\.json.*{words}"):
        load_dataset("mine", tmp_path / "mine.json")


def test_a_name_that_is_no_benchmark_needs_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_text("question\tanswer\n")
    for path in (tmp_path, tmp_path / "mine.tsv"):
        with pytest.raises(UsageError, match=r"Unknown dataset 'mine'.*Questions of your own.*\.jsonl"):
            load_dataset("mine", path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('[{"question": "a?",\n "answer" "b"}]', "line 2"),
        ('[{"question": "a?", "answer": "b"}, {"question": "c?"}]', "record 2: the question has no answer"),
        ('[{"question": "a?", "answer": []}]', "record 1: the question has no answer"),
        ('[{"question": "a?", "answer": [null]}]', "record 1: answer must be an array of strings"),
        ('[{"question": "a?", "answer": {"b": 1}}]', "record 1: answer must be an array of strings"),
        ('[{"answer": "b"}]', "record 1: question is missing"),
        ("[]", "no records"),
        ('[{"question": "a?", "answer": "b"}, "c"]', "record 2: expected an object"),
        ('{"question": "a?"}', "record 1: the question has no answer"),
        ('{"question": "a?", "gold": "b"}', "record 1: .*found: question, gold.* golden_answers"),
        ('{"query": "a?", "answer": "b"}', "expected .*found one object with query, answer"),
        ('{"query": "a?"}\n{"query": "c?"}', "record 1: question is missing or empty .found: query"),
        ('{"data": [{"question": "a?"}]}', r"JSON Lines.*jq -c '\.data\[\]' "),
        ('{"question": "a?", "answer": "b"}\n\n{"question": \n', "line 3"),
        ("question,answer\na?,b\n", "JSON Lines.* line 1 is 'question,answer'"),
        ("<!DOCTYPE html><html>", "HTML.* download the file itself"),
        ("version https://git-lfs.github.com/spec/v1", "pointer of Git LFS.* git lfs pull"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"mine\.json.*{words}"):
        load_dataset("mine", path)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("['a', 'b']", ("a", "b")), ('["a"]', ("a",)), ("[1990]", ("[1990]",)), ("[a]", ("[a]",)), (True, ("yes",)),
        (False, ("no",)), (1990.0, ("1990",)), (1.5, ("1.5",)), ([1990.0, "a"], ("1990", "a")),
    ],
)  # fmt: skip
def test_answers_are_what_a_person_would_write(tmp_path: Path, answer: object, wanted: tuple[str, ...]) -> None:
    """Tables write lists as texts, and whole numbers with a point."""
    (tmp_path / "mine.json").write_text(json.dumps([{"question": "a?", "answer": answer}]))
    (found,) = load_dataset("mine", tmp_path / "mine.json")
    assert found.answers == wanted


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.Table.from_arrays([pa.array(["a?"]), *[pa.array(["b"])] * 2], names=["question", "answer", "answer"]),
         "has several columns answer"),
        (pa.table({"question": ["a?"], "answer": ["b"], "t": pa.array([10**18 + 1], pa.timestamp("ns"))}),
         "has a value that cannot be read .* Write it as a text"),
        (pa.table({"question": ["a?"], "answer": pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xe9")])}),
         "has a text that is not UTF-8"),
    ],
    ids=["twice", "nanoseconds", "latin1"],
)  # fmt: skip
def test_columns_that_cannot_be_read_are_said(tmp_path: Path, table: pa.Table, words: str) -> None:
    parquet.write_table(table, tmp_path / "mine.parquet")
    with pytest.raises(UsageError, match=rf"mine\.parquet {words}"):
        load_dataset("mine", tmp_path / "mine.parquet")
