"""Question-answer pairs from a dependency parse and named entities: no language model, no templates for relations.

Called by `ParseAugmenter`. Verbs and prepositions of a question come from the passage; only its question word
comes from the type of the answer.
"""

from semoe.augment.parse.candidate import Candidate
from semoe.augment.parse.generate import candidates, question_answers
from semoe.language import load_parser

__all__ = ["Candidate", "candidates", "load_parser", "question_answers"]
