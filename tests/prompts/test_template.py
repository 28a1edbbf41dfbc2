from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError
from semoe.prompts.exemplars import load_exemplars
from semoe.prompts.rendering import prompt_ids, training_sequence
from semoe.prompts.template import load_template, templates

DATA = Path(__file__).parents[1] / "data"


class Letters:
    """One id a character, so that a sequence can be read."""

    end_token = "$"

    def encode_after(self, before: str, text: str) -> list[int]:
        return [ord(c) for c in text]

    def chat(self, messages: Sequence[dict[str, str]], opening: str = "") -> list[int]:
        return [ord(c) for c in f"<{messages[0]['content']}>{opening}"]


def text(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def test_semoe_shows_the_best_passage_last_and_primes_the_answer() -> None:
    ids = prompt_ids(Letters(), load_template("semoe"), "Who ?", ["best", "worst"])
    assert text(ids) == (
        "<Read the passages and answer the question with a short phrase.\n\n"
        "Passage 1: worst\nPassage 2: best\n\nQuestion: Who?>Answer:"
    )


def test_published_shows_the_best_passage_first() -> None:
    prompt = load_template("published").render("Who", ["best", "worst"])
    assert "Passage 1: best\nPassage 2: worst\n\n\nQuestion: Who?" in prompt.user
    assert prompt.primed == "The answer is"


def test_a_training_sequence_is_the_prompt_and_the_answer_with_its_end() -> None:
    sequence = training_sequence(Letters(), load_template("semoe"), "Who?", "Ada")
    assert text(sequence.tokens[: sequence.loss_from]).endswith("Question: Who?>Answer:")
    assert text(sequence.tokens[sequence.loss_from :]) == " Ada.$"
    published = training_sequence(Letters(), load_template("published"), "Who?", "Ada.")
    assert text(published.tokens).endswith("The answer is Ada.")


@pytest.mark.parametrize("name", list(templates))
@pytest.mark.parametrize("dataset", ["2wikimultihopqa", "hotpotqa_golden"])
def test_chain_of_thought_shows_every_exemplar(name: str, dataset: str) -> None:
    exemplars = load_exemplars(dataset)
    user = load_template(name).render("Why?", ["p"], exemplars=exemplars, cot=True).user
    assert all(exemplar.question in user and exemplar.answer in user for exemplar in exemplars)
    assert all("the answer is" in exemplar.answer for exemplar in exemplars)


@pytest.mark.parametrize(("dataset", "count"), [("2wikimultihopqa", 8), ("hotpotqa", 11), ("cwq", 6), ("popqa", 6)])
def test_as_many_exemplars_as_published_and_none_is_a_question_of_the_dataset(dataset: str, count: int) -> None:
    exemplars = load_exemplars(dataset)
    questions = {question.question for question in load_dataset(dataset, DATA / dataset)}
    assert len(exemplars) == count
    assert not questions & {exemplar.question for exemplar in exemplars}


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="Known: published, semoe"):
        load_template("semo")
    with pytest.raises(UsageError, match="2wikimultihopqa, cwq, hotpotqa, popqa"):
        load_exemplars("mine")
