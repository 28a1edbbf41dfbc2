"""Question-answer pairs from a dependency parse and named entities: no language model, no templates for relations."""

from semoe.augment.parse.facts import Candidate
from semoe.augment.parse.generate import candidates, load_parser, question_answers

__all__ = ["Candidate", "candidates", "load_parser", "question_answers"]
