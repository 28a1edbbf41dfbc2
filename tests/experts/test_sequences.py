"""Which sequences a passage gives, and where they are cut."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from semoe.datasets.augmented import AugmentedPassage, QAPair
from semoe.experts.preset import SequenceSettings
from semoe.experts.sequences import MAX_TOKENS, TooLong, bounded, learnt_digest, whole_sequences
from semoe.prompts.rendering import TrainingSequence

PASSAGE = AugmentedPassage(
    pid=0,
    passage="PASSAGE",
    rewrite="REWRITE",
    qa=tuple(
        QAPair(question=f"q{n}?", answer=f"short{n}", full_answer=f"full{n}", wordings=(f"other{n}?", f"third{n}?"))
        for n in range(3)
    ),
)


class Letters:
    """A tokenizer whose tokens are characters."""

    end_token = "|"

    def encode_after(self, before: str, text: str) -> list[int]:
        return list(map(ord, text))

    def chat(self, messages: Sequence[Mapping[str, str]], opening: str = "") -> list[int]:
        return list(map(ord, "".join(message["content"] for message in messages) + opening))


def texts(passage: AugmentedPassage, composition: str, *, cot: bool = False) -> list[tuple[str, str]]:
    """Returns what is asked and what is answered."""
    settings = SequenceSettings(composition=composition, template="semoe")  # type: ignore[arg-type]
    made = bounded(whole_sequences(Letters(), passage, settings, cot=cot))
    return [("".join(map(chr, s.tokens[: s.loss_from])), "".join(map(chr, s.tokens[s.loss_from :]))) for s in made]


def seen(passage: AugmentedPassage) -> list[tuple[str, str]]:
    """The number of the pair and what is read with it, for each published sequence."""
    return [
        (answer.strip()[5], " ".join(word for word in ("PASSAGE", "REWRITE") if word in asked))
        for asked, answer in texts(passage, "published")
    ]


def test_published_the_first_half_of_the_pairs_is_read_with_passage_and_rewrite() -> None:
    assert seen(PASSAGE) == [("0", "PASSAGE"), ("0", "REWRITE"), ("1", "PASSAGE"), ("1", "REWRITE"), ("2", "")]
    assert seen(replace(PASSAGE, qa=PASSAGE.qa[:2])) == [("0", "PASSAGE"), ("0", "REWRITE"), ("1", "")]
    assert seen(replace(PASSAGE, qa=())) == []


def test_closed_book_each_pair_is_asked_in_two_wordings_without_the_passage() -> None:
    made = texts(PASSAGE, "closed-book")
    assert [answer.strip()[:6] for _, answer in made] == ["short0", "short0", "short1", "short1", "short2", "short2"]
    assert ["other" in asked for asked, _ in made] == [False, True] * 3
    assert not any("third" in asked or "PASSAGE" in asked or "REWRITE" in asked for asked, _ in made)


@pytest.mark.parametrize("composition", ["closed-book", "published"])
def test_with_chains_of_thought_the_answer_is_a_sentence(composition: str) -> None:
    assert all("full" in answer for _, answer in texts(PASSAGE, composition, cot=True))
    assert not any("full" in answer for _, answer in texts(PASSAGE, composition))


def test_what_is_too_long_is_cut_on_the_right_and_left_out_where_no_answer_would_be_left() -> None:
    settings = SequenceSettings(composition="closed-book")

    def made(question: str, answer: str) -> list[TrainingSequence]:
        pair = QAPair(question=question, answer=answer, full_answer="")
        return bounded(whole_sequences(Letters(), replace(PASSAGE, qa=(pair,)), settings))

    (whole,) = made("q?", "a")
    asked = whole.loss_from - 1
    (cut,) = made("q?", "a" * MAX_TOKENS)
    assert (len(cut.tokens), cut.loss_from) == (MAX_TOKENS, whole.loss_from)
    (last,) = made("q" * (MAX_TOKENS - asked - 1) + "?", "a")
    assert (len(last.tokens), last.loss_from) == (MAX_TOKENS, MAX_TOKENS - 1)
    assert made("q" * (MAX_TOKENS - asked) + "?", "a") == []


def test_what_is_too_long_is_counted_by_what_becomes_of_it_and_told() -> None:
    def sequence(length: int, loss_from: int) -> TrainingSequence:
        return TrainingSequence((1,) * length, loss_from)

    short = sequence(100, 90)
    assert TooLong.of([short], 100) == TooLong()
    assert TooLong.of([short], 100).told(100) is None
    found = TooLong.of(
        [short, sequence(101, 90), sequence(MAX_TOKENS + 1, 5), sequence(MAX_TOKENS + 9, MAX_TOKENS)], 100
    )
    assert found == TooLong(num_cut=1, num_left_out=1, num_beyond_context=2)
    said = found.told(100) or ""
    assert "1 were cut at 3000 tokens" in said
    assert "1 were left out" in said
    assert "2 are longer than the model's context of 100 tokens" in said
    assert TooLong.of([sequence(MAX_TOKENS, MAX_TOKENS - 1)], MAX_TOKENS) == TooLong()


def test_with_chains_of_thought_the_question_asks_for_steps() -> None:
    asked = {cot: texts(PASSAGE, "closed-book", cot=cot)[0][0] for cot in (False, True)}
    assert ("step by step" in asked[True], "step by step" in asked[False]) == (True, False)


def test_what_an_expert_learns_is_known_by_what_it_reads() -> None:
    def digest(passage: AugmentedPassage, composition: str = "closed-book", *, cot: bool = False) -> str:
        return learnt_digest(passage, SequenceSettings(composition=composition), cot=cot)  # type: ignore[arg-type]

    def other(**new: str) -> AugmentedPassage:
        return replace(PASSAGE, qa=(replace(PASSAGE.qa[0], **new), *PASSAGE.qa[1:]))  # type: ignore[arg-type]

    plain = digest(PASSAGE)
    assert digest(other(question="Another?")) != plain
    assert digest(other(answer="another")) != plain
    assert digest(other(wordings=("In other words?",))) != plain  # type: ignore[arg-type]
    assert digest(replace(PASSAGE, qa=PASSAGE.qa[1:])) != plain
    assert digest(replace(PASSAGE, qa=PASSAGE.qa[::-1])) != plain, "the order decides which step sees what"
    # What it does not read does not count.
    assert digest(replace(PASSAGE, rewrite="else", pid=7, score=1.5, id="x")) == plain
    assert digest(other(full_answer="A sentence.")) == plain
    assert digest(other(full_answer="A sentence."), cot=True) != digest(PASSAGE, cot=True)
    assert digest(replace(PASSAGE, rewrite="else"), "published") != digest(PASSAGE, "published")
