"""Passages that were found are read again beside their question, by a real cross-encoder of random numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from semoe.errors import CorruptError, UsageError
from semoe.retrieval.dense import MINILM
from semoe.retrieval.dense.encoder import _place
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.reranking import CrossEncoder, Reranked, Scores
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.index import index_all
from tests.demo import DEMO


def cross_encoder_folder(folder: Path, num_labels: int = 1) -> Path:
    """A BERT of random numbers whose words are letters, and that says one number."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    letters = [chr(97 + n) for n in range(26)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        num_labels=num_labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cross_encoder_folder(tmp_path_factory.mktemp("cross") / "encoder")


def test_a_pair_is_scored_as_transformers_scores_it(folder: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    pairs = [("who wrote it", "a play"), ("where", "a town in the north " * 20), ("who wrote it", "")]
    with torch.inference_mode():
        own = [tokenizer(*pair, truncation=True, max_length=64, return_tensors="pt") for pair in pairs]
        expected = [float(model(**inputs).logits) for inputs in own]
    assert np.allclose(CrossEncoder(str(folder))(pairs), expected, atol=1e-5)


def test_what_was_found_is_put_in_the_order_of_scores(tmp_path: Path, folder: Path) -> None:
    where = RetrievalConfig(index_dir=tmp_path, reranker=str(folder))
    index_all(str(DEMO / "passages.tsv"), "bm25", where)
    queries = ["Who is a Finnish playwright?", "In which city was he born?"]
    first = open_retriever("bm25", where).search(queries, 30)
    score = CrossEncoder(str(folder))
    for own, hits, query in zip(open_retriever("bm25/rerank", where).search(queries, 5), first, queries, strict=True):
        scores = score([(query, f"{hit.passage.title} {hit.passage.text}") for hit in hits])
        assert [hit.passage for hit in own] == [hits[n].passage for n in np.argsort(-scores)[:5]]
        assert np.allclose([hit.score for hit in own], np.sort(scores)[::-1][:5], atol=1e-5)
        assert [hit.rank for hit in own] == [0, 1, 2, 3, 4]


def test_equals_stand_by_id_and_nothing_found_is_nothing_read() -> None:
    class Fixed:
        def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
            hits = [Retrieved(Passage(one, one, ""), 1.0, rank) for rank, one in enumerate(("10", "9", "8"))]
            return [hits if query else [] for query in queries]

    def score(pairs: Sequence[tuple[str, str]]) -> Scores:
        return np.array([float(text.strip() == "8") for _, text in pairs], np.float32)

    found = Reranked(Fixed(), score).search(["", "what", ""], 2)
    assert [[hit.passage.id for hit in own] for own in found] == [[], ["8", "9"], []]
    assert Reranked(Fixed(), score).search([""], 2) == [[]]


def test_what_cannot_rerank_is_named(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"Cannot load the reranker .*nowhere"):
        CrossEncoder(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="says 3 numbers"):
        CrossEncoder(str(cross_encoder_folder(tmp_path / "three", num_labels=3)))
    with pytest.raises(UsageError, match="is no cross-encoder"):
        CrossEncoder(_place(MINILM))
    broken = CrossEncoder(str(folder))
    monkeypatch.setattr(broken._model, "predict", lambda pairs, **_: np.full(len(pairs), np.nan))
    with pytest.raises(CorruptError, match="'who wrote it'"):
        broken([("who wrote it", "a play")])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"semoe\[dense\]"):
        CrossEncoder(str(folder))
