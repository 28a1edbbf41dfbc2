"""What an augmenter is: its contract, its settings, and what it gives back.

An augmenter makes, of each passage, a rewrite and question-answer pairs. What it makes of a passage depends
on that passage and its settings alone, not on its neighbours. It knows nothing of questions asked, files or
progress: `published/augment_file.py` does. Every module of augmentation may import this one; it knows none of them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from semoe.datasets.augmented import QAPair
from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

PROMPTS_VERSION = 1
"""Of `prompts.py`; it stands here so that settings are known without loading a model."""
RULES_VERSION = 2
"""Of `parse/`: raised when its rules give other pairs, so that no expert of the old ones is reused."""
PARSE_PAIRS = 8
"""Pairs a passage that `parse` makes where nobody says: those of the preset `semoe`."""
MODEL_PAIRS = 3
"""The same of `model`: the published count."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What was made of one passage."""

    rewrite: str
    qa: tuple[QAPair, ...]


class Augmenter(Protocol):
    """Makes rewrites and question-answer pairs."""

    def augment(self, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        """Returns one augmentation a passage, in order; adds to `rejected`, by reason, what was not kept."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentSettings:
    """Which augmenter, and how."""

    augmenter: str = "parse"
    """A name of `augmenter.augmenters`."""
    model: str = "smollm2"
    """The language model of `model`; `parse` uses none."""
    max_pairs: int | None = None
    """Pairs kept a passage; None: `PARSE_PAIRS` or `MODEL_PAIRS`."""
    seed: int = 0
    """Decides the second wordings of `parse`; `model` is greedy and draws nothing."""

    def __post_init__(self) -> None:
        if self.max_pairs is not None and self.max_pairs < 1:
            raise UsageError(f"max_pairs must be 1 or more, not {self.max_pairs}.", kind="bad-value")

    def as_dict(self) -> dict[str, Any]:
        """Returns what decides the output, for the journal and the report."""
        settings = asdict(self)
        if self.augmenter == "parse":
            del settings["model"]
        return settings | {"version": augmentation_version(self.augmenter)}


def augmentation_version(augmenter: str) -> int:
    """Returns the version of what an augmenter makes of the same passage; it decides the expert space too."""
    return RULES_VERSION if augmenter == "parse" else PROMPTS_VERSION
