"""Pairs of a language model: what reaches the file is sound whatever the model writes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from spacy.language import Language

from semoe.augment.augmenter import augmenters, load_augmenter
from semoe.augment.checks import first_answer, first_question, is_on_topic, question_fault, tidy_rewrite, token_f1
from semoe.augment.contract import Augmentation, AugmentSettings
from semoe.augment.model_augmenter import ModelAugmenter
from semoe.augment.parse import load_parser
from semoe.augment.rejection import REASONS
from semoe.augment.spans import answer_spans
from semoe.errors import UsageError
from semoe.generation.engine import Engine
from semoe.generation.request import Answer, Request
from semoe.models.model import load_decoder, load_model
from semoe.models.tokenizer import Tokenizer
from semoe.retrieval.passage import Passage

DIAMOND = Passage(
    id="2",
    title="John Diamond (journalist)",
    text="John Diamond (10 May 1953 – 2 March 2001), was a British journalist and broadcaster. He was "
    "married to the food writer and TV cook Nigella Lawson from 1992 until his death from cancer in 2001.",
)
CURIE = Passage(
    id="c",
    title="Marie Curie",
    text="Marie Curie was a physicist and chemist. She was born in Warsaw in 1867 and moved to Paris in "
    "1891. Her husband, Pierre Curie, shared the Nobel Prize in Physics with her.",
)
FILM = Passage(
    id="f",
    title="The First Wives Club",
    text="The First Wives Club is a 1996 American comedy film, based on the best-selling 1992 novel of the "
    "same name by Olivia Goldsmith. It was directed by Hugh Wilson and produced by Scott Rudin.",
)
NOTHING = Passage(id="n", title="Nothing", text="...")


@pytest.fixture(scope="module")
def parser() -> Language:
    return load_parser()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_model("smollm2").tokenizer


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory, parser: Language, tokenizer: Tokenizer) -> ModelAugmenter:
    """A model with random weights: it writes nonsense, in the real tokens."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder: Path = tmp_path_factory.mktemp("babbler")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    engine = Engine(load_decoder(folder), None, eos_ids=tokenizer.eos_ids)
    return ModelAugmenter(engine, tokenizer, parser)


class Scripted(Engine):
    """Replies, step by step, with given texts: what a model might write at its best and worst."""

    def __init__(self, tokenizer: Tokenizer, steps: list[list[str]]) -> None:
        self.tokenizer = tokenizer
        self.steps: Iterator[list[str]] = iter(steps)
        self.sizes: list[int] = []

    def generate(self, requests: Sequence[Request], on_finish: object = None) -> list[Answer]:
        self.sizes.append(len(requests))
        texts = next(self.steps)
        texts = texts + [""] * (len(requests) - len(texts))
        return [Answer(tokens=tuple(self.tokenizer.encode(text)), logprobs=(), finish="eos") for text in texts]


def sound(passage: Passage, made: Augmentation) -> bool:
    questions = [pair.question for pair in made.qa]
    return (
        all(pair.answer in passage.text for pair in made.qa)
        and all(question.endswith("?") and "\n" not in question for question in questions)
        and len(set(questions)) == len(questions) <= 3
        and bool(made.rewrite)
    )


def test_nonsense_yields_no_pair_and_the_passage_for_a_rewrite(babbler: ModelAugmenter) -> None:
    rejected: Counter[str] = Counter()
    made = babbler.augment([DIAMOND, CURIE, NOTHING], rejected)
    assert [one.qa for one in made] == [(), (), ()]
    assert [one.rewrite for one in made] == [DIAMOND.text, CURIE.text, NOTHING.text]
    assert set(rejected) <= set(REASONS)
    assert rejected["rewrite-off-topic"] >= 2


def test_same_passages_give_the_same_pairs(babbler: ModelAugmenter) -> None:
    first, second = Counter[str](), Counter[str]()
    assert babbler.augment([DIAMOND, CURIE], first) == babbler.augment([DIAMOND, CURIE], second)
    assert first == second


def test_pair_that_comes_back_is_kept_and_others_are_counted(
    babbler: ModelAugmenter, parser: Language, tokenizer: Tokenizer
) -> None:
    spans = [span.text for span in answer_spans(parser(CURIE.text), CURIE.title, 6)]
    questions = [f" did Marie Curie do in case {i}? And more" for i in range(len(spans))]
    questions[1] = " no question mark"
    said = [f" {span}." for i, span in enumerate(spans) if i != 1]
    said[1] = " something else"
    engine = Scripted(tokenizer, [questions, said, ["In Warsaw Marie Curie was born, physicist, chemist, 1867."]])
    rejected: Counter[str] = Counter()
    [made] = replace(babbler, engine=engine).augment([CURIE], rejected)
    expected = [span for i, span in enumerate(spans) if i not in (1, 2)][:3]
    assert [pair.answer for pair in made.qa] == expected
    assert made.qa[0].question.endswith("did Marie Curie do in case 0?")
    assert made.rewrite.startswith("In Warsaw")
    assert rejected == {"no-question": 1, "not-recovered": 1}
    assert engine.sizes == [len(spans), len(spans) - 1, 1]
    assert sound(CURIE, made)


def test_spans_occur_in_the_passage_and_entities_come_first(parser: Language) -> None:
    spans = answer_spans(parser(CURIE.text), CURIE.title, 6)
    texts = [span.text for span in spans]
    assert all(text in CURIE.text for text in texts)
    assert len(set(texts)) == len(texts) == 6
    assert "Warsaw" in texts[:4]
    assert "Marie Curie" not in texts


def test_full_answer_names_its_subject(parser: Language) -> None:
    [warsaw] = [span for span in answer_spans(parser(CURIE.text), CURIE.title, 9) if span.text == "Warsaw"]
    assert warsaw.sentence.startswith("Marie Curie was born in Warsaw")


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        ("", "no-question"),
        ("Who?", "question-length"),
        ("Who " + "really " * 30 + "was Curie?", "question-length"),
        ("Was Marie Curie born in the Warsaw?", "question-holds-answer"),
        ("Where was she born?", "question-off-topic"),
        ("where was Marie Curie born ?", "duplicate-question"),
        ("In which city was Marie Curie born?", None),
    ],
)
def test_question_is_turned_away_with_its_reason(question: str, fault: str | None) -> None:
    others = ["Where was Marie Curie born?"]
    assert question_fault(question, "Warsaw", "Marie Curie was born in Warsaw.", others) == fault


def test_question_ends_at_its_first_mark() -> None:
    assert first_question(" Where  is it? And why?") == "Where is it?"
    assert first_question("Where is it\nreally?") == ""


def test_answer_is_the_first_line_bare() -> None:
    assert first_answer(' "Warsaw".\nBecause') == "Warsaw"


def test_token_f1_counts_shared_words() -> None:
    assert token_f1("the city of Warsaw", "Warsaw") == pytest.approx(0.5)
    assert token_f1("", "Warsaw") == 0.0


def test_cut_off_rewrite_loses_its_broken_end_and_repetitions() -> None:
    assert tidy_rewrite("It is. It is. It wa", is_whole=False) == "It is."
    assert tidy_rewrite("It is", is_whole=False) == "It is"


def test_rewrite_must_share_content_words(parser: Language) -> None:
    doc = parser(CURIE.text)
    assert is_on_topic("Curie, a chemist and physicist from Warsaw, shared a Nobel Prize.", doc)
    assert not is_on_topic("I was and she had been to the one.", doc)
    assert not is_on_topic("", doc)


def test_unknown_augmenter_answers_with_the_known_ones() -> None:
    assert set(augmenters) == {"parse", "model"}
    with pytest.raises(UsageError, match="Did you mean 'parse'"):
        load_augmenter(AugmentSettings(augmenter="parze"))


def test_pairs_below_one_are_refused() -> None:
    with pytest.raises(UsageError, match="max_pairs"):
        AugmentSettings(max_pairs=0)


@pytest.mark.slow
def test_smollm2_makes_sound_pairs() -> None:
    rejected: Counter[str] = Counter()
    passages = [DIAMOND, CURIE, FILM]
    made = load_augmenter(AugmentSettings(augmenter="model")).augment(passages, rejected)
    assert all(map(sound, passages, made))
    assert any(one.qa for one in made)
    assert set(rejected) <= set(REASONS)
