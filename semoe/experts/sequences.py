"""From an augmented passage to the sequences that its expert learns.

Compositions: `published` is PRAG's five sequences (the first ⌈n/2⌉ pairs each with the passage and with its rewrite,
the others closed-book); `closed-book` is every pair alone, in each of its wordings.
"""

import hashlib
from collections.abc import Sequence

import orjson

from semoe.datasets.augmented import AugmentedPassage, QAPair
from semoe.experts.preset import SequenceSettings
from semoe.prompts.exemplars import Exemplar
from semoe.prompts.rendering import ChatTokenizer, TrainingSequence, training_sequence
from semoe.prompts.template import load_template

MAX_TOKENS = 3000
"""The published limit of a sequence; what is longer is cut on the right."""


def training_sequences(
    tokenizer: ChatTokenizer,
    passage: AugmentedPassage,
    settings: SequenceSettings,
    *,
    exemplars: Sequence[Exemplar] = (),
    cot: bool = False,
) -> list[TrainingSequence]:
    """Returns the sequences of one passage, in training order; empty when it has no pairs."""
    template = load_template(settings.template)
    made = [
        training_sequence(tokenizer, template, question, answer, context, exemplars=exemplars, cot=cot)
        for question, answer, context in _parts(passage, settings, cot)
    ]
    # One that is cut before its answer would have nothing to learn.
    return [TrainingSequence(s.tokens[:MAX_TOKENS], s.loss_from) for s in made if s.loss_from < MAX_TOKENS]


def learnt_digest(passage: AugmentedPassage, settings: SequenceSettings, *, cot: bool = False) -> str:
    """Returns a hash, 32 hex digits, of what an expert reads of its passage: questions, answers and contexts, in order.

    Within one expert space two passages with equal digests give equal experts.
    """
    return hashlib.sha256(orjson.dumps(_parts(passage, settings, cot))).hexdigest()[:32]


Parts = list[tuple[str, str, tuple[str, ...]]]


def _parts(passage: AugmentedPassage, settings: SequenceSettings, cot: bool) -> Parts:
    return (_published if settings.composition == "published" else _closed_book)(passage, cot)


def _published(passage: AugmentedPassage, cot: bool) -> Parts:
    parts: Parts = []
    open_book = -(-len(passage.qa) // 2)
    for number, pair in enumerate(passage.qa):
        contexts = [(passage.passage,), (passage.rewrite,)] if number < open_book else [()]
        parts += [(pair.question, _answer(pair, cot), context) for context in contexts]
    return parts


def _closed_book(passage: AugmentedPassage, cot: bool) -> Parts:
    return [
        (question, _answer(pair, cot), ()) for pair in passage.qa for question in (pair.question, *pair.wordings[:1])
    ]


def _answer(pair: QAPair, cot: bool) -> str:
    return pair.full_answer if cot else pair.answer
