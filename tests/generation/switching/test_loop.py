"""Every branch of the switching loop, driven by a model with written-down probabilities."""

import pytest

from semoe.errors import UsageError
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig


def test_a_doubted_sentence_is_cut_and_written_anew_with_the_experts_of_what_was_found() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " She was born in London.", code=7)
    rig.passage("was born in", "3", "4")
    (found,) = rig.loop().answer(["q"])
    assert found.text == "She was a writer. She was born in London."
    (switch,) = found.switches
    assert (switch.position, switch.token, switch.sentence) == (17, 4, BORN)
    assert switch.experts == ("key 3", "key 4")
    assert [(one.text, one.is_hit) for one in switch.probabilities] == [("Ada Lovelace", True), ("Paris", True)]
    assert switch.value == pytest.approx(0.5)
    assert (found.counters.retrieve, found.counters.generate, found.counters.hallucinated) == (1, 2, 1)
    assert (
        found.counters.token
        == len(["She", "was", "a", "writer.", "Ada", "Lovelace", "was", "born", "in", "Paris.", "She", "wrote"]) + 5
    )
    assert (found.counters.sentence, found.num_experts, found.stopped) == (4, 2, "")


def test_without_doubt_nothing_is_retrieved() -> None:
    rig = Rig()
    born(rig, p=0.95)
    (found,) = rig.loop().answer(["q"])
    assert found.text.endswith(f"{BORN} She wrote notes.")
    assert (found.switches, rig.queries) == ((), [])


def test_exactly_at_the_threshold_is_not_above_it() -> None:
    rig = Rig()
    born(rig, p=0.5)
    assert not rig.loop(hallucination_threshold=0.5001).answer(["q"])[0].switches
    assert rig.loop(hallucination_threshold=0.4999).answer(["q"])[0].switches


def test_it_switches_again_and_again_until_there_is_no_doubt() -> None:
    rig = Rig()
    ids = born(rig)
    unsure = {"Rome": 0.4, "Charles": 0.4, "Babbage": 0.4}
    second = rig.path(ids[3], " Ada was born in London. Charles Babbage lived in Rome.", code=3, **unsure)
    rig.path(second[4], " Charles lived in London.", code=5)
    rig.passage("was born in", "3")
    rig.passage("lived in", "5")
    (found,) = rig.loop().answer(["q"])
    assert found.text == "She was a writer. Ada was born in London. Charles lived in London."
    assert [switch.experts for switch in found.switches] == [("key 3",), ("key 5",)]


def test_the_same_passages_again_change_nothing_and_the_sentence_is_accepted() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], f" {BORN} Bye.", code=3, **UNSURE)
    rig.passage("was born in", "3")
    (found,) = rig.loop().answer(["q"])
    assert found.text == f"She was a writer. {BORN} Bye."
    assert [switch.note for switch in found.switches] == ["", "the same passages again"]


def test_where_nothing_is_found_the_sentence_is_accepted() -> None:
    rig = Rig()
    born(rig)
    (found,) = rig.loop().answer(["q"])
    assert [switch.note for switch in found.switches] == ["nothing found"]
    assert found.text.endswith("She wrote notes.")


def test_where_there_is_nothing_to_ask_the_sentence_is_accepted() -> None:
    rig = Rig()
    rig.path("q", "Paris. Bye now.", Paris=0.5)
    (found,) = rig.loop(query_formulation="current_wo_wrong").answer(["q"])
    assert found.text == "Paris. Bye now."
    assert not [query for queries in rig.queries for query in queries if not query]


def test_after_the_answer_nothing_is_asked() -> None:
    rig = Rig()
    rig.path("q", "So the answer is London. Ada Lovelace lived in Paris.", Paris=0.3, Ada=0.3, Lovelace=0.3)
    (found,) = rig.loop().answer(["q"])
    assert (found.text, found.switches) == ("So the answer is London. Ada Lovelace lived in Paris.", ())
    assert not rig.queries


def test_dragin_with_room_for_one_token() -> None:
    rig = Rig()
    rig.path("q", "Paris is it.", Paris=0.5)
    settings = {"method": "dragin", "query_formulation": "current", "generate_max_length": 1}
    (found,) = rig.loop(**settings).answer(["q"])
    assert found.text == "Paris"


def test_a_passage_without_an_expert_is_named() -> None:
    rig = Rig(without_expert={"4"})
    ids = born(rig)
    rig.path(ids[3], " Fine.", code=3)
    rig.passage("was born in", "3", "4")
    (found,) = rig.loop().answer(["q"])
    assert [one.has_expert for one in found.switches[0].passages] == [True, False]
    assert found.text.endswith(" Fine.")


def test_dragin_doubts_a_word_that_is_unsure_and_trusts_the_sentence_that_replaces_it() -> None:
    rig = Rig()
    ids = rig.path("q", "She sang. Ada was born in Paris today.", Paris=0.5)
    rig.path(ids[1], " Ada came to Rome yesterday.", code=3, Rome=0.5)
    rig.passage("Ada was born in today.", "3")
    settings = {"method": "dragin", "query_formulation": "current_wo_wrong", "hallucination_threshold": 0.5}
    (found,) = rig.loop(**settings).answer(["q"])
    assert found.text == "She sang. Ada came to Rome yesterday."
    (switch,) = found.switches
    assert [one.text for one in switch.probabilities if one.is_hit] == ["Paris"]
    assert found.counters.hallucinated == 1


def test_what_follows_a_switch_is_what_a_fresh_start_from_there_would_write() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " She was born in London.", code=3)
    rig.passage("was born in", "3")
    loop = rig.loop()
    (found,) = loop.answer(["q"])
    ready = rig.request("q", rig.index["was born in"], ids[:4], 60)
    assert ready.request is not None
    (fresh,) = rig.loop().engine.generate([ready.request])
    assert found.tokens == (*ids[:4], *fresh.tokens)


@pytest.mark.parametrize(
    ("method", "formulation", "words"),
    [
        ("tokn", "direct", "Did you mean 'token'"),
        ("token", "real_words", "makes no sense with method token"),
        ("dragin", "direct", "It has: real_words"),
        ("single-retrieval", "current", "It has: direct"),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, formulation: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Rig().loop(method=method, query_formulation=formulation)


@pytest.mark.parametrize(
    "setting", [{"entity_solver": "mean"}, {"missing": "no"}, {"retrieve_topk": 0}, {"sentence_solver": "first"}]
)
def test_a_setting_out_of_range_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Rig().loop(**setting)


def test_a_search_that_fails_ends_the_work_with_its_error() -> None:
    rig = Rig()
    born(rig)

    def search(queries: list[str], k: int) -> list[list[object]]:
        raise UsageError("no index", kind="missing-index")

    rig.search = search  # type: ignore[assignment,method-assign]
    with pytest.raises(UsageError, match="no index"):
        rig.loop().answer(["q"])
