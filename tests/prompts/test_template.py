from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError
from semoe.prompts.exemplars import has_exemplars, load_exemplars
from semoe.prompts.rendering import prompt_ids, training_sequence
from semoe.prompts.template import load_template, templates

DATA = Path(__file__).parents[1] / "data"
DIGESTS = ["21a7a52783c03acd", "127f1a7e08d1cbdb", "7f6017bf214b1fd9", "211b76004fc835f2"]
"""Of `published` and of `semoe`, direct and with chains of thought."""


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


@pytest.mark.parametrize(("dataset", "count"), [("strategyqa", 6), ("iirc", 8)])
def test_dragins_datasets_have_as_many_exemplars_as_its_configs_ask_for(dataset: str, count: int) -> None:
    exemplars = load_exemplars(dataset)
    assert len(exemplars) == count
    assert all(exemplar.answer.count("So the answer is ") == 1 for exemplar in exemplars)


def test_prags_name_of_a_dataset_has_its_exemplars() -> None:
    assert load_exemplars("complexwebquestions") == load_exemplars("cwq")
    assert has_exemplars("complexwebquestions")
    assert not has_exemplars("mine")


def written(folder: Path, text: str) -> str:
    path = folder / "mine.jinja"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # What the sandbox keeps from a file that somebody else wrote.
        ("{{ question.__class__ }}", "line 1: .*'__class__' of 'str' object is unsafe"),
        ("{{ question }}\n{{ passages.append('more') }}", "line 2: .*'append' of 'list' object is unsafe"),
        ("{{ question }}{{ range(1000000) | list }}", "OverflowError: Range too big"),
        ("{{ question }}{{ cycler.__init__.__globals__ }}", "unsafe"),
        # What the file gets wrong by itself.
        ("{{ question }}\n\n{{ context }}", "line 3: .*'context' is undefined"),
        ("{{ question }}{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ question + 1 }}", "TypeError: can only concatenate str"),
        ("{{ question }}{% include 'other' %}", "TypeError: no loader"),
        ("{{ question }}{{ passages[7] }}", "has no element 7"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ question }}{{ m() }}", "RecursionError"),
    ],
)
def test_a_template_that_cannot_be_filled_is_a_mistake_in_that_file(tmp_path: Path, text: str, words: str) -> None:
    template = load_template(written(tmp_path, text))
    with pytest.raises(UsageError, match=rf"mine\.jinja.*{words}"):
        template.render("Who?", ["passage"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Answer it.", "never uses `question`"),
        ("{% for exemplar in exemplars %}{{ exemplar.question }}{% endfor %}", "never uses `question`"),
        ("{% set question = 'Why?' %}{{ question }}", "never uses `question`"),
        ("{{ question", "line 1: unexpected"),
        ("{{ question | nothing }}", "line 1: No filter named 'nothing'"),
        ("{% for p in passages %}{{ question }}", "line 1"),
    ],
)
def test_a_template_that_asks_nothing_or_is_none_is_refused_when_it_is_loaded(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(UsageError, match=rf"mine\.jinja.*{words}"):
        load_template(written(tmp_path, text))


def test_a_template_without_passages_is_used_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    template = load_template(written(tmp_path, "Say: {{ question }}"))
    assert template.render("Who").user == "Say: Who?"
    assert caplog.text == "", "where no passage was to be shown none is missing"
    assert {template.render("Who", ["p"]).user for _ in range(2)} == {"Say: Who?"}
    assert caplog.text.count("never uses `passages`") == 1


def test_a_template_without_a_place_for_worked_examples_is_refused_with_them(tmp_path: Path) -> None:
    template = load_template(written(tmp_path, "{{ question }}"))
    with pytest.raises(UsageError, match="never uses `exemplars`"):
        template.render("Who?", exemplars=load_exemplars("popqa"), cot=True)


def test_a_users_template_is_plain_text(tmp_path: Path) -> None:
    text = "{% for passage in passages %}{{ loop.index }} {{ passage | upper }}\n{% endfor %}{{ question }}"
    prompt = load_template(written(tmp_path, text)).render('<b> & "q"', ["<a>", "b"])
    assert prompt.user == '1 <A>\n2 B\n<b> & "q"?'


def test_shipped_templates_make_the_sequences_that_they_always_made() -> None:
    """Their digests name expert spaces."""
    found = [templates[name].training_digest(cot=cot) for name in ("published", "semoe") for cot in (False, True)]
    assert found == DIGESTS


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="Known: published, semoe"):
        load_template("semo")
    with pytest.raises(UsageError, match="2wikimultihopqa, cwq, hotpotqa, iirc, popqa, strategyqa"):
        load_exemplars("mine")
