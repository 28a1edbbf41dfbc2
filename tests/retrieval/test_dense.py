"""Vectors of a corpus in a folder, found exactly; with a small real encoder where one is needed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from semoe.errors import CorruptError, TransientError, UsageError
from semoe.retrieval.dense import MINILM
from semoe.retrieval.dense import encoder as encoders
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.encoder import SentenceEncoder
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.retriever import DenseRetriever
from semoe.retrieval.dense.vectors import VectorFolder
from semoe.retrieval.fusion import Fusion
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.index import ensure_index, index_all
from tests.demo import DEMO
from tests.retrieval.letters import Letters, corpus
from tests.tiny import chatting_model_folder


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    return SentenceEncoder(MINILM)


def test_the_nearest_are_those_that_comparing_with_every_vector_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 7)
    passages, encoder = corpus(), Letters()
    assert build_vectors(passages, tmp_path / "v", "letters", encoder) == (50, 0)
    found = DenseRetriever(tmp_path / "v", encoder=encoder).search(["xyz a", "bbb", "q"], 5)
    vectors_ND = encoder.passages([f"{one.title} {one.text}" for one in passages]).astype(np.float16).astype(np.float32)
    for query, hits in zip(("xyz a", "bbb", "q"), found, strict=True):
        scores = vectors_ND @ encoder.queries([query])[0]
        order = sorted(range(50), key=lambda n: (-scores[n], n))[:5]
        assert [hit.passage for hit in hits] == [passages[n] for n in order]
        assert [hit.rank for hit in hits] == [0, 1, 2, 3, 4]


def test_more_than_there_is_finds_all(tmp_path: Path) -> None:
    build_vectors(corpus(3), tmp_path / "v", "letters", Letters())
    retriever = DenseRetriever(tmp_path / "v", encoder=Letters())
    assert len(retriever.search(["a"], 10)[0]) == 3
    assert retriever.search([], 10) == []


def test_a_build_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.retrieval.dense.building.PARTS", 2)
    monkeypatch.setattr("semoe.retrieval.dense.parts.PARTS", 2)
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 10)
    encoder = Letters()

    def stopped() -> object:
        yield from corpus(25)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_vectors(stopped(), tmp_path / "v", "letters", encoder)  # type: ignore[arg-type]
    assert not (tmp_path / "v").exists()
    assert build_vectors(corpus(), tmp_path / "v", "letters", encoder) == (50, 20)
    assert encoder.num_encoded == 20 + 30 + 2  # and for each build the sentence that tells encoders apart
    build_vectors(corpus(), tmp_path / "whole", "letters", encoder)
    for part in ("00000.npy", "00001.npy", "00002.npy"):
        ours, theirs = (np.load(tmp_path / name / "vectors" / part) for name in ("v", "whole"))
        assert (ours == theirs).all()
    assert not (tmp_path / "v" / "parts").exists()
    assert [len(part) for part in VectorFolder(tmp_path / "v").parts] == [10] * 5


def test_a_large_index_takes_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 1)
    build_vectors(corpus(), tmp_path / "v", "letters", Letters())
    before = len(list(Path("/proc/self/fd").iterdir()))
    opened = VectorFolder(tmp_path / "v")
    assert len(opened.parts) == 50
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 3
    found = DenseRetriever(tmp_path / "v", encoder=Letters()).search(["xyz a"], 5)[0]
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 64)
    build_vectors(corpus(), tmp_path / "whole", "letters", Letters())
    assert DenseRetriever(tmp_path / "whole", encoder=Letters()).search(["xyz a", "b"], 5)[0] == found


def test_an_index_is_made_again_by_the_encoder_that_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = RetrievalConfig(index_dir=tmp_path)
    opened: list[str] = []

    def open_letters(name: str) -> Letters:
        opened.append(name)
        return Letters()

    monkeypatch.setattr("semoe.stages.vector_index.open_encoder", open_letters)
    build_vectors(corpus(), where.dense_folder, "letters", Letters())
    index_all(str(DEMO / "passages.tsv"), "dense", where)
    assert opened == ["letters"]
    (where.dense_folder / "index.json").unlink()
    assert [one.num_passages for one in ensure_index(str(DEMO / "passages.tsv"), "dense", where)] == [300]
    assert opened == ["letters", MINILM], "nothing says any longer what had made it"


def test_of_two_builds_of_one_index_the_second_waits_for_another_day(tmp_path: Path) -> None:
    def meanwhile() -> Iterator[Passage]:
        with pytest.raises(TransientError, match="Another process is building"):
            build_vectors(corpus(), tmp_path / "v", "letters", Letters())
        yield from corpus()

    assert build_vectors(meanwhile(), tmp_path / "v", "letters", Letters()) == (50, 0)
    assert build_vectors(corpus(3), tmp_path / "v", "letters", Letters()) == (3, 0)


def test_a_stop_as_a_build_takes_its_place_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(path: Path, target: Path) -> None:
        if path.name == ".v.building":
            raise KeyboardInterrupt
        rename(path, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        build_vectors(corpus(), tmp_path / "v", "letters", Letters())
    monkeypatch.setattr(Path, "rename", rename)
    assert build_vectors(corpus(), tmp_path / "v", "letters", Letters()) == (50, 50)
    assert not (tmp_path / "v" / "building.json").exists()


def test_of_equals_the_one_with_the_lowest_id_comes_first(tmp_path: Path) -> None:
    build_vectors([Passage(str(n), "same", "T") for n in reversed(range(40))], tmp_path / "v", "letters", Letters())
    hits = DenseRetriever(tmp_path / "v", encoder=Letters()).search(["same"], 3)[0]
    assert [hit.passage.id for hit in hits] == ["0", "1", "2"]


def test_vectors_of_another_encoder_are_told_before_a_plan_takes_them(tmp_path: Path) -> None:
    where = RetrievalConfig(index_dir=tmp_path, encoder="others")
    build_vectors(corpus(), where.dense_folder, "letters", Letters())
    with pytest.raises(UsageError, match="made with the encoder letters, not others"):
        ensure_index("psgs.tsv", "dense", where)


def test_an_index_does_not_take_the_name_of_anothers_vectors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must not end with \.dense"):
        RetrievalConfig(index_dir=tmp_path, index_name="wiki.dense")


def test_another_corpus_or_encoder_does_not_go_on_with_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semoe.retrieval.dense.parts.PART", 10)

    def stopped() -> object:
        yield from corpus(25)
        raise KeyboardInterrupt

    for others, name in ((corpus()[::-1], "letters"), (corpus(), "other letters")):
        with pytest.raises(KeyboardInterrupt):
            build_vectors(stopped(), tmp_path / "v", "letters", Letters())  # type: ignore[arg-type]
        assert build_vectors(others, tmp_path / "v", name, Letters()) == (50, 0)


def test_what_is_missing_or_cut_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="semoe index --retriever dense"):
        DenseRetriever(tmp_path / "v", encoder=Letters())
    build_vectors(corpus(), tmp_path / "v", "letters", Letters())
    assert DenseRetriever(tmp_path / "v", encoder_name="the same elsewhere", encoder=Letters()).search(["a"], 1)[0]
    with pytest.raises(UsageError, match=r"made with letters, and letters is another model now"):
        DenseRetriever(tmp_path / "v", encoder=Letters(20))
    part = tmp_path / "v" / "vectors" / "00000.npy"
    whole = part.read_bytes()
    part.write_bytes(whole[:-100])
    with pytest.raises(CorruptError, match=r"00000.npy is missing or cut.*Index again"):
        DenseRetriever(tmp_path / "v", encoder=Letters())
    part.unlink()
    with pytest.raises(CorruptError, match=r"00000.npy is missing"):
        DenseRetriever(tmp_path / "v", encoder=Letters())
    (tmp_path / "v" / "passages.jsonl").unlink()
    with pytest.raises(CorruptError, match=r"no whole index.*Index again"):
        DenseRetriever(tmp_path / "v", encoder=Letters())


def test_an_encoder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"Cannot load the encoder .*nothing here"):
        SentenceEncoder(str(tmp_path / "nothing here"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"semoe\[dense\]"):
        SentenceEncoder(MINILM)


def test_vectors_that_are_no_numbers_are_refused(minilm: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm._model, "encode_query", lambda texts, **_: np.full((len(texts), 384), np.nan))
    with pytest.raises(CorruptError, match=r"not finite of 'a question'"):
        minilm.queries(["a question"])


def test_a_device_without_room_gets_half_as_many() -> None:
    batches = []

    def encode(batch: int) -> str:
        batches.append(batch)
        if batch > 16:
            raise torch.OutOfMemoryError
        return "done"

    assert encoders.halving(encode) == "done"
    assert batches == [64, 32, 16]


def test_minilm_is_the_mean_of_its_last_states(minilm: SentenceEncoder) -> None:
    from transformers import AutoModel, AutoTokenizer

    place = encoders._place(MINILM)
    texts = ["A playwright from Tampere.", "Who wrote it, and where was she born?"]
    inputs = AutoTokenizer.from_pretrained(place)(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states_NTD = AutoModel.from_pretrained(place)(**inputs).last_hidden_state
    seen_NT1 = inputs["attention_mask"][:, :, None]
    mean_ND = (states_NTD * seen_NT1).sum(1) / seen_NT1.sum(1)
    expected = torch.nn.functional.normalize(mean_ND).numpy()
    assert np.allclose(minilm.passages(texts), expected, atol=1e-5)


def test_sgpt_weighs_states_by_position_between_its_brackets(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    place = str(chatting_model_folder(tmp_path / "decoder"))
    tokenizer, model = AutoTokenizer.from_pretrained(place), AutoModel.from_pretrained(place)
    encoder = open_encoder(f"sgpt:{place}")
    assert encoder.size == model.config.hidden_size
    texts = ["A playwright from Tampere.", "", "Who wrote it, and where was she born?"]
    for found, (first, last) in ((encoder.queries(texts), "[]"), (encoder.passages(texts), "{}")):
        for text, vector_D in zip(texts, found, strict=True):
            own = tokenizer(text, add_special_tokens=False)["input_ids"]
            ids = [*tokenizer(first)["input_ids"], *own, *tokenizer(last)["input_ids"]]
            with torch.inference_mode():
                states_TD = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            weighted_D = sum(place * state_D for place, state_D in enumerate(states_TD, 1)) / sum(
                range(1, len(ids) + 1)
            )
            expected_D = torch.nn.functional.normalize(weighted_D, dim=0)
            assert np.allclose(vector_D, expected_D.numpy(), atol=1e-5)
    long = " ".join(["word"] * 3000)
    assert np.isfinite(encoder.passages([long])).all()
    with pytest.raises(UsageError, match=r"Cannot load the encoder .*nowhere"):
        open_encoder(f"sgpt:{tmp_path / 'nowhere'}")


def test_bm25_and_vectors_search_together(tmp_path: Path) -> None:
    where = RetrievalConfig(index_dir=tmp_path)
    lines = (DEMO / "passages.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "some.tsv").write_text("".join(lines[:41]), encoding="utf-8")
    made = index_all(str(tmp_path / "some.tsv"), "bm25+dense", where)
    assert {name: one.num_passages for name, one in made.items()} == {"bm25": 40, "dense": 40}
    queries = ["Who is a Finnish writer of plays?", "In which city was the playwright born?"]
    both = open_retriever("BM25+dense", where).search(queries, 5)
    alone = [open_retriever(name, where).search(queries, 100) for name in ("bm25", "dense")]
    for number, hits in enumerate(both):
        ranks = [{hit.passage.id: hit.rank + 1 for hit in found[number]} for found in alone]
        ids = set(ranks[0]) | set(ranks[1])
        scores = {one: sum(1 / (60 + own[one]) for own in ranks if one in own) for one in ids}
        assert [hit.score for hit in hits] == sorted(scores.values(), reverse=True)[:5]
        assert all(hit.score == scores[hit.passage.id] for hit in hits)


def test_scores_are_weighed_from_the_last_of_a_list_to_its_best() -> None:
    class Fixed:
        def __init__(self, **scores: float) -> None:
            self._hits = [
                Retrieved(Passage(one, one, one), score, rank) for rank, (one, score) in enumerate(scores.items())
            ]

        def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
            return [self._hits for _ in queries]

    both = Fusion([Fixed(a=9.0, b=6.0, c=3.0), Fixed(b=0.9, d=0.8)], [0.6, 0.4])
    (found,) = both.search(["?"], 10)
    assert [(hit.passage.id, hit.score) for hit in found] == [("b", 0.7), ("a", 0.6), ("c", 0.0), ("d", 0.0)]
    assert [hit.score for hit in Fusion([Fixed(a=2.0), Fixed()], [0.6, 0.4]).search(["?"], 1)[0]] == [0.6]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bm25+nothing", "nothing"),
        ("bm25/nothing", "nothing"),
        ("bm25+bm25", "twice"),
        ("bm25/names/names", "twice"),
        ("bm25:1", "a weight is a number"),
        ("bm25:0.7+dense", "a weight is a number"),
        ("bm25:0.7+dense:zero", "a weight is a number"),
        ("bm25:0.7+dense:-1", "a weight is a number"),
        ("bm25:1+bm25:2", "twice"),
        ("bm25+", "lacks a name"),
        ("bm25//names", "lacks a name"),
        ("", "lacks a name"),
    ],
)
def test_names_that_make_no_sense_are_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_retriever(name, RetrievalConfig(index_dir=tmp_path))
