"""The parse augmenter: pairs by rule, and a rewrite whose sentences stand alone."""

from collections import Counter

import pytest

from semoe.augment.parse_augmenter import ParseAugmenter
from semoe.augment.rejection import REASONS
from semoe.augment.restate import restated_sentences, subject_of
from semoe.retrieval.passage import Passage

CURIE = Passage(
    id="c",
    title="Marie Curie (physicist)",
    text="Marie Curie was a physicist. She was born in Warsaw in 1867. Her husband was Pierre Curie. "
    "It is known that she moved to Paris.",
)
LAKE = Passage(id="l", title="Lake Garda", text="Lake Garda is the largest lake in Italy. It lies near Verona.")


@pytest.fixture(scope="module")
def augmenter() -> ParseAugmenter:
    return ParseAugmenter.load()


def test_opening_pronouns_become_the_title(augmenter: ParseAugmenter) -> None:
    assert restated_sentences(augmenter.parser(CURIE.text), CURIE.title)[:3] == [
        "Marie Curie was a physicist.",
        "Marie Curie was born in Warsaw in 1867.",
        "Marie Curie's husband was Pierre Curie.",
    ]


def test_pronoun_that_stands_for_nothing_stays(augmenter: ParseAugmenter) -> None:
    [sentence] = restated_sentences(augmenter.parser("It  is raining\nin Verona."), "")
    assert sentence == "It is raining in Verona."


def test_bracket_of_a_title_is_no_name() -> None:
    assert subject_of("John Diamond (journalist)") == "John Diamond"


def test_each_passage_gets_pairs_and_a_rewrite(augmenter: ParseAugmenter) -> None:
    rejected: Counter[str] = Counter()
    made = augmenter.augment([CURIE, LAKE], rejected)
    assert all(one.qa and len(one.qa) <= 8 for one in made)
    assert all(pair.answer in passage.text for passage, one in zip((CURIE, LAKE), made, strict=True) for pair in one.qa)
    assert made[1].rewrite == "Lake Garda is the largest lake in Italy. Lake Garda lies near Verona."
    assert set(rejected) <= set(REASONS)


def test_passage_is_augmented_the_same_alone_and_in_company(augmenter: ParseAugmenter) -> None:
    together = augmenter.augment([LAKE, CURIE], Counter())
    assert [augmenter.augment([one], Counter())[0] for one in (LAKE, CURIE)] == together
