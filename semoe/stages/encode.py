"""Stage `encode`: the experts of passages that a store lacks are trained and published; the others are left alone.

What the store has is not trained again, whoever trained it, so work that was stopped goes on where it stood. Called by
the verb `encode`, by a shard of a run, and where a passage found while answering has no expert yet.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from semoe.datasets.augmented import AugmentedPassage
from semoe.models.model import Model
from semoe.stages.learnt import require_same_pairs
from semoe.stages.recipe import Recipe
from semoe.stages.train import Keyed, SetsAside, Stop, Trained, train
from semoe.store.barren import NO_PAIRS, NO_SEQUENCE
from semoe.store.expert_store import ExpertStore
from semoe.store.producer import Producer
from semoe.store.times import COMMIT_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What training some passages came to."""

    trained: Trained
    num_published: int
    """Fewer than were trained where somebody else published the same passage meanwhile."""
    num_bytes: int
    """Published."""
    without_sequences: Mapping[str, str]
    """Passages whose pairs leave nothing to learn, by key, and why."""
    seconds: float
    """Of training and publishing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """What became of some passages."""

    num_passages: int
    num_found: int
    """Those whose expert was in the store already."""
    without_pairs: Mapping[str, str]
    """Those that give nothing to learn, by key, and why: they get no expert."""
    published: Published
    """Of those that were missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """Some passages, the space that their experts belong to, and those of them that it lacks."""

    model: Model
    recipe: Recipe
    passages: Mapping[str, AugmentedPassage]
    """With rewrite and pairs, by key."""
    missing: Mapping[str, AugmentedPassage]
    """Those with pairs and without an expert."""
    empty: Sequence[str]
    """Keys of those with neither."""
    num_found: int
    """Those with an expert, when this was made."""
    store: ExpertStore
    elsewhere: Callable[[], Iterable[AugmentedPassage]]
    cure: str | None

    @classmethod
    def of(
        cls,
        model: Model,
        recipe: Recipe,
        passages: Mapping[str, AugmentedPassage],
        store: ExpertStore,
        *,
        cure: str | None,
        elsewhere: Callable[[], Iterable[AugmentedPassage]] = lambda: (),
    ) -> "Encoding":
        """Sees what a space lacks.

        Args:
            model: the base model.
            recipe: how experts are trained.
            passages: with rewrite and pairs, by key.
            store: of the recipe's space.
            cure: what the user can do where an expert learnt other pairs than its passage has now; None: such an
                expert is as good.
            elsewhere: where the same passages may stand with other pairs; see `require_same_pairs`.

        Raises:
            UsageError: an expert learnt other pairs than its passage has now.
            TransientError: the store does not answer.
        """
        if cure is not None:
            require_same_pairs(store, recipe, passages, elsewhere, cure=cure)
        absent = {key: one for key, one in passages.items() if key not in store}
        return cls(
            model=model,
            recipe=recipe,
            passages=passages,
            missing={key: one for key, one in absent.items() if one.qa},
            empty=[key for key, one in absent.items() if not one.qa],
            num_found=len(passages) - len(absent),
            store=store,
            elsewhere=elsewhere,
            cure=cure,
        )

    def train(
        self,
        *,
        run: str,
        shard: int = 0,
        commit_seconds: float = COMMIT_SECONDS,
        tokens_per_step: int | None = None,
        stop: Stop = lambda: False,
        advance: Callable[[float], None] = lambda experts: None,
        set_aside: SetsAside | None = None,
    ) -> Encoded:
        """Trains what is missing, and publishes it as it goes; what is finished when work ends is kept.

        Args:
            run: names the commits.
            shard: the same, within a run.
            commit_seconds: publish at least so often; 0: each expert at once.
            tokens_per_step: tokens trained at once; memory and speed, not result. None: what is best on the device.
            stop: asked after each step; True ends the work once the batch in hand is finished.
            advance: told after each step how much was done, in experts.
            set_aside: hears of a passage whose training fails, and the work goes on; None: it ends.

        Raises:
            UsageError: somebody trained one of these passages meanwhile, with other pairs.
            TransientError: the disk is full, or the store does not answer.
        """
        done = train_and_publish(
            self.model,
            self.recipe,
            self.missing.items(),
            self.store,
            run=run,
            shard=shard,
            commit_seconds=commit_seconds,
            tokens_per_step=tokens_per_step,
            stop=stop,
            advance=advance,
            set_aside=set_aside,
        )
        if self.cure is not None:
            # Of two who train a passage at the same time the first is kept: it must have learnt the same.
            require_same_pairs(self.store, self.recipe, self.missing, self.elsewhere, cure=self.cure)
        return Encoded(
            num_passages=len(self.passages),
            num_found=self.num_found,
            without_pairs={**dict.fromkeys(self.empty, NO_PAIRS), **done.without_sequences},
            published=done,
        )


def train_and_publish(
    model: Model,
    recipe: Recipe,
    passages: Iterable[Keyed],
    store: ExpertStore,
    *,
    run: str,
    shard: int = 0,
    commit_seconds: float = COMMIT_SECONDS,
    tokens_per_step: int | None = None,
    stop: Stop = lambda: False,
    advance: Callable[[float], None] = lambda experts: None,
    set_aside: SetsAside | None = None,
) -> Published:
    """Trains an expert for each passage that gives something to learn, and publishes it; see `Encoding.train`."""
    started = time.monotonic()
    empty: list[str] = []
    with Producer(store, recipe.layout(model), run=run, shard=shard, commit_seconds=commit_seconds) as producer:
        trained = train(
            model,
            recipe,
            passages,
            producer,
            store.objects,
            tokens_per_step=tokens_per_step,
            stop=stop,
            advance=advance,
            on_empty=empty.append,
            set_aside=set_aside,
        )
    return Published(
        trained=trained,
        num_published=producer.num_published,
        num_bytes=producer.num_bytes,
        without_sequences=dict.fromkeys(empty, NO_SEQUENCE),
        seconds=time.monotonic() - started,
    )
