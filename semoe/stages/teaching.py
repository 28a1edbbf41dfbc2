"""Teaches passages: they are indexed, augmented, trained and stored, by the same stages as a corpus's."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import orjson

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.files import write_bytes
from semoe.models.model import Model
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages.augment import augmented, augmenter_for
from semoe.stages.encode import Encoded, Encoding
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


def train_experts(
    model: Model,
    recipe: Recipe,
    passages: Sequence[Passage],
    objects: Objects,
    *,
    tokens_per_step: int | None = None,
) -> Encoded:
    """Trains one expert for each passage that gives something to learn, and publishes it; those that are there stay.

    A passage is augmented, and its pairs are learnt by a LoRA of its own: a flat vector of N float32 numbers in the
    store, keyed by the passage (`semoe.datasets.keys`). So PRAG (arXiv 2501.15915) trains them; here many at a time.

    Args:
        model: the base model.
        recipe: of the experts: how they are augmented and trained.
        passages: about 100 words each.
        objects: the store (`open_store`) that takes them, in the recipe's space.
        tokens_per_step: tokens trained at once: memory and speed, not the result. None: what is best on the device.

    Raises:
        UsageError: the store cannot be written, or spaCy is not installed, which the preset `semoe` augments with.
        TransientError: the store does not answer, or the disk is full.

    Example:
        >>> import semoe
        >>> model = semoe.load_model("smollm2")
        >>> passage = semoe.Passage("1", "Aino Kivi (born 3 May 1950 in Turku) is a Finnish painter.", "Aino Kivi")
        >>> recipe = semoe.Recipe.of("smollm2", "quick.toml")  # or "semoe", which trains longer
        >>> made = semoe.train_experts(model, recipe, [passage], semoe.open_store("store"))
        >>> made.published.trained.num_experts, made.num_found
        (1, 0)
    """
    return _trained(model, recipe, _with_pairs(recipe, passages), objects, tokens_per_step, lambda experts: None)


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
    own = index_passages(passages, retriever, where)
    clock.stop("index")
    by_key = _with_pairs(recipe, passages)
    clock.stop("augment")
    with progress("train", len(by_key), "experts") as advance:
        done = _trained(model, recipe, by_key, objects, tokens_per_step, clock.ticking("train", advance))
    clock.stop("store")
    return Taught(
        passages=len(passages),
        pairs=sum(len(one.qa) for one in by_key.values()),
        experts=done.num_found + done.published.trained.num_experts,
        already_there=done.num_found,
        where=own,
        seconds=clock.seconds,
    )


def _with_pairs(recipe: Recipe, passages: Sequence[Passage]) -> dict[str, AugmentedPassage]:
    """Returns the passages with what their experts learn, by key."""
    augmenter = augmenter_for(recipe.augmented_by, recipe.preset)
    made = augmented(augmenter, [unaugmented(one) for one in passages])
    return {passage_key(one.title, one.passage): one for one in made}


def _trained(
    model: Model,
    recipe: Recipe,
    passages: Mapping[str, AugmentedPassage],
    objects: Objects,
    tokens_per_step: int | None,
    advance: Callable[[float], None],
) -> Encoded:
    store = make_space(objects, recipe.space(model), recipe.layout(model))
    # An expert that is there is as good, whichever pairs it learnt.
    work = Encoding.of(model, recipe, passages, store, cure=None)
    done = work.train(run=RUN, tokens_per_step=tokens_per_step, advance=advance)
    store.barren.add(done.without_pairs, run=RUN)
    return done


def index_passages(passages: Sequence[Passage], retriever: str, where: RetrievalConfig) -> RetrievalConfig:
    """Makes an index of passages, as of any corpus: from a file in JSON Lines, which stays beside it.

    Args:
        passages: to be found.
        retriever: whose index: a name that `open_retriever` knows, such as bm25 or bm25+dense.
        where: the folder of indexes; this one is named by a digest of its passages, and is not made twice.

    Returns:
        Where the index is, for `open_retriever`.

    Raises:
        UsageError: no such retriever, or the folder cannot be written.
        TransientError: the disk is full, or Elasticsearch does not answer.

    Example:
        >>> import semoe
        >>> passage = semoe.Passage("1", "Aino Kivi (born 3 May 1950 in Turku) is a Finnish painter.", "Aino Kivi")
        >>> where = semoe.index_passages([passage], "bm25", semoe.RetrievalConfig())
        >>> [[hit.passage.title for hit in hits] for hits in semoe.open_retriever("bm25", where).search(["Turku?"], 3)]
        [['Aino Kivi']]
    """
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
