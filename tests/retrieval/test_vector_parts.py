"""Vectors that are kept somewhere are made no second time: of an earlier index, or of other workers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semoe.errors import UsageError
from semoe.files import read_json, write_json
from semoe.retrieval.dense import MINILM
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.retriever import DenseRetriever
from semoe.retrieval.dense.vectors import VectorFolder
from semoe.retrieval.elastic.batches import batches
from semoe.retrieval.elastic.schema import Words
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages import vector_parts
from semoe.stages.index import index_all
from semoe.stages.vector_index import encoder_name_of
from semoe.stages.vector_parts import Share, encode_shared, shared_parts
from tests.demo import DEMO
from tests.retrieval.letters import Letters, corpus

CORPUS = str(DEMO / "passages.tsv")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 10)


def all_of(folder: Path) -> np.ndarray:
    return np.concatenate(VectorFolder(folder).parts)


def test_a_corpus_that_grew_is_encoded_where_it_is_new(tmp_path: Path) -> None:
    encoder = Letters()
    assert build_vectors(corpus(30), tmp_path / "v", "letters", encoder) == (30, 0)
    assert build_vectors(corpus(45), tmp_path / "v", "letters", encoder) == (45, 30)
    assert encoder.num_encoded == 45 + 2
    build_vectors(corpus(45), tmp_path / "whole", "letters", Letters())
    assert (all_of(tmp_path / "v") == all_of(tmp_path / "whole")).all()
    # Another's vectors count for nothing, nor do those of an index that is cut.
    assert build_vectors(corpus(45), tmp_path / "v", "other letters", encoder) == (45, 0)
    (tmp_path / "v" / "vectors" / "00000.npy").unlink()
    assert build_vectors(corpus(45), tmp_path / "v", "other letters", encoder) == (45, 0)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    encoder = Letters()
    for module in ("semoe.stages.vector_parts", "semoe.stages.vector_index"):
        monkeypatch.setattr(f"{module}.open_encoder", lambda name: encoder)
    return encoder


def test_workers_encode_a_corpus_together(tmp_path: Path, letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "shared")
    where = RetrievalConfig(index_dir=tmp_path, encoder="letters", parts=place)
    assert encode_shared(CORPUS, place, "letters", Share(0, 3)) == (100, 0)

    def killed(self: vector_parts.StoredParts, digest: str, data: bytes) -> None:
        put(self, digest, data[: len(data) // 2] if (killed_at := next(count)) == 2 else data)
        if killed_at == 2:
            raise KeyboardInterrupt

    put, count = vector_parts.StoredParts.put, iter(range(100))
    with monkeypatch.context() as patch:
        patch.setattr(vector_parts.StoredParts, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            encode_shared(CORPUS, place, "letters", Share(1, 3))
    # A part that is cut is made again, and so is what nobody made.
    assert encode_shared(CORPUS, place, "letters", Share(1, 3)) == (100, 20)
    letters.num_encoded = 0
    assert index_all(CORPUS, "dense", where)["dense"].num_found == 200
    assert letters.num_encoded == 100 + 2, "the third share, and the sentence that tells encoders apart"
    assert encode_shared(CORPUS, place, "letters", Share(2, 3)) == (100, 100)
    index_all(CORPUS, "dense", RetrievalConfig(index_dir=tmp_path / "alone", encoder="letters"))
    assert (all_of(where.dense_folder) == all_of(tmp_path / "alone" / "wiki.dense")).all()
    together, alone = (
        DenseRetriever(folder / "wiki.dense", encoder=letters) for folder in (tmp_path, tmp_path / "alone")
    )
    assert together.search(["Tampere"], 5) == alone.search(["Tampere"], 5)


def test_a_place_with_another_models_vectors_is_refused(tmp_path: Path, letters: Letters) -> None:
    encode_shared(CORPUS, str(tmp_path), "letters", Share(0, 30))
    with pytest.raises(UsageError, match="another model"):
        shared_parts(str(tmp_path), "letters", Letters(20))
    shared_parts(str(tmp_path), "twenty letters", Letters(20))


@pytest.mark.parametrize("text", ["", "3", "8/8", "-1/8", "a/b", "0/0", "1/2/3"])
def test_what_is_no_share_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is no share"):
        Share.of(text)
    assert Share.of("7/8") == Share(7, 8)


def test_an_index_of_before_parts_were_kept_is_not_encoded_again(tmp_path: Path) -> None:
    encoder = Letters()
    build_vectors(corpus(45), tmp_path / "v", "letters", encoder)
    about = read_json(tmp_path / "v" / "index.json")
    del about["parts"]
    write_json(tmp_path / "v" / "index.json", about)
    assert build_vectors(corpus(45), tmp_path / "v", "letters", encoder) == (45, 45)


def test_a_load_that_goes_on_cuts_the_groups_that_workers_have_cut() -> None:
    groups: list[list[str]] = []

    class Shared(Words):
        at_once = 10
        is_cut = True

        def lines(self, passages: Sequence[Passage]) -> list[bytes]:
            groups.append([one.id for one in passages])
            return super().lines(passages)

    (batch,) = batches(corpus(25), 13, 1 << 20, Shared())
    assert [item.passage_id for item in batch.items] == [str(n) for n in range(13, 25)]
    assert batch.end == 25
    assert [(own[0], len(own)) for own in groups] == [("10", 10), ("20", 5)]


def test_who_shares_a_place_takes_the_same_encoder(tmp_path: Path) -> None:
    alone, together = RetrievalConfig(index_dir=tmp_path), RetrievalConfig(index_dir=tmp_path, parts="shared")
    assert encoder_name_of(alone, "letters") == "letters"
    assert encoder_name_of(together, "letters") == MINILM
    assert encoder_name_of(replace(together, encoder="letters"), None) == "letters"
