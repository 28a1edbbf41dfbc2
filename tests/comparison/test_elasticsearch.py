"""Embedded BM25 and Elasticsearch find the same passages, when both search the same words of the same text.

By default they do not: the embedded index searches title and text as one field, with Snowball's English stemmer and
bm25s' stop words; Elasticsearch searches, as published, text and title beside each other with its analyzer `english`.
So the first test gives Elasticsearch the words that the embedded index has made of the same text, to be split at
spaces only, and both have k1 1.2 and b 0.75. What then still differs is Lucene's one byte for a passage's length. The
second prints what users of the defaults get.

`SEMOE_CORPUS_DIR` names a folder with `psgs_w100.tsv`, `popqa/` and `2wikimultihopqa/` to compare on; else it is the
demo's passages and questions.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import bm25s
import pytest
import Stemmer
from elasticsearch import Elasticsearch

from semoe.datasets.loading import load_dataset
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.schema import MAPPING, index_settings
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage, Retrieved
from tests.demo import DEMO

K, QUESTIONS_OF_EACH = 10, 200
FOLDER = Path(os.environ.get("SEMOE_CORPUS_DIR") or DEMO)
CORPUS = FOLDER / ("psgs_w100.tsv" if FOLDER != DEMO else "passages.tsv")
_numbers = count()


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    return list(read_passages(CORPUS))


@pytest.fixture(scope="module")
def embedded(passages: list[Passage], tmp_path_factory: pytest.TempPathFactory) -> Bm25Retriever:
    folder = tmp_path_factory.mktemp("comparison") / "index"
    build_index(passages, folder)
    return Bm25Retriever(folder)


@pytest.fixture(scope="module")
def questions() -> list[str]:
    found = []
    for dataset in ("popqa", "2wikimultihopqa"):
        found += [question.question for question in load_dataset(dataset, FOLDER / dataset)[:QUESTIONS_OF_EACH]]
    return found


@pytest.fixture
def name(elasticsearch_url: str) -> Iterator[str]:
    name = f"semoe-comparison-{next(_numbers)}"
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.delete(index=name, ignore_unavailable=True)
        yield name
        client.indices.delete(index=name, ignore_unavailable=True)


def test_with_equal_parameters_text_and_analysis_both_find_the_same(
    elasticsearch_url: str,
    name: str,
    passages: list[Passage],
    embedded: Bm25Retriever,
    questions: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = ElasticConfig(urls=(elasticsearch_url,))
    with Elasticsearch(elasticsearch_url) as client:
        make_index_of_words(client, name)
    words = embedded_words([f"{passage.title} {passage.text}" for passage in passages])
    joined = [Passage(passage.id, text, "") for passage, text in zip(passages, words, strict=True)]
    load_index(joined, name, config, corpus="comparison")
    found = ElasticRetriever(name, config).search(embedded_words(questions), K)
    overlap = mean_overlap(embedded.search(questions, K), found)
    with capsys.disabled():
        print(f"\n{size(passages, questions)}: top-{K} overlap {overlap:.3f} with equal parameters and analysis")  # noqa: T201
    assert overlap >= 0.9


def test_what_users_of_the_defaults_get(
    elasticsearch_url: str,
    name: str,
    passages: list[Passage],
    embedded: Bm25Retriever,
    questions: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = ElasticConfig(urls=(elasticsearch_url,))
    load_index(passages, name, config, corpus="comparison")
    overlap = mean_overlap(embedded.search(questions, K), ElasticRetriever(name, config).search(questions, K))
    with capsys.disabled():
        print(f"\n{size(passages, questions)}: top-{K} overlap {overlap:.3f} with each one's defaults")  # noqa: T201
    assert overlap >= 0.5, "related, though not the same"


def size(passages: list[Passage], questions: list[str]) -> str:
    return f"{len(passages):,} passages, {len(questions)} questions"


def make_index_of_words(client: Elasticsearch, name: str) -> None:
    """An empty index as `load_index` makes it, but for the analyzer; loading goes on in it."""
    fields = {
        field: ({**how, "analyzer": "whitespace"} if how["type"] == "text" else how)
        for field, how in MAPPING["properties"].items()
    }
    meta = {"semoe": {"corpus": "comparison", "num_passages": 0, "complete": False, "format": 1}}
    mapping = {**MAPPING, "properties": fields, "_meta": meta}
    client.indices.create(index=name, mappings=mapping, settings=index_settings(LoadSettings()))


def embedded_words(texts: list[str]) -> list[str]:
    """The words of each text, as the embedded index makes and counts them, with spaces between."""
    stemmer = Stemmer.Stemmer("english")
    found = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return [" ".join(words) for words in found]


def mean_overlap(ours: list[list[Retrieved]], theirs: list[list[Retrieved]]) -> float:
    """The share of the top passages that both find, mean over questions."""
    shares = []
    for hits in zip(ours, theirs, strict=True):
        one, other = ({hit.passage.id for hit in own} for own in hits)
        shares.append(len(one & other) / max(len(one), len(other), 1))
    return sum(shares) / len(shares)
