"""A question with its accepted answers: what every dataset loader yields."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question of a benchmark."""

    qid: str
    """The benchmark's own id; position as a string where it has none."""
    test_id: int
    """Position in the whole loaded file, from 0."""
    question: str
    answers: tuple[str, ...]
    """Accepted answers: the answer first, then its aliases; never empty."""
    type: str | None = None
    """`comparison`, `bridge`, …; None where the benchmark has no types."""
    golden_passages: tuple[str, ...] = ()
    """Texts of the supporting passages, where the benchmark gives them."""
    golden_titles: tuple[str, ...] = ()
    """Titles of the articles that answer it, where the benchmark names them: what a retriever should find."""
