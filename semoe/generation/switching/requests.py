"""What retrieved passages do to a request: into the prompt, as experts, or both. `semoe.stages.requests` does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from semoe.generation.request import Request
from semoe.retrieval.passage import Retrieved


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A request with what was put into it."""

    request: Request | None
    """None: there is no room left in the answer or in the model's context."""
    experts: tuple[str, ...] = ()
    """Keys of its experts."""
    missing: frozenset[str] = frozenset()
    """Keys of passages that have none."""
    dropped_passages: int = 0
    """Left out because the context would overflow."""
    cut_tokens: int = 0
    """By so many tokens its answer is bounded more tightly than was asked for, because the context has no more."""
    num_tokens: int = 0
    """Of its prompt."""


class Requests(Protocol):
    """Makes requests."""

    def prefetch(self, found: Sequence[Retrieved]) -> None:
        """Gets ready what these passages will need; called from the retrieving thread."""
        ...

    def request(self, question: str, passages: Sequence[Retrieved], accepted: Sequence[int], length: int) -> Prepared:
        """Makes a request that goes on from the accepted tokens for at most `length` more."""
        ...

    def key(self, hit: Retrieved) -> str:
        """Returns the key of a passage's expert."""
        ...
