"""What the rules ask of real passages: pinned pairs, and what they must leave alone."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from semoe.augment.parse import Candidate, candidates, load_parser, question_answers
from semoe.augment.parse.candidate import one_answer_each, well_formed
from semoe.augment.rejection import REASONS
from semoe.errors import UsageError
from semoe.language import english as parser_module

DIAMOND = (
    "John Diamond (10 May 1953 – 2 March 2001), was a British journalist and broadcaster. He was married to the food "
    "writer and TV cook Nigella Lawson from 1992 until his death from cancer in 2001."
)
KNIFE = (
    "The Knife is a 1961 Dutch drama film directed by Fons Rademakers. "
    "It was entered into the 1961 Cannes Film Festival."
)
BILL = (
    "Mr. Bill's Real Life Adventures is a 1986 comedy television film written by Walter Williams and directed by Jim "
    "Drake. The film was based on the sketches from the television show Saturday Night Live."
)
TOCCO = (
    "Theodora Tocco( née Maddalena Tocco)( died November 1429) was the first wife of Constantine Palaiologos while he "
    "was Despot of Morea. Her husband would become the last Emperor of the Eastern Roman Empire."
)
RODE = (
    "Alfred Rode (4 June 1905 – 22 July 1979) was an Italian-born French composer, musician, actor and film director. "
    "He was born in Torre del Greco as Alfred Spedaliere. In 1936 Rode appeared in the British film Gypsy Melody."
)
LAGUESSE = (
    "Régis Laguesse (born Montreuil-Bellay 6 January 1950) is a French football coach and former player. He played for "
    "Angers SCO, SC Bastia and Stade Lavallois in the 1970s. He coached BEC Tero Sasana in 2007, until he was replaced "
    "by another Frenchman Christophe Larrouilh."
)
PASSAGES = {
    "John Diamond (journalist)": DIAMOND,
    "The Knife (1961 film)": KNIFE,
    "Mr. Bill's Real Life Adventures": BILL,
    "Theodora Tocco": TOCCO,
    "Alfred Rode": RODE,
    "Régis Laguesse": LAGUESSE,
}


@pytest.fixture(scope="module")
def parser() -> Language:
    return load_parser()


def asked(parser: Language, title: str, text: str) -> dict[str, str]:
    return {question: one.answer for one in candidates(parser, title, text) for question in one.questions}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        (
            "John Diamond (journalist)",
            {
                "What was John Diamond?": "journalist",
                "Who was John Diamond?": "British journalist and broadcaster",
                "What nationality was John Diamond?": "British",
                "When was John Diamond born?": "10 May 1953",
                "When did John Diamond die?": "2 March 2001",
            },
        ),
        (
            "The Knife (1961 film)",
            {
                "What is The Knife?": "drama film",
                "Who directed The Knife?": "Fons Rademakers",
                "What nationality is The Knife?": "Dutch",
                "Which event was The Knife entered into?": "Cannes Film Festival",
            },
        ),
        (
            "Mr. Bill's Real Life Adventures",
            {
                "Who wrote Mr. Bill's Real Life Adventures?": "Walter Williams",
                "Who directed Mr. Bill's Real Life Adventures?": "Jim Drake",
            },
        ),
        (
            "Theodora Tocco",
            {
                "When did Theodora Tocco die?": "November 1429",
                "Who was Theodora Tocco the wife of?": "Constantine Palaiologos",
                "What would Theodora Tocco's husband become?": "last Emperor of the Eastern Roman Empire",
            },
        ),
        (
            "Alfred Rode",
            {
                "What was Alfred Rode?": "composer",
                "Where was Alfred Rode born?": "Torre del Greco",
                "When did Alfred Rode appear?": "1936",
                "What nationality was Alfred Rode?": "French",
            },
        ),
        (
            "Régis Laguesse",
            {
                "What is Régis Laguesse?": "football coach",
                "Where was Régis Laguesse born?": "Montreuil-Bellay",
                "Who replaced Régis Laguesse?": "Frenchman Christophe Larrouilh",
                "Which organization did Régis Laguesse play for?": "Angers SCO",
                "When did Régis Laguesse play?": "1970s",
            },
        ),
    ],
)
def test_passage_gives_these_pairs(parser: Language, title: str, expected: dict[str, str]) -> None:
    found = asked(parser, title, PASSAGES[title])
    assert {question: found.get(question) for question in expected} == expected


def test_place_after_a_date_is_found(parser: Language) -> None:
    found = asked(parser, "Ann Lee", "Ann Lee was born in 1933 in Cleveland. She is a painter.")
    assert (found["Where was Ann Lee born?"], found["When was Ann Lee born?"]) == ("Cleveland", "1933")


def test_opening_participle_speaks_of_the_main_subject(parser: Language) -> None:
    found = asked(parser, "Bob Ray", "Bob Ray is a writer. Born in Ghent on 3 May 1933, Ray moved to Paris in 1950.")
    assert (found["Where was Bob Ray born?"], found["Where did Bob Ray move to?"]) == ("Ghent", "Paris")


def test_third_thing_that_someone_is_has_a_question(parser: Language) -> None:
    found = asked(parser, "Bob Ray", "Bob Ray was a Belgian sculptor, painter and poet. He died in 1950.")
    assert found["What else was Bob Ray?"] == "painter"
    assert found["Besides sculptor and painter, what was Bob Ray?"] == "poet"


def test_irregular_participle_becomes_past_tense(parser: Language) -> None:
    found = asked(parser, "Hook (film)", "Hook is a film written by Jim Hart. It was released on 5 May 1991.")
    assert found["Who wrote Hook?"] == "Jim Hart"


def test_no_wording_repeats_the_question(parser: Language) -> None:
    for one in candidates(parser, "Ohio River", "Ohio River is part of a basin. The river is a long stream."):
        assert len(set(one.questions)) == len(one.questions)


def test_denied_statement_is_not_asked_about(parser: Language) -> None:
    assert "painter" not in asked(parser, "Ann Lee", "Ann Lee is a writer. She was not a painter.").values()


def test_he_is_somebody_else_in_a_passage_about_a_film(parser: Language) -> None:
    found = asked(parser, "Hook (film)", "Hook is a film directed by Jim Hart. He was born in Paris.")
    assert "Paris" not in found.values()


def test_it_is_something_else_in_a_passage_about_a_person(parser: Language) -> None:
    found = asked(parser, "Ann Lee", "Ann Lee (born 1933) is a writer. It was released in Paris.")
    assert "Paris" not in found.values()


def test_battle_means_the_battle_of_the_title(parser: Language) -> None:
    text = "The Battle of Cambrai was part of a large offensive. The battle began on 27 September 1918."
    assert asked(parser, "Battle of Cambrai", text)["When did Battle of Cambrai begin?"] == "27 September 1918"


@pytest.mark.parametrize("title", PASSAGES)
def test_pairs_are_quoted_few_and_distinct(parser: Language, title: str) -> None:
    pairs = question_answers(parser, title, PASSAGES[title])
    assert 4 <= len(pairs) <= 8
    assert len({pair.question for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert pair.answer in PASSAGES[title] or pair.answer in title
        assert pair.answer in pair.full_answer
        assert len(pair.wordings) <= 1
        assert pair.question not in pair.wordings


def test_same_seed_gives_same_pairs_and_another_gives_other_wordings(parser: Language) -> None:
    first = question_answers(parser, "Alfred Rode", RODE, seed=3)
    assert first == question_answers(parser, "Alfred Rode", RODE, seed=3)
    others = [question_answers(parser, "Alfred Rode", RODE, seed=seed) for seed in range(8)]
    assert all([pair.question for pair in pairs] == [pair.question for pair in first] for pairs in others)
    assert len(set(others)) > 1


def test_second_name_is_used_in_wordings(parser: Language) -> None:
    text = "Darrell W. Crate (born 1967) is an American investor. He lives in Boston."
    made = [question_answers(parser, "Darrell Crate", text, seed=seed) for seed in range(8)]
    assert any("Darrell W. Crate" in wording for pairs in made for pair in pairs for wording in pair.wordings)
    assert all("Darrell Crate" in pair.question for pairs in made for pair in pairs if pair.answer != "Darrell Crate")


def test_full_answer_names_whom_it_is_about(parser: Language) -> None:
    by_question = {pair.question: pair for pair in question_answers(parser, "Alfred Rode", RODE)}
    place = by_question["Where was Alfred Rode born?"]
    assert place.full_answer == "Alfred Rode was born in Torre del Greco as Alfred Spedaliere."
    assert by_question["When was Alfred Rode born?"].full_answer == "Alfred Rode was born on 4 June 1905."


def test_no_more_pairs_than_asked_for_and_two_of_a_kind_first(parser: Language) -> None:
    found = candidates(parser, "Régis Laguesse", LAGUESSE)
    kind_of = {one.questions[0]: one.kind for one in found}
    pairs = question_answers(parser, "Régis Laguesse", LAGUESSE, max_pairs=5)
    assert len(pairs) == 5
    assert max(Counter(kind_of[pair.question] for pair in pairs).values()) <= 2
    assert [one.priority for one in found] == sorted(one.priority for one in found)


def test_passage_that_no_rule_reads_gives_its_first_sentence(parser: Language) -> None:
    (pair,) = question_answers(parser, "Odd (thing)", "and so on, " * 20)
    assert pair.question == "What is Odd?"
    assert len(pair.answer) <= 100
    assert pair.full_answer.startswith(pair.answer)
    assert question_answers(parser, "Odd", " \n") == ()


def test_each_rejection_has_its_reason() -> None:
    rejected: Counter[str] = Counter()
    proposed = [
        Candidate(("Who is T?",), answer, "isa", 0.0)
        for answer in ("", "him", "a b c d e f g h i", "T", "elsewhere", "poet")
    ]
    proposed.append(Candidate(("Who?",), "poet", "isa", 0.0))
    kept = list(well_formed(proposed, "T is a poet, not a b c d e f g h i. TT", rejected))
    assert [one.answer for one in kept] == ["poet"]
    assert rejected == {
        "answer-empty": 2,
        "pronoun-answer": 1,
        "answer-too-long": 1,
        "answer-not-in-passage": 1,
        "question-length": 1,
    }
    assert not list(well_formed([Candidate(("Who is TT now?",), "TT", "isa", 0.0)], "TT", rejected))
    assert rejected["answer-in-question"] == 1


def test_is_and_was_are_one_question_and_the_better_answer_stays() -> None:
    rejected: Counter[str] = Counter()
    found = [
        Candidate(("What was T?",), "town", "kind", 2.0),
        Candidate(("What is T?",), "city", "kind", 1.0),
        Candidate(("Where is T located?", "What is T?"), "Italy", "where", 3.0),
    ]
    kept = one_answer_each(found, rejected)
    assert [(one.questions, one.answer) for one in kept] == [
        (("What is T?",), "city"),
        (("Where is T located?",), "Italy"),
    ]
    assert rejected == {"duplicate-question": 1}


def test_missing_model_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_module, "_PACKAGES", ("no_such_parser_package",))
    with pytest.raises(UsageError, match="pip install"):
        load_parser()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.text(max_size=30) | st.sampled_from(list(PASSAGES)),
    text=st.text(max_size=200)
    | st.lists(st.sampled_from(" ".join(PASSAGES.values()).split()), max_size=60).map(" ".join),
)
def test_no_text_breaks_it(parser: Language, title: str, text: str) -> None:
    rejected: Counter[str] = Counter()
    pairs = question_answers(parser, title, text, rejected=rejected)
    assert set(rejected) <= set(REASONS)
    assert bool(pairs) >= bool(text.strip(" \n\t.,;:'\"–-") and candidates(parser, title, text))
    assert all(pair.answer in pair.full_answer and pair.answer in f"{text}\n{title}" for pair in pairs)


def test_lone_surrogates_do_no_harm(parser: Language) -> None:
    assert question_answers(parser, "\udc80", "\udc80 is a \ud800 town.")
