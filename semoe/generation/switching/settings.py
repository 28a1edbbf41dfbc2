"""How an answer may retrieve while it is written; the names are the published ones."""

import math
from dataclasses import dataclass

from semoe.errors import UsageError, unknown_name

SOLVERS = ("avg", "max", "min", "first")


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchSettings:
    """Part of a plan, of a published config, and of the verb `inference`.

    Raises:
        UsageError: a value that is out of range or unknown; the message names it.

    Example:
        >>> import semoe
        >>> semoe.SwitchSettings(method="dragin", query_formulation="real_words").max_switches
        8
    """

    method: str = "token"
    query_formulation: str = "direct"
    hallucination_threshold: float = 0.1
    """A sentence strictly above it is doubted: 0 to 1; `dragin` has its own scale (published: 0.6 to 1.5)."""
    sentence_solver: str = "avg"
    """How the probabilities of a sentence's entities become one: avg, max, min."""
    entity_solver: str = "avg"
    """How the log-probabilities of an entity's tokens become one: avg, max, min, first."""
    entityless: str = "tokens"
    """A sentence without entities: `tokens` looks at its content words, `skip` (published) never doubts it."""
    after_retrieval: str = "judge"
    """What is written after a retrieval: `judge` looks at it as at the rest, `accept` (published) takes all of it.

    For methods that doubt names or tokens. `dragin` accepts its first sentence either way, as published.
    """
    closing: str = "any"
    """When the words "the answer is" end the search: `any` counts capitals and what stands there before a retrieval,
    `published` small letters alone, after a retrieval."""
    retrieve_topk: int = 3
    retrieve_keep_top_k: int = 35
    """Tokens or words that the query formulations last_n_tokens and real_words keep."""
    retrieve_keep_ratio: float | None = None
    """real_words: a share of the words in place of a number of them; None: `retrieve_keep_top_k`."""
    check_real_words: bool = False
    """dragin: whether a doubted word must carry meaning to shape the query."""
    fix_length: int = 16
    """fix-length-retrieval: tokens between two retrievals."""
    generate_max_length: int = 64
    """Tokens of a whole answer."""
    max_switches: int = 8
    """Retrievals of one answer; then it is written to its end."""
    missing: str = "skip"
    """A passage without an expert: `icl` puts it into the prompt, `skip` leaves it, `train` makes its expert."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("sentence_solver", self.sentence_solver, SOLVERS[:3]),
            ("entity_solver", self.entity_solver, SOLVERS),
            ("entityless", self.entityless, ("tokens", "skip")),
            ("after_retrieval", self.after_retrieval, ("judge", "accept")),
            ("closing", self.closing, ("any", "published")),
            ("missing", self.missing, ("icl", "skip", "train")),
        ):
            if value not in known:
                raise unknown_name(name, value, known)
        if not math.isfinite(self.hallucination_threshold):
            said = f"hallucination_threshold must be a finite number, not {self.hallucination_threshold}."
            raise UsageError(said, kind="bad-value")
        if self.retrieve_keep_ratio is not None and not 0 < self.retrieve_keep_ratio <= 1:
            said = f"retrieve_keep_ratio must be above 0 and at most 1, not {self.retrieve_keep_ratio}."
            raise UsageError(said, kind="bad-value")
        for name in ("retrieve_topk", "retrieve_keep_top_k", "fix_length", "generate_max_length", "max_switches"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be 1 or more, not {getattr(self, name)}.", kind="bad-value")
