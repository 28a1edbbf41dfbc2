"""Sentences are judged as they end, and a draft in hand is never written again."""

import pytest

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.loop import LOOKAHEAD
from semoe.generation.switching.methods import Doubt, MethodContext, methods
from semoe.generation.switching.trace import Answered
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig

REST = " She wrote many notes on engines. She died in London in 1852."


def long(rig: Rig, question: str = "q") -> list[int]:
    return rig.path(question, f"She was a writer. {BORN}{REST}", **UNSURE)


def answered(rig: Rig, lookahead: int | None = LOOKAHEAD, **settings: object) -> Answered:
    loop = rig.loop(**settings)  # type: ignore[arg-type]
    loop.lookahead = lookahead
    return loop.answer(["q"])[0]


def switched(rig: Rig) -> Rig:
    ids = long(rig)
    rig.path(ids[3], " She was born in London.", code=3)
    rig.passage("was born in", "3")
    return rig


@pytest.mark.parametrize("lookahead", [1, 2, 5])
def test_a_doubted_sentence_stops_its_draft_and_says_the_same_as_a_whole_draft(lookahead: int) -> None:
    early, whole = answered(switched(Rig()), lookahead), answered(switched(Rig()), None)
    assert early.text == whole.text == "She was a writer. She was born in London."
    assert [one.query for one in early.switches] == [one.query for one in whole.switches]
    before = len(f"She was a writer. {BORN}".split())
    assert early.counters.token == before + lookahead + 5
    assert whole.counters.token == before + len(REST.split()) + 5


@pytest.mark.parametrize("lookahead", [None, LOOKAHEAD])
@pytest.mark.parametrize("finds_it_again", [True, False])
def test_a_draft_whose_passages_do_not_change_is_not_written_again(lookahead: int | None, finds_it_again: bool) -> None:
    rig = Rig()
    rig.path("q", f"She was a writer. {BORN}{REST}", code=3, **UNSURE)
    rig.passage("q", "3")
    if finds_it_again:
        rig.passage("was born in", "3")
    settings = {"method": "token", "query_formulation": "direct"}
    ids = long(rig)
    if finds_it_again:
        rig.path(ids[3], f" {BORN}{REST}", code=3, **UNSURE)
    found = answered(rig, lookahead, **settings)
    assert found.text == f"She was a writer. {BORN}{REST}"
    words = len(found.text.split())
    if finds_it_again:  # the second draft begins behind the first sentence, and is doubted, kept, and ended
        assert [one.note for one in found.switches] == ["", "the same passages again"]
        assert found.counters.generate == 2
        first = words if lookahead is None else len(f"She was a writer. {BORN}".split()) + LOOKAHEAD
        assert found.counters.token == first + words - 4
    else:
        assert [one.note for one in found.switches] == ["nothing found"]
        assert (found.counters.generate, found.counters.token, found.counters.sentence) == (1, words, 4)


def test_after_the_closing_words_the_draft_in_hand_is_accepted_to_its_end() -> None:
    rig = Rig()
    rig.path("q", f"So the answer is London. {BORN}{REST}", **UNSURE)
    found = answered(rig)
    assert found.text == f"So the answer is London. {BORN}{REST}"
    assert (found.counters.generate, found.counters.token) == (1, len(found.text.split()))
    assert not rig.queries


def test_two_doubts_of_one_draft_are_asked_one_after_the_other() -> None:
    rig = Rig()
    text = f"{BORN} Charles Babbage lived in Rome. They met in Turin once."
    rig.path("q", text, **UNSURE, Charles=0.5, Babbage=0.5, Rome=0.5)
    found = answered(rig)
    assert found.text == text
    assert [one.note for one in found.switches] == ["nothing found"] * 2
    assert (found.counters.generate, found.counters.token) == (1, len(text.split()))


def test_a_row_that_waits_leaves_its_place_to_others() -> None:
    rig = switched(Rig())
    born(rig, "other", p=0.95)
    loop = rig.loop(max_rows=1)
    assert [one.text for one in loop.answer(["q", "other"])] == [
        "She was a writer. She was born in London.",
        f"She was a writer. {BORN} She wrote notes.",
    ]


class LikeToken:
    """A user's method, written before sentences were reviewed as they end; it looks at whole drafts."""

    formulations = ("direct",)
    asks_first = looks_at_attention = trusts_next_sentence = asks_with_sentence = False
    can_doubt = True
    seen: list[str] = []  # noqa: RUF012

    def __init__(self, context: MethodContext) -> None:
        self.settings = context.settings

    def draft_length(self) -> int:
        return self.settings.generate_max_length

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        self.seen.append(draft.text)
        return None


def test_a_method_that_says_nothing_of_sentences_sees_whole_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(methods._parts, "like-token", LikeToken)
    rig = Rig()
    long(rig)
    found = answered(rig, method="like-token", query_formulation="direct")
    assert LikeToken.seen == [found.text] == [f"She was a writer. {BORN}{REST}"]
