"""One answer while it is being written: what is accepted, with which passages, and what happened so far."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from semoe.generation.request import Answer
from semoe.generation.running import Running
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.methods import Doubt
from semoe.generation.switching.requests import Prepared
from semoe.generation.switching.trace import Counters, Switch
from semoe.language.reader import Reading
from semoe.retrieval.passage import Retrieved


@dataclass(frozen=True, slots=True)
class Look:
    """A draft as it was when one of its sentences had ended, or to its end: what is judged."""

    answer: Answer
    draft: Draft
    """The same as text; without its sentences."""
    is_whole: bool
    """Whether nothing will be written behind it."""
    reading: "Future[Reading | None]"
    """Done once it may be judged."""


@dataclass(slots=True)
class Row:
    """A question in hand."""

    index: int
    question: str
    accepted: list[int] = field(default_factory=list)
    """Tokens of the answer that stay, whatever comes."""
    base: int = 0
    """Those of them that were accepted before the draft in hand was begun."""
    ticket: int | None = None
    """The engine's number of the draft in hand while it is being written."""
    paused: Running | None = None
    """The draft in hand, while a doubt about it is looked into before its end."""
    looks: deque[Look] = field(default_factory=deque)
    """Of the draft in hand, one behind the other; each is judged once it is read."""
    judged: Look | None = None
    """The last one."""
    waits: bool = False
    """Whether passages are searched for it; nothing is judged meanwhile."""
    trusted: int = 0
    """Characters of the draft in hand that are not judged again."""
    num_looked: int = 0
    """Its tokens that were looked through for the end of a sentence."""
    num_counted: tuple[int, int] = (0, 0)
    """Its tokens and sentences that the counters have."""
    passages: tuple[Retrieved, ...] = ()
    """Of the last retrieval: in the prompt, as experts, or both."""
    prepared: Prepared = field(default_factory=lambda: Prepared(request=None))
    """What they made of its last request."""
    trusts_first: bool = False
    """Whether the first sentence of the draft in hand is accepted as it comes."""
    switches: list[Switch] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    is_closing: bool = False
    """Whether the accepted text says what the answer is, or what follows a retrieval is accepted as it comes.

    Then the answer is written to its end without another retrieval.
    """
    stopped: str = ""
    """The guard that bounded it."""
    is_cut: bool = False
    """Whether the model's context has less room for the draft in hand than it should have."""
    too_long: int = 0
    """Tokens of a first prompt that left no room for an answer."""
    seen: set[tuple[int, frozenset[str]]] = field(default_factory=set)
    """Places and the passages that were tried there."""

    def begin_draft(self, *, trusts_first: bool) -> None:
        """Begins a draft behind what is accepted."""
        self.base = len(self.accepted)
        self.paused = None
        self.looks.clear()
        self.judged = None
        self.trusted = 0
        self.num_looked = 0
        self.num_counted = (0, 0)
        self.trusts_first = trusts_first
        self.counters.generate += 1

    def accept(self, tokens: Sequence[int]) -> None:
        """Accepts the first tokens of the draft in hand."""
        self.accepted[self.base :] = tokens

    def count(self, num_tokens: int, num_sentences: int) -> None:
        """Counts what of the draft in hand is not counted yet."""
        tokens, sentences = self.num_counted
        self.counters.token += max(0, num_tokens - tokens)
        self.counters.sentence += max(0, num_sentences - sentences)
        self.num_counted = max(tokens, num_tokens), max(sentences, num_sentences)

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
