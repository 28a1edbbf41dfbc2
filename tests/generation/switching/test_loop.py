"""Every branch of the switching loop, driven by a model with written-down probabilities."""

import pytest

from semoe.errors import UsageError
from semoe.generation.switching import Answered
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig


def test_a_doubted_sentence_is_cut_and_written_anew_with_the_experts_of_what_was_found() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " She was born in London.", code=7)
    rig.passage("was born in .", "3", "4")
    (found,) = rig.loop().answer(["q"])
    assert found.text == "She was a writer. She was born in London."
    (switch,) = found.switches
    assert (switch.position, switch.token, switch.sentence) == (17, 4, BORN)
    assert switch.experts == ("key 3", "key 4")
    assert [(one.text, one.is_hit) for one in switch.probabilities] == [("Ada Lovelace", True), ("Paris", True)]
    assert switch.value == pytest.approx(0.5)
    assert (found.counters.retrieve, found.counters.generate, found.counters.hallucinated) == (1, 2, 1)
    assert found.counters.token == len(ids) + 5
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
    rig.passage("was born in .", "3")
    rig.passage("lived in .", "5")
    (found,) = rig.loop().answer(["q"])
    assert found.text == "She was a writer. Ada was born in London. Charles lived in London."
    assert [switch.experts for switch in found.switches] == [("key 3",), ("key 5",)]


def test_the_same_passages_again_change_nothing_and_the_sentence_is_accepted() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], f" {BORN} Bye.", code=3, **UNSURE)
    rig.passage("was born in .", "3")
    (found,) = rig.loop().answer(["q"])
    assert found.text == f"She was a writer. {BORN} Bye."
    assert [switch.note for switch in found.switches] == ["", "the same passages again"]


def test_nothing_found_and_nothing_to_ask_accept_the_sentence() -> None:
    rig = Rig()
    born(rig)
    (found,) = rig.loop().answer(["q"])
    assert [switch.note for switch in found.switches] == ["nothing found"]
    assert found.text.endswith("She wrote notes.")
    rig = Rig()
    rig.path("q", "Paris. Bye now.", Paris=0.5)
    (found,) = rig.loop(query_formulation="current_wo_wrong").answer(["q"])
    assert found.text == "Paris. Bye now."
    assert not [query for queries in rig.queries for query in queries if not query]


def test_a_limit_on_switches_ends_them_not_the_answer() -> None:
    rig = Rig()
    ids = born(rig)
    for code in range(1, 9):
        rig.path(ids[3], f" {BORN} Bye.", code=code, **UNSURE)
    found_by_turn = iter(range(1, 9))
    rig.search = lambda queries, k: [  # type: ignore[method-assign]
        [type(rig).passage(rig, query, str(next(found_by_turn))) or rig.index[query][0]] for query in queries
    ]
    (found,) = rig.loop(max_switches=3).answer(["q"])
    assert (len(found.switches), found.stopped) == (3, "max_switches")
    assert found.text == f"She was a writer. {BORN} Bye."


def test_after_the_answer_is_nothing_is_asked_and_the_answer_is_written_to_its_end() -> None:
    rig = Rig()
    rig.path("q", "So the answer is London. Ada Lovelace lived in Paris.", Paris=0.3, Ada=0.3, Lovelace=0.3)
    (found,) = rig.loop().answer(["q"])
    assert (found.text, found.switches) == ("So the answer is London. Ada Lovelace lived in Paris.", ())
    assert not rig.queries
    # A chunk that ends within the closing words does not end the answer before the answer.
    rig = Rig()
    rig.path("q", "So the answer is London.")
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=4).answer(["q"])
    assert (found.text, rig.queries) == ("So the answer is London.", [["q"]])


def test_nothing_is_asked_for_once_the_answer_is_full() -> None:
    rig = Rig()
    rig.path("q", "one two three four five six seven")
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=3, generate_max_length=6).answer(["q"])
    assert (found.text, found.stopped) == ("one two three four five six", "length")
    assert rig.queries == [["q"], ["one two three"]]


def test_dragin_with_room_for_one_token() -> None:
    rig = Rig()
    rig.path("q", "Paris is it.", Paris=0.5)
    settings = {"method": "dragin", "query_formulation": "current", "generate_max_length": 1}
    (found,) = rig.loop(**settings).answer(["q"])
    assert found.text == "Paris"


def test_a_text_that_never_ends_a_sentence_ends_at_its_length() -> None:
    rig = Rig()
    ids = rig.path("q", "and and and")
    rig.decoder.next[0, ids[-1]] = (ids[0], 0.99)
    (found,) = rig.loop(generate_max_length=20).answer(["q"])
    assert len(found.tokens) == 20


def test_an_answer_is_bounded_whatever_is_written_anew() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " and" * 50, code=3)
    rig.passage("was born in .", "3")
    (found,) = rig.loop(generate_max_length=20).answer(["q"])
    assert len(found.tokens) == 20


def test_where_the_context_ends_the_answer_ends() -> None:
    rig = Rig(shows=True)
    ids = born(rig)
    rig.passage("was born in .", *map(str, range(1, 200)))
    (found,) = rig.loop(retrieve_topk=199).answer(["q"])
    assert (found.stopped, found.tokens) == ("context", tuple(ids[:4]))
    assert found.switches[0].passages


def test_a_passage_without_an_expert_is_named() -> None:
    rig = Rig(without_expert={"4"})
    ids = born(rig)
    rig.path(ids[3], " Fine.", code=3)
    rig.passage("was born in .", "3", "4")
    (found,) = rig.loop().answer(["q"])
    assert [one.has_expert for one in found.switches[0].passages] == [True, False]
    assert found.text.endswith(" Fine.")


def test_non_and_single_retrieval() -> None:
    rig = Rig()
    born(rig)
    rig.path("q", "Known.", code=3)
    rig.passage("q", "3")
    (never,) = rig.loop(method="non-retrieval").answer(["q"])
    assert (never.text[:3], never.counters.retrieve) == ("She", 0)
    (once,) = rig.loop(method="single-retrieval").answer(["q"])
    assert (once.text, once.counters.retrieve, once.switches[0].query) == ("Known.", 1, "q")


def test_fix_length_retrieves_every_few_tokens_with_what_was_written_last() -> None:
    rig = Rig()
    ids = rig.path("q", "one two three four five six", code=3)
    rig.passage("q", "3")
    rig.passage("one two three", "4")
    rig.path(ids[2], " IV V", code=4)
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=3).answer(["q"])
    assert found.text == "one two three IV V"
    assert rig.queries == [["q"], ["one two three"]]


def test_fix_sentence_retrieves_after_every_sentence() -> None:
    rig = Rig()
    rig.path("q", "She sang well. She danced too. She left.", code=3)
    rig.passage("q", "3")
    rig.passage("She sang well.", "3")
    rig.passage("She danced too.", "3")
    (found,) = rig.loop(method="fix-sentence-retrieval").answer(["q"])
    assert found.text == "She sang well. She danced too. She left."
    assert rig.queries == [["q"], ["She sang well."], ["She danced too."]]


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


def many(rig: Rig) -> list[str]:
    """Questions whose answers stop at different places."""
    questions = [f"q{n}" for n in range(6)]
    for number, question in enumerate(questions):
        ids = rig.path(question, f"{'Well. ' * (number + 1)}Ada Lovelace was born in Paris. Bye.", **UNSURE)
        rig.path(ids[number], f" London it is, {number}.", code=number + 1)
        rig.index.setdefault("was born in .", [])
    rig.search = lambda queries, k: (rig.queries.append(list(queries)), [rig.index["was born in ."]] * len(queries))[1]  # type: ignore[method-assign]
    rig.passage("was born in .", "2")
    return questions


@pytest.mark.parametrize("max_rows", [1, 2, 6])
def test_answers_do_not_depend_on_neighbours(max_rows: int) -> None:
    rig = Rig()
    questions = many(rig)
    alone = [rig.loop(max_rows=1).answer([question])[0] for question in questions]
    together = rig.loop(max_rows=max_rows).answer(questions)
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.counters for one in together] == [one.counters for one in alone]
    assert [one.switches[0].experts for one in together] == [("key 2",)] * 6


def test_rows_that_stop_at_once_ask_at_once() -> None:
    rig = Rig()
    for number in range(5):
        ids = born(rig, f"q{number}")
        rig.path(ids[3], " Fine.", code=3)
    rig.passage("was born in .", "3")
    found = rig.loop().answer([f"q{number}" for number in range(5)])
    assert [len(queries) for queries in rig.queries] == [5]
    assert {one.text for one in found} == {"She was a writer. Fine."}


def test_what_follows_a_switch_is_what_a_fresh_start_from_there_would_write() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " She was born in London.", code=3)
    rig.passage("was born in .", "3")
    loop = rig.loop()
    (found,) = loop.answer(["q"])
    ready = rig.request("q", rig.index["was born in ."], ids[:4], 60)
    assert ready.request is not None
    (fresh,) = rig.loop().engine.generate([ready.request])
    assert found.tokens == (*ids[:4], *fresh.tokens)


def test_on_finish_hears_of_each_answer_as_it_ends() -> None:
    rig, heard = Rig(), list[tuple[int, Answered]]()
    questions = many(rig)
    answers = rig.loop(max_rows=2).answer(questions, lambda index, answered: heard.append((index, answered)))
    assert sorted(heard, key=lambda one: one[0]) == list(enumerate(answers))


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


def test_settings_out_of_range_are_refused() -> None:
    for setting in ({"entity_solver": "mean"}, {"missing": "no"}, {"retrieve_topk": 0}, {"sentence_solver": "first"}):
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
