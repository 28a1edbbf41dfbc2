"""Corpora as those who publish them write them down, in files and folders: read as they are meant, by ranges too."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage
from semoe.runs.corpus import plan_corpus
from semoe.stages.corpora.listing import PACKED
from semoe.stages.corpus_range import CorpusFile
from semoe.stages.record_starts import cut_evenly
from semoe.store.objects.s3 import S3Objects
from tests.stages.corpora import by_ranges, sequential

COLLECTION = b'0\tAmid "scientific" minds.\n1\tThe Manhattan Project.\n'
URL = {"url": "https://en.wikipedia.org/wiki?curid=12"}


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def packed(data: bytes) -> bytes:
    """The same whenever it is packed: the names of tests come of it."""
    return gzip.compress(data, mtime=0)


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("title-first.tsv", b"id\ttitle\ttext\n1\tAaron\tA prophet.\n", Passage("1", "A prophet.", "Aaron")),
        ("more.tsv", b"id\ttext\ttitle\turl\n1\tA prophet.\tAaron\tu\n", Passage("1", "A prophet.", "Aaron")),
        ("msmarco.tsv", b"pid\tpassage\n1\tA prophet.\n", Passage("1", "A prophet.", "")),
        ("msmarco-docs.tsv", b"docid\turl\ttitle\tbody\nD15\tu\tT\tA star.\n", Passage("D15", "A star.", "T")),
        ("irds.tsv.gz", packed(b'"doc_id"\t"text"\n"1"\t"A ""star""."\n'), Passage("1", 'A "star".', "")),
        ("pyserini.jsonl", line(id="doc1", contents="Of doc one."), Passage("doc1", "Of doc one.", "")),
        ("flashrag.jsonl", line(id="0", contents='"Aaron"\nA "prophet".'), Passage("0", 'A "prophet".', "Aaron")),
        ("cited.jsonl", line(id="0", contents='"It is so."'), Passage("0", '"It is so."', "")),
        (
            "msmarco_v2.jsonl",
            line(pid="msmarco_passage_00_0", passage="0-60 times", spans="(0,10)", docid="msmarco_doc_00_0"),
            Passage("msmarco_passage_00_0", "0-60 times", ""),
        ),
        ("msmarco_v2_doc.jsonl", line(url="u", title="T", headings="", body="b", docid="d"), Passage("d", "b", "T")),
        ("atlas.jsonl", line(id="1", title="Aaron", section="", text="A man."), Passage("1", "A man.", "Aaron")),
        (
            "hotpotqa.jsonl",
            line(id=12, **URL, title="Anarchism", text=["A philosophy.", " It holds."], charoffset=[[[0, 9]]]),
            Passage("12", "A philosophy. It holds.", "Anarchism"),
        ),
        ("processed.jsonl", line(id=12, title="A", text=[["A"], ["One.", " Two."]]), Passage("12", "A One. Two.", "A")),
        (
            "kilt_knowledgesource.json",
            line(_id="290", wikipedia_id="290", wikipedia_title="A", text=["A\n", "A letter.\n"], anchors=[]),
            Passage("290", "A A letter.", "A"),
        ),
        ("only-title.jsonl", line(_id="1", title="T", text=[]), Passage("1", "", "T")),
    ],
)  # fmt: skip
def test_a_published_file_is_read_as_it_is_meant(tmp_path: Path, name: str, data: bytes, wanted: Passage) -> None:
    assert sequential(put(tmp_path, name, data)) == [wanted]


@pytest.mark.parametrize(
    ("name", "data", "cure"),
    [
        ("collection.tsv", COLLECTION, r"found '0\\tA.*\(printf 'id\\ttext\\n'; cat .*collection\.tsv\) > named\.tsv"),
        ("colbert.tsv", b"0\tAmid\tProject\n", r"\(printf 'id\\ttext\\ttitle\\n'; cat"),
        ("msmarco-docs.tsv", b"D15\thttps://a.org\tT\tb\n", r"\(printf 'docid\\turl\\ttitle\\tbody\\n'; cat"),
        ("dolma.jsonl", line(text="t", url="u"), r"found text \(str\).*jq -c '\. \+ \{id: input_line_"),
        ("mine.jsonl", line(id="1", abstract="t"), r"found id \(str\), abstract. .*jq -c '\. \+ \{text: \.NAME\}'"),
        ("objects.jsonl", line(id="1", text=[{"s": 1}]), r"found id \(str\), text \(list\). .*\{text: \.NAME\}"),
        ("wiki_00", b'<doc id="12" url="u" title="A">\nA\n</doc>\n', r"WikiExtractor's own markup.*with --json"),
    ],
)  # fmt: skip
def test_what_says_too_little_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, name: str, data: bytes, cure: str
) -> None:
    with pytest.raises(UsageError, match=rf"(?s){name}.*{cure}"):
        sequential(put(tmp_path, name, data))


def test_the_header_that_the_message_offers_is_enough(tmp_path: Path) -> None:
    named = put(tmp_path, "named.tsv", b"id\ttext\n" + COLLECTION * 400)
    assert sequential(named, "none")[:2] == [
        Passage("0", 'Amid "scientific" minds.', ""), Passage("1", "The Manhattan Project.", ""),
    ]  # fmt: skip
    for quoting in ("none", ""):
        plan = plan_corpus(str(named), quoting, 8)
        assert len(plan.bounds) == 9
        assert by_ranges(plan.file, plan.bounds) == sequential(named, quoting)
    with pytest.raises(UsageError, match=r"line 3: expected 2 columns \(id, text\), found 3"):
        sequential(put(tmp_path, "odd.tsv", b"id\ttext\n1\ta\n2\tb\tc\n"))


def test_ranges_of_a_table_with_columns_of_its_own(tmp_path: Path) -> None:
    rows = b"".join(b'%d\tu\t"over\nlines ""%d"""\tt%d\n' % (n, n, n) for n in range(900))
    corpus = CorpusFile.of(str(put(tmp_path, "c.tsv", b"docid\turl\tbody\ttitle\n" + rows)))
    bounds = cut_evenly(corpus, 7)
    assert len(bounds) == 8
    made = by_ranges(corpus, bounds)
    assert made == sequential(tmp_path / "c.tsv")
    assert made[899] == Passage("899", 'over\nlines "899"', "t899")


def test_folders_whose_files_have_no_endings(tmp_path: Path) -> None:
    wiki = tmp_path / "extracted"
    for number, place in enumerate(("AA/wiki_00", "AA/wiki_01", "AB/wiki_00")):
        put(wiki, place, line(id=str(number), revid="1", **URL, title=f"T{number}", text="t"))
    assert sequential(wiki) == [Passage(str(number), "t", f"T{number}") for number in range(3)]
    corpus = CorpusFile.of(str(wiki))
    assert by_ranges(corpus, cut_evenly(corpus, 3)) == sequential(wiki)
    spark = tmp_path / "spark"
    put(spark, "_SUCCESS", b"")
    put(spark, "LICENSE", b"MIT")
    put(spark, "part-00000", line(id=1, text="t"))
    put(spark, "part-00001.gz", packed(line(id=2, text="u")))
    assert [one.id for one in sequential(spark)] == ["1", "2"]
    put(tmp_path / "markup", "AA/wiki_00", b'<doc id="12">\nA\n</doc>\n')
    with pytest.raises(UsageError, match=r"wiki_00 is WikiExtractor's own markup"):
        sequential(tmp_path / "markup")
    put(wiki, "AC/wiki_00.bz2", b"BZh9")
    with pytest.raises(UsageError, match=rf"find {wiki} -name '\*\.bz2' -exec {PACKED['.bz2']} {{}} \+"):
        sequential(wiki)


def test_hidden_is_what_lies_hidden_within_a_corpus(tmp_path: Path) -> None:
    """Whoever names a folder or a file means it, whatever the folders above it are called."""
    there = put(tmp_path, ".cache/_hub/c.jsonl", line(id=1, text="t"))
    put(tmp_path, ".cache/_hub/.old/c.jsonl", line(id=2, text="u"))
    put(tmp_path, ".cache/_hub/_tmp/c.jsonl", line(id=3, text="v"))
    for named in (there, there.parent):
        assert [one.id for one in sequential(named)] == ["1"]
    dotted = put(tmp_path, ".cache/_hub/.c.jsonl", line(id=4, text="w"))
    assert [one.id for one in sequential(dotted)] == ["4"]
    with pytest.raises(UsageError, match=r"\.cache holds nothing but names that begin with \. or _.*_hub"):
        sequential(tmp_path / ".cache")


def test_hidden_is_what_lies_hidden_within_a_prefix(
    s3_objects: S3Objects, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    client, bucket = s3_objects._client, s3_objects._bucket
    for number, name in enumerate((".cache/_hub/c.jsonl", ".cache/_hub/.old/c.jsonl", ".cache/_hub/.c.jsonl")):
        client.put_object(Bucket=bucket, Key=name, Body=line(id=number, text="t"))
    root = f"s3://{bucket}/.cache/_hub"
    for named, wanted in ((f"{root}/c.jsonl", "0"), (root, "0"), (f"{root}/", "0"), (f"{root}/.c.jsonl", "2")):
        assert [one.id for one in sequential(named)] == [wanted], named


def test_columns_as_the_hub_has_them(tmp_path: Path) -> None:
    (tmp_path / "20231101.en").mkdir()
    table = pa.table({
        "id": pa.array(["12", "25"]).dictionary_encode(), "url": ["u", "v"],
        "title": pa.array(["Anarchism", "Autism"], pa.large_string()),
        "text": pa.array(["a", "b"]).cast(pa.string_view()),
        "sentences": [["a"], ["b"]],
    })  # fmt: skip
    for number in range(2):
        name = f"train-0000{number}-of-00002.parquet"
        parquet.write_table(table.slice(number, 1), tmp_path / "20231101.en" / name)
    assert sequential(tmp_path) == [Passage("12", "a", "Anarchism"), Passage("25", "b", "Autism")]
    parquet.write_table(pa.table({"_id": [1], "text": [["One. ", "Two."]]}), tmp_path / "kilt.parquet")
    assert sequential(tmp_path / "kilt.parquet") == [Passage("1", "One. Two.", "")]
