"""From an augmented passage to the sequences that its expert learns.

Compositions: `published` is PRAG's five sequences (the first ⌈n/2⌉ pairs each with the passage and with its rewrite,
the others closed-book); `closed-book` is every pair alone, in each of its wordings.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from semoe.datasets.augmented import AugmentedPassage, QAPair
from semoe.experts.preset import SequenceSettings
from semoe.prompts.exemplars import Exemplar
from semoe.prompts.rendering import ChatTokenizer, TrainingSequence, training_sequence
from semoe.prompts.template import load_template

MAX_TOKENS = 3000
"""The published limit of a sequence; what is longer is cut on the right."""


def whole_sequences(
    tokenizer: ChatTokenizer,
    passage: AugmentedPassage,
    settings: SequenceSettings,
    *,
    exemplars: Sequence[Exemplar] = (),
    cot: bool = False,
) -> list[TrainingSequence]:
    """Returns the sequences of one passage in training order, however long they are; empty when it has no pairs."""
    template = load_template(settings.template)
    return [
        training_sequence(tokenizer, template, question, answer, context, exemplars=exemplars, cot=cot)
        for question, answer, context in _parts(passage, settings, cot)
    ]


def bounded(whole: Iterable[TrainingSequence]) -> list[TrainingSequence]:
    """Returns sequences as they are learnt, cut at `MAX_TOKENS`.

    One that is cut before its answer would have nothing to learn and goes.
    """
    return [TrainingSequence(s.tokens[:MAX_TOKENS], s.loss_from) for s in whole if s.loss_from < MAX_TOKENS]


@dataclass(frozen=True, kw_only=True, slots=True)
class TooLong:
    """How many sequences of some passages were too long."""

    num_cut: int = 0
    """Their answers lost what stood beyond `MAX_TOKENS`."""
    num_left_out: int = 0
    """Their answers began beyond it: nothing of them was learnt."""
    num_beyond_context: int = 0
    """Learnt, though longer than the model's context: at places that the model was not made for."""

    @classmethod
    def of(cls, whole: Iterable[TrainingSequence], context: int) -> "TooLong":
        """Counts, given a model's context in tokens."""
        sequences = list(whole)
        return cls(
            num_cut=sum(len(s.tokens) > MAX_TOKENS > s.loss_from for s in sequences),
            num_left_out=sum(s.loss_from >= MAX_TOKENS for s in sequences),
            num_beyond_context=sum(len(s.tokens) > context for s in bounded(sequences)),
        )

    def __add__(self, other: "TooLong") -> "TooLong":
        """Returns the sums."""
        return TooLong(
            num_cut=self.num_cut + other.num_cut,
            num_left_out=self.num_left_out + other.num_left_out,
            num_beyond_context=self.num_beyond_context + other.num_beyond_context,
        )

    def told(self, context: int) -> str | None:
        """Returns a sentence with the cure; None where none was too long."""
        parts = [
            (self.num_cut, f"were cut at {MAX_TOKENS} tokens, in their answers"),
            (self.num_left_out, f"were left out, as their answers begin beyond {MAX_TOKENS} tokens"),
            (self.num_beyond_context, f"are longer than the model's context of {context} tokens"),
        ]
        said = ", ".join(f"{count} {words}" for count, words in parts if count)
        cure = "To mend it, index shorter passages, leave out --with_cot or take a model with a longer context."
        return f"Of the sequences that experts learn {said}. {cure}" if said else None


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
