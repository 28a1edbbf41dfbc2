import math
import re
from collections import Counter
from pathlib import Path

import orjson
import pytest
import Stemmer
from bm25s.stopwords import STOPWORDS_EN

from semoe.errors import UsageError
from semoe.retrieval import bm25
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages.index import ensure_index
from tests.demo import PASSAGES


def retriever(tmp_path: Path) -> Bm25Retriever:
    build_index(read_passages(PASSAGES), tmp_path / "index")
    return Bm25Retriever(tmp_path / "index")


def test_the_subjects_own_passage_comes_first_with_rank_score_and_text(tmp_path: Path) -> None:
    hits = retriever(tmp_path).search(["In what city was Juha Jokela born?"], 3)[0]
    assert hits[0].passage.title == "Juha Jokela"
    assert [hit.rank for hit in hits] == [0, 1, 2]
    assert hits[0].score > hits[1].score
    original = {passage.id: passage for passage in read_passages(PASSAGES)}
    assert all(hit.passage == original[hit.passage.id] for hit in hits)


def test_scores_equal_bm25_by_the_formula(tmp_path: Path) -> None:
    """Lucene's: idf = ln(1 + (N − df + ½)/(df + ½)); tf·/(tf + k1(1 − b + b·len/mean))."""
    passages = list(read_passages(PASSAGES))
    query = "Which film director was born in New Orleans"
    tokens = [_tokens(f"{p.title} {p.text}") for p in passages]
    mean = sum(map(len, tokens)) / len(tokens)
    expected = {}
    for passage, own in zip(passages, tokens, strict=True):
        counts = Counter(own)
        for word in _tokens(query):
            df = sum(word in other for other in map(set, tokens))
            idf = math.log(1 + (len(tokens) - df + 0.5) / (df + 0.5))
            share = counts[word] / (counts[word] + 1.2 * (1 - 0.75 + 0.75 * len(own) / mean))
            expected[passage.id] = expected.get(passage.id, 0.0) + idf * share
    hits = retriever(tmp_path).search([query], 10)[0]
    assert [hit.score for hit in hits] == pytest.approx(sorted(expected.values(), reverse=True)[:10], rel=1e-4)
    assert all(hit.score == pytest.approx(expected[hit.passage.id], rel=1e-4) for hit in hits)


def _tokens(text: str) -> list[str]:
    """Words of one character count, but for those behind an apostrophe."""
    found = [(one[0].lower(), text[: one.start()][-2:]) for one in re.finditer(r"\w+", text)]
    words = [word for word, before in found if len(word) > 1 or not re.fullmatch(r"\w['’]", before)]
    return list(Stemmer.Stemmer("english").stemWords([word for word in words if word not in STOPWORDS_EN]))


def test_words_of_one_character_tell_passages_apart(tmp_path: Path) -> None:
    texts = ["Vitamin C prevents scurvy.", "Vitamin D prevents rickets.", "Apollo 8 flew to the Moon.", "C's own s."]
    build_index([Passage(str(n), text, "Title") for n, text in enumerate(texts)], tmp_path / "index")
    found = Bm25Retriever(tmp_path / "index").search(["What is vitamin D?", "8", "Jokela's", "Jokela’s", "a", "'C'"], 4)
    assert [hit.passage.id for hit in found[0]] == ["1", "0"]
    assert found[0][0].score > found[0][1].score
    assert [[hit.passage.id for hit in hits] for hits in found[1:-1]] == [["2"], [], [], []]
    assert {hit.passage.id for hit in found[-1]} == {"0", "3"}


def test_an_index_of_an_earlier_format_is_to_be_made_again(tmp_path: Path) -> None:
    build_index([Passage("1", "text", "Title")], tmp_path / "index")
    about = tmp_path / "index" / "index.json"
    about.write_text(about.read_text().replace('"format": 2', '"format": 1').replace('"format":2', '"format":1'))
    with pytest.raises(UsageError, match=r"has index format 1, not 2\. Index again"):
        Bm25Retriever(tmp_path / "index")
    where = RetrievalConfig(index_dir=tmp_path, index_name="index")
    assert [made.num_passages for made in ensure_index(str(PASSAGES), "bm25", where)] == [300]
    assert ensure_index(str(PASSAGES), "bm25", where) == []


def test_ties_go_by_id_and_too_few_hits_stay_few(tmp_path: Path) -> None:
    twins = [Passage(str(i), "zebra crossing", "Same") for i in (10, 9, 2)]
    build_index([*twins, Passage("5", "other words entirely", "Other")], tmp_path / "index")
    found = Bm25Retriever(tmp_path / "index").search(["zebra", "qqqq", ""], 10)
    assert [hit.passage.id for hit in found[0]] == ["2", "9", "10"]
    assert found[1] == found[2] == []


@pytest.mark.parametrize("scored_bytes", [1, 3000, 1 << 20])
def test_many_queries_find_what_each_finds_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored_bytes: int
) -> None:
    found = retriever(tmp_path)
    queries = ["Juha Jokela", "", "zzzz", "film director", "Who was born in New Orleans?", "the", "Juha Jokela"]
    alone = [found.search([query], 4)[0] for query in queries]
    monkeypatch.setattr("semoe.retrieval.bm25.SCORED_BYTES", scored_bytes)
    assert found.search(queries, 4) == alone
    assert [len(one) for one in alone[1:3]] == [0, 0]
    assert len(found.search(queries, 10**6)[3]) == len(found.search(["film director"], 10**6)[0]) > 4


@pytest.mark.parametrize("k", [1, 3, 40, 299, 300, 1000])
@pytest.mark.parametrize("block", [1, 7, 128, 1000])
def test_the_best_are_those_of_looking_at_all_passages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, k: int
) -> None:
    """Scores tie within blocks and across them, and the last block is not whole."""
    monkeypatch.setattr(bm25, "BLOCK", block)
    words = ["river", "bridge", "tower"]
    passages = [Passage(str(n), "", " ".join(words[: n % 4] * (1 + n % 3))) for n in range(300)]
    build_index(passages, tmp_path / "index")
    found = Bm25Retriever(tmp_path / "index")
    for query in ("river", "tower bridge", "castle"):
        everyone = {hit.passage.id: hit.score for hit in found.search([query], 300)[0]}
        order = sorted(everyone, key=lambda id_: (-everyone[id_], int(id_)))
        assert [hit.passage.id for hit in found.search([query], k)[0]] == order[:k]
    assert len(everyone) == 0


def test_quotes_and_tabs_inside_a_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text('id\ttext\ttitle\n1\t"He said ""hi""\tthere"\tA "quoted" title\n')
    assert list(read_passages(path)) == [Passage("1", 'He said "hi"\tthere', 'A "quoted" title')]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected the header"),
        ("id\tyear\n", "line 1: expected the header"),
        ("id\ttext\n", "no passages"),
        ("id\ttext\ttitle\n", "no passages"),
        ("id\ttext\ttitle\n1\ta\tb\n2\tc\n", "line 3: expected 3 columns"),
        ('id\ttext\ttitle\n1\ta\tb\n2\t"c', "line 3: "),
    ],
)
def test_a_truncated_or_miscolumned_file_fails_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        list(read_passages(path))


def test_an_interrupted_build_leaves_no_index(tmp_path: Path) -> None:
    def interrupted():  # type: ignore[no-untyped-def]
        yield Passage("1", "text", "title")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(interrupted(), tmp_path / "index")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="Run `semoe index`"):
        Bm25Retriever(tmp_path / "index")


def test_an_index_whose_words_were_stemmed_otherwise_is_refused(tmp_path: Path) -> None:
    retriever(tmp_path)
    about = tmp_path / "index" / "index.json"
    written = orjson.loads(about.read_bytes())
    # As release 3.0.0 of the stemmer has it.
    stems = ["intern" if stem == "internat" else stem for stem in written["stems"]]
    assert stems != written["stems"]
    about.write_bytes(orjson.dumps(written | {"stems": stems}))
    with pytest.raises(UsageError, match="Index again"):
        Bm25Retriever(tmp_path / "index")
    del written["stems"]
    about.write_bytes(orjson.dumps(written))
    assert Bm25Retriever(tmp_path / "index").num_passages == written["num_passages"], "one of before is taken"
