"""What the loop saw, as its trace keeps it."""

from collections.abc import Sequence

from semoe.generation.switching.methods import Doubt
from semoe.generation.switching.requests import Prepared, Requests
from semoe.generation.switching.row import Row, Search
from semoe.generation.switching.trace import Answered, Probability, Switch, TracedPassage
from semoe.retrieval.passage import Retrieved


def probabilities_of(sentence: str, doubt: Doubt | None) -> tuple[Probability, ...]:
    """Returns what was looked at in a doubted sentence."""
    if doubt is None:
        return ()
    spans = [(one, one.span.moved(-doubt.sentence.start)) for one in doubt.mentions]
    return tuple(
        Probability(text=span.of(sentence), start=span.start, p=one.p, is_hit=one in doubt.hits) for one, span in spans
    )


def found_passage(hit: Retrieved, requests: Requests, prepared: Prepared) -> TracedPassage:
    """Returns a retrieved passage as the trace keeps it."""
    passage = hit.passage
    key = requests.key(hit)
    return TracedPassage(
        id=passage.id,
        title=passage.title,
        text=passage.text,
        score=hit.score,
        key=key,
        has_expert=key not in prepared.missing,
    )


def trace_of(
    search: Search, hits: Sequence[Retrieved], prepared: Prepared, requests: Requests, *, milliseconds: float, note: str
) -> Switch:
    """Returns what a retrieval was and did.

    Args:
        search: what was asked, and why.
        hits: what was found.
        prepared: what was made of it.
        requests: who made it.
        milliseconds: that the search took.
        note: why nothing changed; empty where something did.
    """
    return Switch(
        position=len(search.text),
        token=len(search.row.accepted),
        sentence=search.sentence,
        value=search.doubt.value if search.doubt else 0.0,
        probabilities=probabilities_of(search.sentence, search.doubt),
        query=search.query,
        passages=tuple(found_passage(hit, requests, prepared) for hit in hits),
        experts=prepared.experts,
        dropped_passages=prepared.dropped_passages,
        retrieve_ms=milliseconds,
        note=note,
    )


def answered_of(row: Row, text: str, max_length: int) -> Answered:
    """Returns a row that has come to its end, with its text; it might have had `max_length` tokens."""
    is_cut = row.stopped == "context" and not row.too_long
    return Answered(
        text=text,
        tokens=tuple(row.accepted),
        switches=tuple(row.switches),
        counters=row.counters,
        num_experts=len(row.prepared.experts),
        stopped=row.stopped,
        cut_tokens=max_length - len(row.accepted) if is_cut else 0,
        too_long=row.too_long,
    )
