"""How an answer may retrieve while it is written; the names are the published ones."""

import math
from dataclasses import dataclass

from semoe.errors import UsageError, unknown_name

SOLVERS = ("avg", "max", "min", "first")


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchSettings:
    """Part of a plan, of a published config, and of the verb `inference`."""

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
    retrieve_topk: int = 3
    retrieve_keep_top_k: int = 35
    """Tokens or words that the query formulations last_n_tokens and real_words keep."""
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
            ("missing", self.missing, ("icl", "skip", "train")),
        ):
            if value not in known:
                raise unknown_name(name, value, known)
        if not math.isfinite(self.hallucination_threshold):
            said = f"hallucination_threshold must be a finite number, not {self.hallucination_threshold}."
            raise UsageError(said, kind="bad-value")
        for name in ("retrieve_topk", "retrieve_keep_top_k", "fix_length", "generate_max_length", "max_switches"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be 1 or more, not {getattr(self, name)}.", kind="bad-value")
