"""Teaches a text: its passages are indexed, augmented, trained and stored, by the same stages as a corpus's."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import orjson

from semoe.datasets.keys import passage_key
from semoe.files import write_bytes
from semoe.models.model import Model
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages.augment import augmented, augmenter_for
from semoe.stages.encode import Encoding
from semoe.stages.index import ensure_index
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import unaugmented
from semoe.store.objects import Objects
from semoe.store.opened import make_space
from semoe.telemetry.progress import progress

RUN = "taught"
"""Names the commits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    """What became of a text."""

    passages: int
    pairs: int
    """Questions with answers that were made of the passages."""
    experts: int
    """Passages that have an expert now."""
    already_there: int
    """Of them, those that had one before."""
    where: RetrievalConfig
    """The index of the passages."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage, by its name."""


def teach(
    model: Model,
    recipe: Recipe,
    passages: Sequence[Passage],
    objects: Objects,
    retriever: str,
    where: RetrievalConfig,
    *,
    tokens_per_step: int | None = None,
) -> Taught:
    """Makes an index of passages, and an expert for each that gives something to learn.

    Args:
        model: the base model.
        recipe: of the experts.
        passages: of a text.
        objects: the store that takes the experts.
        retriever: whose index is made.
        where: where indexes are; this text gets one of its own there, named by its digest.
        tokens_per_step: tokens trained at once; None: what is best on the device.

    Raises:
        UsageError: store or index cannot be written.
        TransientError: the store does not answer, or the disk is full.
    """
    clock = _Clock()
    own = _indexed(passages, retriever, where)
    clock.stop("index")
    augmenter = augmenter_for(recipe.augmented_by, recipe.preset)
    made = augmented(augmenter, [unaugmented(one) for one in passages])
    clock.stop("augment")
    store = make_space(objects, recipe.space(model), recipe.layout(model))
    by_key = {passage_key(one.title, one.passage): one for one in made}
    # An expert that is there is as good, whichever pairs it learnt.
    work = Encoding.of(model, recipe, by_key, store, cure=None)
    with progress("train", len(work.missing), "experts") as advance:
        done = work.train(run=RUN, tokens_per_step=tokens_per_step, advance=clock.ticking("train", advance))
    store.barren.add(done.without_pairs, run=RUN)
    clock.stop("store")
    return Taught(
        passages=len(passages),
        pairs=sum(len(one.qa) for one in by_key.values()),
        experts=sum(key in store for key in by_key),
        already_there=work.num_found,
        where=own,
        seconds=clock.seconds,
    )


def _indexed(passages: Sequence[Passage], retriever: str, where: RetrievalConfig) -> RetrievalConfig:
    """Indexes the passages as any corpus: from a file in JSON Lines, which stays beside the index."""
    lines = [orjson.dumps({"id": one.id, "title": one.title, "text": one.text}) + b"\n" for one in passages]
    name = f"taught-{sha256(b''.join(lines)).hexdigest()[:12]}"
    corpus = where.index_dir / f"{name}.jsonl"
    write_bytes(corpus, *lines)
    own = replace(where, index_name=name)
    ensure_index(str(corpus), retriever, own)
    return own


class _Clock:
    """Seconds of one stage after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def stop(self, stage: str) -> None:
        """Ends a stage; the next begins."""
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now

    def ticking(self, stage: str, advance: Callable[[float], None]) -> Callable[[float], None]:
        """Returns an `advance` with which the stage lasts until it was called last."""

        def ticked(done: float) -> None:
            self.stop(stage)
            advance(done)

        return ticked
