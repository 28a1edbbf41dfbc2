"""What the loop saw, as its trace keeps it."""

from semoe.generation.switching.methods import Doubt
from semoe.generation.switching.requests import Prepared, Requests
from semoe.generation.switching.trace import Probability, TracedPassage
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
