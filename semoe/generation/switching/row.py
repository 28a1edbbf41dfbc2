"""One answer while it is being written: what is accepted, with which passages, and what happened so far."""

from dataclasses import dataclass, field

from semoe.generation.switching.methods import Doubt
from semoe.generation.switching.trace import Counters, Switch
from semoe.retrieval.passage import Retrieved


@dataclass(slots=True)
class Row:
    """A question in hand."""

    index: int
    question: str
    accepted: list[int] = field(default_factory=list)
    """Tokens of the answer that stay, whatever comes."""
    passages: tuple[Retrieved, ...] = ()
    """Of the last retrieval: in the prompt, as experts, or both."""
    experts: tuple[str, ...] = ()
    """Keys of the loaded experts."""
    trusts_first: bool = False
    """Whether the next draft's first sentence is accepted as it comes."""
    switches: list[Switch] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    is_closing: bool = False
    """Whether the accepted text says what the answer is: then it is written to its end without another retrieval."""
    stopped: str = ""
    """The guard that bounded it."""
    is_cut: bool = False
    """Whether the model's context has less room for the draft in hand than it should have."""
    too_long: int = 0
    """Tokens of a first prompt that left no room for an answer."""
    seen: set[tuple[int, frozenset[str]]] = field(default_factory=set)
    """Places and the passages that were tried there."""

    def is_new(self, found: tuple[Retrieved, ...]) -> bool:
        """Whether these passages are others than now, and were not tried at this place before."""
        ids = frozenset(hit.passage.id for hit in found)
        tried = (len(self.accepted), ids)
        if not ids or ids == frozenset(hit.passage.id for hit in self.passages) or tried in self.seen:
            return False
        self.seen.add(tried)
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What a row waits for: passages for a query."""

    row: Row
    query: str
    text: str = ""
    """The accepted text."""
    sentence: str = ""
    """What was doubted, or written last."""
    doubt: Doubt | None = None
    """None: the question itself is the query."""
