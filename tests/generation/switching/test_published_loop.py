"""What ends the search in the published loop: `after_retrieval accept`, and its closing words."""

import pytest

from tests.generation.switching.doubted import UNSURE, born
from tests.generation.switching.rigged import EOS, Rig

CLOSED = "The answer is London. Ada Lovelace lived in Paris."


def doubting_twice(rig: Rig) -> None:
    """What is written with the passages that were found is doubted as well, in its second sentence."""
    ids = born(rig)
    rig.path(ids[3], " She was born in London. Charles Babbage lived in Rome.", code=3, Rome=0.4, Charles=0.4)
    rig.passage("was born in", "3")
    rig.passage("Babbage lived in", "5")


@pytest.mark.parametrize(("after", "retrievals"), [("accept", 1), ("judge", 2)])
def test_what_is_written_after_a_retrieval_is_accepted_to_the_end_or_judged(after: str, retrievals: int) -> None:
    rig = Rig()
    doubting_twice(rig)
    (found,) = rig.loop(after_retrieval=after).answer(["q"])
    assert found.counters.retrieve == len(found.switches) == retrievals
    assert found.text.startswith("She was a writer. She was born in London.")
    assert found.stopped == "", "no guard bounded it"


def test_what_follows_a_search_that_found_nothing_is_accepted_too() -> None:
    rig = Rig()
    rig.path("q", "Ada lived in Paris. Ada lived in Rome.", Paris=0.5, Rome=0.5, Ada=0.5)
    (found,) = rig.loop(after_retrieval="accept").answer(["q"])
    assert (found.text, found.counters.retrieve) == ("Ada lived in Paris. Ada lived in Rome.", 1)
    assert rig.loop(after_retrieval="judge").answer(["q"])[0].counters.retrieve == 2


def test_an_answer_that_is_accepted_is_as_long_as_it_may_be() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " and" * 50, code=3)
    rig.passage("was born in", "3")
    (found,) = rig.loop(after_retrieval="accept", generate_max_length=20).answer(["q"])
    assert len(found.tokens) == 20


def test_methods_at_fixed_places_go_on_retrieving() -> None:
    rig = Rig()
    rig.path("q", "Ada sang. Ada ran. Ada sat.")
    found = [
        rig.loop(method="fix-sentence-retrieval", after_retrieval=after).answer(["q"])[0]
        for after in ("accept", "judge")
    ]
    assert [one.counters.retrieve for one in found] == [3, 3]


@pytest.mark.parametrize("after", ["accept", "judge"])
@pytest.mark.parametrize("method", ["token", "all-tokens", "dragin", "attn_prob"])
def test_a_draft_that_is_only_the_end_token_is_an_empty_answer(method: str, after: str) -> None:
    """As in SparseMoE, whose text of a draft has no special tokens: without a sentence there is nothing to doubt."""
    rig = Rig()
    rig.path("q", "Ada.", Ada=0.5)
    rig.decoder.next[0, rig.starts["q"]] = (EOS, 0.2)
    formulation = {"query_formulation": "real_words"} if method in ("dragin", "attn_prob") else {}
    settings = {"method": method, "after_retrieval": after, "entityless": "tokens", "hallucination_threshold": 0.01}
    (found,) = rig.loop(**settings, **formulation).answer(["q"])
    assert (found.text, found.tokens, found.counters.retrieve, found.stopped) == ("", (), 0, "")
    assert rig.queries == []


@pytest.mark.parametrize(("closing", "retrievals"), [("any", 0), ("published", 1)])
def test_before_a_retrieval_the_published_code_knows_no_closing_words(closing: str, retrievals: int) -> None:
    for text in (CLOSED, CLOSED.lower().replace("ada lovelace lived in paris", "Ada Lovelace lived in Paris")):
        rig = Rig()
        rig.path("q", text, **UNSURE)
        (found,) = rig.loop(closing=closing).answer(["q"])
        assert found.counters.retrieve == retrievals


@pytest.mark.parametrize(
    ("closing", "words", "retrievals"),
    [("any", "The", 1), ("any", "So the", 1), ("published", "The", 2), ("published", "So the", 1)],
)
def test_after_a_retrieval_small_letters_close_and_capitals_do_not_as_published(
    closing: str, words: str, retrievals: int
) -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], f" {words} answer is London. Ada lived in Rome.", code=3, Rome=0.4, Ada=0.4)
    rig.passage("was born in", "3")
    (found,) = rig.loop(closing=closing).answer(["q"])
    assert found.counters.retrieve == retrievals
