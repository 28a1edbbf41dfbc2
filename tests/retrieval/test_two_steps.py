"""Names in the question and in the first passages are asked again."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.datasets.question import Question
from semoe.evaluation.retrieval import look_at
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.retrieval.two_steps import TwoSteps, names_of

CORPUS = (
    Passage("1", "The Quiet Harbour, a drama, was directed by Ada Winter and shot by Otto Berg.", "The Quiet Harbour"),
    Passage("2", "Ada Winter (1912) did stage work. Her mother was the singer Ida Lind.", "Ada Winter (director)"),
    Passage("3", "Otto Berg took pictures of ships.", "Otto Berg"),
    Passage("4", "The mother of the director of a company is a film about mothers and directors.", "Mothers"),
    Passage("5", "A film director directs films.", "Film director"),
)  # fmt: skip
QUESTION = "Who is the mother of the director of film The Quiet Harbour?"


def hit(passage: Passage, rank: int) -> Retrieved:
    return Retrieved(passage, 1.0 - rank / 10, rank)


@pytest.fixture
def bm25(tmp_path: Path) -> Bm25Retriever:
    build_index(CORPUS, tmp_path / "wiki")
    return Bm25Retriever(tmp_path / "wiki")


def test_the_passage_that_only_another_one_names_is_found(tmp_path: Path, bm25: Bm25Retriever) -> None:
    alone = [one.passage.id for one in bm25.search([QUESTION], 2)[0]]
    assert "2" not in alone
    for retriever in (TwoSteps(bm25), open_retriever("BM25/names", RetrievalConfig(index_dir=tmp_path))):
        found = retriever.search([QUESTION, "ships"], 2)
        assert {one.passage.id for one in found[0]} == {"1", "2"}
        assert [one.rank for one in found[0]] == [0, 1]
        assert found[1][0].passage.id == "3"


def test_names_count_by_the_questions_words_around_them() -> None:
    names = names_of(QUESTION, [hit(CORPUS[0], 0)])
    # Around Ada Winter stand quiet, harbour and directed; around Otto Berg, 60 characters on, the first is gone.
    assert [(name.text, name.weight) for name in names] == [
        ("Ada Winter", 3.0),
        ("The Quiet Harbour", 2.0),
        ("Otto Berg", 2.0),
    ]
    # A full stop ends a name, but behind an initial; a title that has a name's letters is not that name.
    passage = Passage("6", "J. R. Berg shot it. It shows Rome. Romeo sees St. Ives, then the U.S. Army.", "Romeo")
    assert [name.text for name in names_of("?", [hit(passage, 0)])] == ["J. R. Berg", "Rome", "St. Ives", "U.S. Army"]
    # The title is asked for no second time, and a later passage's names count less.
    assert names_of("Who was directed?", [hit(CORPUS[0], 1)])[0].weight == 0.5


def test_texts_without_names_find_what_one_step_finds(bm25: Bm25Retriever) -> None:
    queries = ["a company of mothers", ""]
    found = TwoSteps(bm25).search(queries, 3)
    assert [[one.passage for one in own] for own in found] == [
        [one.passage for one in own] for own in bm25.search(queries, 3)
    ]
    assert TwoSteps(bm25).search([], 3) == []


def test_both_steps_are_one_call_each(bm25: Bm25Retriever) -> None:
    calls = []

    class Counted:
        def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
            calls.append(len(queries))
            return bm25.search(queries, k)

    TwoSteps(Counted()).search([QUESTION, QUESTION], 3)
    assert calls == [2, 6]


def test_what_is_found_is_told_by_title_and_answer() -> None:
    question = Question(
        qid="1", test_id=0, question=QUESTION, answers=("Ida  Lind",), golden_titles=("the Quiet Harbour", "Ada Winter")
    )
    found = look_at(question, [hit(CORPUS[3], 0), hit(CORPUS[1], 1), hit(CORPUS[0], 2)])
    assert found.title_ranks == (2, None)
    assert (found.titles(2), found.titles(3), found.all_titles(3)) == (0.0, 0.5, False)
    assert (found.answer(1), found.answer(2), found.reciprocal_rank) == (False, True, 0.5)
    assert look_at(question, []).reciprocal_rank == 0.0
    others = Question(qid="2", test_id=1, question="?", answers=("directs film",))
    assert look_at(others, [hit(CORPUS[4], 0)]).answer_rank is None
    assert not look_at(others, []).all_titles(3)
