"""The augmenter `parse`: rules over a dependency parse, no language model, milliseconds a passage.

The pairs are `parse/`'s. The rewrite is no paraphrase: it is the passage's sentences, each about the title
by name.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spacy.language import Language

from semoe.augment.contract import PARSE_PAIRS, Augmentation
from semoe.augment.parse import load_parser, question_answers
from semoe.augment.restate import restated_sentences
from semoe.retrieval.passage import Passage


@dataclass(frozen=True, slots=True)
class ParseAugmenter:
    """Makes pairs by rule."""

    parser: Language
    max_pairs: int = PARSE_PAIRS
    seed: int = 0

    @classmethod
    def load(cls, *, max_pairs: int = PARSE_PAIRS, seed: int = 0) -> "ParseAugmenter":
        """Loads the parser."""
        return cls(load_parser(), max_pairs, seed)

    def augment(self, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        """See `Augmenter`."""
        return [self._augment(passage, rejected) for passage in passages]

    def _augment(self, passage: Passage, rejected: Counter[str]) -> Augmentation:
        # The same seed for every passage: what becomes of it must not depend on its place in the run.
        qa = question_answers(
            self.parser,
            passage.title,
            passage.text,
            max_pairs=self.max_pairs,
            seed=self.seed,
            rejected=rejected,
        )
        rewrite = " ".join(restated_sentences(self.parser(passage.text), passage.title))
        return Augmentation(rewrite or passage.text, qa)
