"""The augmenter `model`: a language model writes questions and rewrite; construction gives them their form.

    1  answers     spans are cut out of the passage (`spans.py`), more than are needed
    2  questions   the model writes the question that each answers
    3  round trip  the model, given passage and question, answers; only pairs whose answer comes back are kept
    4  rewrite     the model says the passage in other words; the passage itself stands in for a useless one

Each step is one greedy call of the engine for all passages of a chunk. It knows nothing of files or of
experts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from semoe.augment.checks import (
    first_answer,
    first_question,
    is_on_topic,
    is_recovered,
    question_fault,
    tidy_rewrite,
)
from semoe.augment.contract import MODEL_PAIRS, Augmentation
from semoe.augment.parse import load_parser
from semoe.augment.prompts import Prompt, answer_prompt, question_prompt, rewrite_prompt
from semoe.augment.spans import AnswerSpan, answer_spans
from semoe.datasets.augmented import QAPair
from semoe.generation.engine import Engine
from semoe.generation.request import Answer, Request
from semoe.generation.runners import rows_for
from semoe.models.model import load_model
from semoe.models.tokenizer import Tokenizer
from semoe.retrieval.passage import Passage

QUESTION_TOKENS = 40
ANSWER_TOKENS = 24
REWRITE_TOKENS = 64
"""The least; a longer passage gets 1.5 times its own tokens."""
ROWS = 32
"""Texts written at once; a GPU's kernels take more."""
SPANS_PER_PAIR = 2
"""Spans tried for each pair wanted, since a small model loses about half of them in the round trip."""


class PairDraft(NamedTuple):
    """A pair on its way."""

    row: int
    """Its passage's place in the chunk."""
    span: AnswerSpan
    question: str = ""


@dataclass(frozen=True, slots=True)
class ModelAugmenter:
    """Makes pairs and rewrites with a language model."""

    engine: Engine
    tokenizer: Tokenizer
    parser: Language
    max_pairs: int = MODEL_PAIRS

    @classmethod
    def load(cls, name: str, *, max_pairs: int = MODEL_PAIRS) -> "ModelAugmenter":
        """Loads the model and the parser."""
        model = load_model(name)
        rows = rows_for(model.decoder, None, ROWS)
        engine = Engine(model.decoder, None, eos_ids=model.tokenizer.eos_ids, max_rows=rows)
        return cls(engine, model.tokenizer, load_parser(), max_pairs)

    def augment(self, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        """See `Augmenter`."""
        docs = [self.parser(passage.text) for passage in passages]
        drafts = self._ask(passages, self._spans(passages, docs), rejected)
        kept = self._keep(drafts, self._answers(passages, drafts), rejected)
        rewrites = self._rewrites(passages, docs, rejected)
        return [
            Augmentation(rewrite, tuple(_pair(draft) for draft in kept if draft.row == index))
            for index, rewrite in enumerate(rewrites)
        ]

    def _spans(self, passages: Sequence[Passage], docs: Sequence[Doc]) -> list[PairDraft]:
        limit = SPANS_PER_PAIR * self.max_pairs
        return [
            PairDraft(index, span)
            for index, (passage, doc) in enumerate(zip(passages, docs, strict=True))
            for span in answer_spans(doc, passage.title, limit)
        ]

    def _ask(self, passages: Sequence[Passage], drafts: list[PairDraft], rejected: Counter[str]) -> list[PairDraft]:
        """Writes the question of each draft; returns those with a sound one."""
        prompts = [question_prompt(passages[draft.row], draft.span) for draft in drafts]
        written = self._write(prompts, [QUESTION_TOKENS] * len(prompts))
        asked: list[PairDraft] = []
        for draft, prompt, (text, _) in zip(drafts, prompts, written, strict=True):
            question = first_question(f"{prompt.opening}{text}")
            others = [other.question for other in asked if other.row == draft.row]
            about = f"{passages[draft.row].title} {draft.span.sentence}"
            if fault := question_fault(question, draft.span.text, about, others):
                rejected[fault] += 1
            else:
                asked.append(draft._replace(question=question))
        return asked

    def _answers(self, passages: Sequence[Passage], drafts: Sequence[PairDraft]) -> list[str]:
        prompts = [answer_prompt(passages[draft.row], draft.question) for draft in drafts]
        return [first_answer(text) for text, _ in self._write(prompts, [ANSWER_TOKENS] * len(prompts))]

    def _keep(self, drafts: Sequence[PairDraft], said: Sequence[str], rejected: Counter[str]) -> list[PairDraft]:
        """Returns the drafts whose answer came back, `max_pairs` a passage; a spare one is no rejection."""
        kept: list[PairDraft] = []
        count: Counter[int] = Counter()
        for draft, answer in zip(drafts, said, strict=True):
            if not is_recovered(answer, draft.span.text):
                rejected["not-recovered"] += 1
            elif count[draft.row] < self.max_pairs:
                count[draft.row] += 1
                kept.append(draft)
        return kept

    def _rewrites(self, passages: Sequence[Passage], docs: Sequence[Doc], rejected: Counter[str]) -> list[str]:
        limits = [max(REWRITE_TOKENS, len(self.tokenizer.encode(one.text)) * 3 // 2) for one in passages]
        rewrites: list[str] = []
        written = self._write(map(rewrite_prompt, passages), limits)
        for passage, doc, (text, is_whole) in zip(passages, docs, written, strict=True):
            rewrite = tidy_rewrite(text, is_whole=is_whole)
            if not is_on_topic(rewrite, doc):
                rejected["rewrite-off-topic"] += 1
                rewrite = passage.text
            rewrites.append(rewrite)
        return rewrites

    def _write(self, prompts: Iterable[Prompt], limits: Sequence[int]) -> list[tuple[str, bool]]:
        """Returns what the model writes after each opening, and whether it came to an end by itself."""
        requests = [
            Request(prompt=self._tokens(prompt), max_new_tokens=limit)
            for prompt, limit in zip(prompts, limits, strict=True)
        ]
        return [self._text(answer) for answer in self.engine.generate(requests)] if requests else []

    def _tokens(self, prompt: Prompt) -> tuple[int, ...]:
        return tuple(self.tokenizer.chat(prompt.messages, prompt.opening))

    def _text(self, answer: Answer) -> tuple[str, bool]:
        return self.tokenizer.decode(answer.tokens), answer.finish != "length"


def _pair(draft: PairDraft) -> QAPair:
    return QAPair(question=draft.question, answer=draft.span.text, full_answer=draft.span.sentence)
