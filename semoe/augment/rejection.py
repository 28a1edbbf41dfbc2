"""Why a question-answer pair or a rewrite was not kept: the closed list that reports and metrics count by.

Both augmenters draw from it. The list is append-only: a reason keeps its spelling for good.
"""

from typing import Literal, get_args

Reason = Literal[
    "answer-not-in-passage",
    "no-question",
    "question-holds-answer",
    "not-recovered",
    "duplicate-question",
    "rewrite-off-topic",
    "answer-in-question",
    "answer-too-long",
    "answer-empty",
    "pronoun-answer",
    "question-length",
    "question-off-topic",
]

REASONS: tuple[Reason, ...] = get_args(Reason)
