"""What of questions and answers a model's context had no room for: of one answer, and summed up over many.

Kept with each answer, so that no score is read as one with passages that the model never saw.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

NAMED = 3
"""Questions that a sentence names one by one."""


class Fit(NamedTuple):
    """What of one question and its answer did not fit; zeros where all did. Stands in its record under these names."""

    dropped_passages: int = 0
    """Left out of its prompts, the last-ranked first; a method that retrieves on its way: summed over its switches."""
    cut_tokens: int = 0
    """The answer ended so many tokens before the length that was asked for, because the context was full."""
    too_long: int = 0
    """Tokens of the prompt without any passage, where even that left no room: nothing was asked, the answer is
    empty."""


ALL_FITS = Fit()


@dataclass(frozen=True, kw_only=True, slots=True)
class Overflow:
    """The same over many questions."""

    short_of_passages: int = 0
    """Questions that lost passages."""
    dropped_passages: int = 0
    """Which they lost, all together."""
    cut_answers: int = 0
    """Answers that ended because the context was full."""
    not_asked: int = 0
    """Questions that did not fit even without passages; their answers are empty."""

    @classmethod
    def of(cls, fits: Iterable[Fit]) -> "Overflow":
        """Sums up."""
        found = list(fits)
        return cls(
            short_of_passages=sum(one.dropped_passages > 0 for one in found),
            dropped_passages=sum(one.dropped_passages for one in found),
            cut_answers=sum(one.cut_tokens > 0 for one in found),
            not_asked=sum(one.too_long > 0 for one in found),
        )

    def __bool__(self) -> bool:
        """Whether anything did not fit."""
        return bool(self.dropped_passages or self.cut_answers or self.not_asked)

    def sentence(self, num_questions: int) -> str:
        """Says it, without a full stop."""
        parts = [
            f"{_questions(self.short_of_passages)} of {num_questions} lost {_many(self.dropped_passages, 'passage')}",
            f"{_many(self.cut_answers, 'answer')} ended because the context was full",
            f"{_questions(self.not_asked)} did not fit even without passages and got an empty answer",
        ]
        counts = (self.dropped_passages, self.cut_answers, self.not_asked)
        return ", ".join(part for part, count in zip(parts, counts, strict=True) if count)


def read_fit(record: Mapping[str, Any]) -> Fit:
    """Reads a record's; an earlier version wrote none."""
    return Fit(*(int(record.get(name, 0)) for name in Fit._fields))


def told(fits: Sequence[tuple[str, Fit]], context: int) -> str | None:
    """Returns one line on all questions of a piece of work, with the cure; None where all fitted.

    Args:
        fits: each question's name and what of it did not fit.
        context: tokens of the model's context.
    """
    overflow = Overflow.of(fit for _, fit in fits)
    if not overflow:
        return None
    long = [f"{name} has {fit.too_long} tokens" for name, fit in fits if fit.too_long]
    named = "; ".join(long[:NAMED]) + (f"; and {len(long) - NAMED} more" if len(long) > NAMED else "")
    cures = [
        ("take fewer (topk) or shorter passages", overflow.dropped_passages),
        (
            "ask for shorter answers (max_new_tokens, with a method generate_max_length)",
            overflow.dropped_passages or overflow.cut_answers,
        ),
        ("shorten these questions or leave out worked examples", overflow.not_asked),
        ("or take a model with a longer context", True),
    ]
    cure = ", ".join(words for words, holds in cures if holds)
    said = f"{overflow.sentence(len(fits))}{f' ({named})' if named else ''}"
    return f"The model's context of {context} tokens was too short: {said}. To mend it, {cure}."


def _questions(count: int) -> str:
    return _many(count, "question")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
