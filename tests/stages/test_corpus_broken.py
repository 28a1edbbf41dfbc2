"""Corpora as people bring them: what can be read is, and what cannot is named with file, line, cause and cure."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.retrieval.passage import Passage
from semoe.stages.corpora.listing import PACKED
from semoe.stages.corpus_range import CorpusFile
from tests.stages.corpora import sequential, some_passages, write

HEADER = b"id\ttext\ttitle\n"
ROWS = HEADER + b"1\tone\tA\n2\ttwo\tB\n"
JSON = b'{"id": 1, "text": "one"}\n{"_id": "2", "contents": "two", "title": null}\n'
TWO = [Passage("1", "one", "A"), Passage("2", "two", "B")]
LONG = b"x" * (300 << 10)


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("psgs.tsv", data)
    return file.getvalue()


def packed(data: bytes) -> bytes:
    """The same whenever it is packed: the names of tests come of it."""
    return gzip.compress(data, mtime=0)


def tarred(data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("psgs.tsv")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.tsv", ROWS),
        ("c", ROWS),
        ("bom.tsv", b"\xef\xbb\xbf" + ROWS),
        ("crlf.tsv", ROWS.replace(b"\n", b"\r\n")),
        ("no-end.tsv", ROWS.rstrip()),
        ("blank-lines.tsv", ROWS.replace(b"\n", b"\n\n") + b"\n"),
        ("quoted.tsv", b'"id"\t"text"\t"title"\n"1"\t"one"\t"A"\n"2"\t"two"\t"B"\n'),
        ("c.tsv.gz", packed(ROWS)),
        ("members.tsv.gz", packed(ROWS[:20]) + packed(ROWS[20:]) + b"\0" * 100),
        ("unnamed-gzip.tsv", packed(ROWS)),
        ("plain-text.tsv.gz", ROWS),
        ("rows.json", ROWS),
    ],
)
@pytest.mark.parametrize("quoting", ["", "csv"])
def test_what_is_written_a_little_otherwise_is_read(tmp_path: Path, name: str, data: bytes, quoting: str) -> None:
    assert sequential(put(tmp_path, name, data), quoting) == TWO


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.jsonl", JSON),
        ("bom.jsonl", b"\xef\xbb\xbf" + JSON),
        ("crlf.json", JSON.replace(b"\n", b"\r\n")),
        ("objects.tsv", JSON),
        ("packed", packed(JSON)),
        ("C.JSONL.GZ", packed(JSON)),
    ],
)
def test_json_lines_are_known_by_what_they_begin_with(tmp_path: Path, name: str, data: bytes) -> None:
    assert sequential(put(tmp_path, name, data)) == [Passage("1", "one", ""), Passage("2", "two", "")]


def test_parquet_is_known_under_any_name(tmp_path: Path) -> None:
    made = some_passages(0, 5)
    write(tmp_path / "c.parquet", made)
    for name in ("c.tsv", "c.jsonl", "corpus"):
        assert sequential((tmp_path / "c.parquet").rename(tmp_path / name)) == made
        (tmp_path / name).rename(tmp_path / "c.parquet")


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_long_field_is_read(tmp_path: Path, quote: bytes) -> None:
    path = put(tmp_path, "long.tsv", HEADER + b"1\t" + quote + LONG + quote + b"\tA\n2\ttwo\tB\n")
    assert [len(one.text) for one in sequential(path)] == [len(LONG), 3]
    assert [len(one.text) for one in sequential(path, "none")] == [len(LONG) + 2 * len(quote), 3]


def test_passages_that_say_nothing_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = put(tmp_path, "c.tsv", HEADER + b"1\t\tA\n2\t\t\n3\t \t\n4\td\t\n")
    lines = (
        b'{"_id": "1", "text": "", "title": "A"}\n{"_id": "2", "text": "", "title": ""}\n{"_id": "3", "text": null}\n'
    )
    objects = put(tmp_path, "c.jsonl", lines + b'{"_id": "4", "text": "d"}\n')
    for path in (rows, objects):
        caplog.clear()
        assert sequential(path) == [Passage("1", "", "A"), Passage("4", "d", "")]
        assert "2 of the passages have neither text nor title and are left out, first the one of id 2" in caplog.text
    with pytest.raises(UsageError, match="holds no passages"):
        sequential(put(tmp_path, "blank.tsv", HEADER + b"2\t\t\n"))


def test_a_quote_that_swallowed_a_record_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = put(tmp_path, "c.tsv", HEADER + b'1\t"Blue\tA\n2\tDoor"\tB\n3\tthree\tC\n')
    assert [one.id for one in sequential(path)] == ["1", "3"]
    assert "c.tsv, line 2: a quoted field holds 2 lines with tabs in them" in caplog.text
    assert [one.id for one in sequential(path, "none")] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("c.tsv", ROWS + b"3\tcaf\xe9\tC\n", r"line 4: no UTF-8 text \(byte 0xe9, at \d+\).*iconv -f latin1 -t utf-8 "),
        ("c.jsonl", JSON + b'{"id": 3, "text": "caf\xe9"}\n', r"line 3: no UTF-8 text.*iconv"),
        ("c.tsv.gz", packed(ROWS + b"3\tcaf\xe9\tC\n"), r"line 4: no UTF-8 text.*zcat .*\.gz \| iconv .* > utf8\.tsv"),
        ("c.tsv.gz", packed(b"1\tone\n"), r"Where it has no header.*; zcat .*c\.tsv\.gz\) > named\.tsv"),
        ("c.jsonl.gz", packed(JSON.decode().encode("utf-16")), r"zcat .*\| iconv -f utf-16 .*> utf8\.jsonl"),
        ("wide.tsv", ROWS.decode().encode("utf-32"), "is text in UTF-32.*iconv -f utf-32 "),
        ("wide.tsv", ROWS.decode().encode("utf-16-be"), "is text in UTF-16.*iconv -f utf-16be "),
        ("c.tsv", ROWS + b'3\t"Blue Door\tC\n' + b"4\td\tD\n" * 50, "line 4: a quote opens .* line 54.*--quoting none"),
        ("c.tsv", ROWS + b'3\t"Blue" Door\tC\n4\td\tD\n', "line 4: a quote opens .*--quoting none"),
        ("c.tsv", ROWS + b'3\t"Blue\tC\n4\t"Door"\tD\n', r"line 4: .*\(line 5\).*--quoting none"),
        ("c.tsv", ROWS + b"3\tno title\n", "line 4: expected 3 columns .* found 2.*download it again"),
        ("c.tsv", ROWS + b"3\ta\ttab\tC\n", "line 4: expected 3 columns .* found 4.*may hold a tab"),
        ("c.tsv", ROWS + b"\tthree\tC\n", "line 4: the id is empty"),
        ("c.tsv", b"docno\ttext\n1\ta\n", "line 1: expected the header id, text, title.*found 'docno"),
        ("c.csv", b"id,text,title\n1,a,b\n", "line 1: .*separated by commas: convert"),
        ("mac.tsv", ROWS.replace(b"\n", b"\r"), "line 1: .*carriage returns alone: convert"),
        ("utf16.tsv", ROWS.decode().encode("utf-16"), "is text in UTF-16. .*iconv -f utf-16"),
        ("utf16.tsv", ROWS.decode().encode("utf-16-le"), "is text in UTF-16.*iconv -f utf-16le"),
        ("c.jsonl", b'{"id": 1, "text": "' + b"x" * (17 << 20), "line 1: no line's end within 16 MiB"),
        (
            "c.tsv",
            ROWS + b'3\t"open\tC\n' + (b"4\t" + b"d" * 1000 + b"\tD\n") * (17 << 10),
            "line 4: .* not closed within 16 MiB.*--quoting none",
        ),
        ("c.jsonl", JSON + b'{"id": 3, "te', "line 3: .*truncated. Download it again"),
        ("c.json", b'{\n  "id": 1,\n  "text": "a"\n}\n', "line 1: .*jq -c"),
        ("c.jsonl", b'{"id": 1, "title": "no text"}\n', "line 1: expected an id .* found id .int., title"),
        ("c.json", b'[\n{"id": 1, "text": "one"}]', "is one JSON array.*jq -c '.\\[\\]'"),
        ("c.json.gz", packed(b'[{"id": 1, "text": "one"}]'), "is gzip round what is one JSON array"),
        ("c.tsv.gz", packed(ROWS * 1000)[:-9], "ends early: its gzip stream is cut short.*Download it again"),
        ("c.tsv", packed(ROWS)[:-9], "ends early"),
        ("c.tsv.gz", packed(ROWS)[:-8] + b"\0" * 8, "is broken gzip"),
        ("c.tsv.gz", b"\x1f\x8bnonsense", "is broken gzip"),
        ("c.tsv.gz", packed(ROWS) + b"garbage", "is broken gzip"),
        ("c.tsv", zipped(ROWS), "is a zip archive. Convert it: unzip"),
        ("c.tsv.gz", zipped(ROWS), "is a zip archive"),
        ("c.tsv.xz", lzma.compress(ROWS), "is compressed by xz. Convert it: xz -d"),
        ("c.tsv.bz2", bz2.compress(ROWS), "is compressed by bzip2. Convert it: bunzip2"),
        ("c.jsonl.zst", b"\x28\xb5\x2f\xfd\x04\x00", "is compressed by zstd. Convert it: zstd -d"),
        ("c.tar", tarred(ROWS), "is a tar archive"),
        ("c.tar.gz", packed(tarred(ROWS)), "is gzip round what is a tar archive. Convert it: tar -xf"),
        ("c.tsv.gz.gz", packed(packed(ROWS)), "is gzip round what is .*gunzip"),
        ("c.parquet", b"version https://git-lfs.github.com/spec/v1\noid x\n", "is a pointer of Git LFS.*git lfs pull"),
        ("c.parquet", b"", "does not begin as Parquet"),
        ("c.parquet", ROWS, "does not begin as Parquet does"),
        ("c.parquet", b"PAR1 cut short", "cannot be read: .*Download it again"),
        ("c.arrow", b"ARROW1\0\0 cut short", "cannot be read"),
        ("c.tsv", b"<!DOCTYPE html><html>log in</html>", "is HTML or XML"),
        ("c.tsv", b"", "is empty"),
        ("c.tsv", HEADER, "holds no passages"),
    ],
    ids=lambda one: "bytes" if isinstance(one, bytes) else None,
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes, said: str
) -> None:
    path = put(tmp_path, name, data)
    with pytest.raises(UsageError, match=rf"(?s){name}.*{said}"):
        sequential(path)
    capsys.readouterr()
    assert run(["index", "--data_path", str(path), "--index_dir", str(tmp_path / "index")]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert str(path) in told
    assert not list((tmp_path / "index").rglob("*.json"))


def test_an_early_end_that_nobody_expected_is_no_silent_abort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends_early(*arguments: object) -> None:
        raise EOFError("half a file")

    monkeypatch.setattr("semoe.stages.index.index_all", ends_early)
    path = put(tmp_path, "c.tsv", ROWS)
    assert run(["index", "--data_path", str(path), "--index_dir", str(tmp_path / "index")]) == 1
    assert "Something that index reads ends early. half a file" in capsys.readouterr().err


@pytest.mark.parametrize("ending", PACKED)
def test_a_folder_with_what_cannot_be_read_is_refused(tmp_path: Path, ending: str) -> None:
    put(tmp_path, "a.tsv", ROWS)
    put(tmp_path, f"b.jsonl{ending}", b"x")
    with pytest.raises(UsageError, match=rf"cannot be read: b\.jsonl\{ending}"):
        sequential(tmp_path)


def test_a_folder_without_a_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File not found"):
        sequential(tmp_path / "none")
    put(tmp_path / "some", "README.md", b"a card")
    with pytest.raises(UsageError, match=r"holds no file of a corpus \(\.tsv.*but README\.md"):
        sequential(tmp_path / "some")
    put(tmp_path / "one", "a.tsv", ROWS)
    put(tmp_path / "one", "b.parquet", ROWS)
    with pytest.raises(UsageError, match=r"b\.parquet does not begin as Parquet"):
        sequential(tmp_path / "one")


def test_gzip_in_a_folder_is_cut_by_files_unless_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.tsv.gz", packed(ROWS))
    put(tmp_path, "b.tsv", ROWS)
    assert CorpusFile.of(str(tmp_path)).parts[0].is_packed
    monkeypatch.setattr("semoe.stages.corpus_range.MOST_UNCUT", 10)
    with pytest.raises(UsageError, match=r"a\.tsv\.gz: gzip has no places.*semoe cut"):
        CorpusFile.of(str(tmp_path))
    assert sequential(tmp_path) == TWO * 2


def test_a_broken_row_group_is_told(tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", some_passages(0, 600), group=200)
    column = parquet.read_metadata(tmp_path / "c.parquet").row_group(1).column(1)
    data = bytearray((tmp_path / "c.parquet").read_bytes())
    data[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    for at in range(4, 20000, 97):
        data[at] ^= 0xFF
    (tmp_path / "c.parquet").write_bytes(bytes(data))
    with pytest.raises(UsageError, match=r"c\.parquet"):
        sequential(tmp_path / "c.parquet")


def test_a_pipe_is_no_corpus_and_none_of_a_folders_files(tmp_path: Path) -> None:
    put(tmp_path, "c/a.tsv", ROWS)
    os.mkfifo(tmp_path / "c" / "b.tsv")
    (tmp_path / "c" / "README").symlink_to("nowhere")
    assert sequential(tmp_path / "c") == TWO
    with pytest.raises(UsageError, match=r"is a pipe or a device, .* Write it to a file"):
        sequential(tmp_path / "c" / "b.tsv")


def test_a_link_that_leads_nowhere_is_missed_where_it_is_called_a_corpus(tmp_path: Path) -> None:
    put(tmp_path, "c/a.tsv", ROWS)
    (tmp_path / "c" / "b.tsv").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"File not found: .*b\.tsv"):
        sequential(tmp_path / "c")


def test_columns_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    numbers, words = pa.array([1]), pa.array(["fox"])
    twice = pa.Table.from_arrays([numbers, numbers, words], names=["id", "id", "text"])
    parquet.write_table(twice, tmp_path / "twice.parquet")
    with pytest.raises(UsageError, match=r"twice\.parquet has several columns id\."):
        sequential(tmp_path / "twice.parquet")
    fine = pa.table({"id": pa.array([10**18 + 1], pa.timestamp("ns")), "text": words})
    parquet.write_table(fine, tmp_path / "fine.parquet")
    with pytest.raises(UsageError, match=r"fine\.parquet, row 1 or soon behind it: .* Write that column as texts"):
        sequential(tmp_path / "fine.parquet")
