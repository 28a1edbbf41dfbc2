"""Makes sure that the experts of a space learnt what their passages have to say now.

Pairs may come as a file, or be made by a model that rounds otherwise elsewhere: no recipe tells them apart, so each
expert carries the digest of what it learnt.
"""

from collections.abc import Callable, Iterable, Mapping

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.stages.recipe import Recipe
from semoe.store.expert_store import ExpertStore
from semoe.words import counted

FILES_CURE = (
    "Give the new pairs a name of their own: move them to data_aug/DATASET/NAME and say --augment_model NAME. "
    "Or choose another --store."
)
RUNS_CURE = (
    "This run's augmentation came out otherwise than the one that made them, as on another device it may. "
    "Plan the run into another --store."
)


def require_same_pairs(
    store: ExpertStore,
    recipe: Recipe,
    passages: Mapping[str, AugmentedPassage],
    elsewhere: Callable[[], Iterable[AugmentedPassage]] = lambda: (),
    *,
    cure: str,
) -> None:
    """Compares what the store's experts learnt with the passages' pairs, as far as the store has them.

    Args:
        store: of the recipe's space.
        recipe: how the passages become sequences.
        passages: with their pairs, by key.
        elsewhere: where the same passages may stand with other pairs that are as good: a published file has a passage
            of two questions twice. Asked only where pairs differ.
        cure: what the user can do.

    Raises:
        UsageError: an expert learnt something else; it is neither used nor trained over.
    """
    others = [one for one in store.entries_of(passages) if one.learnt != recipe.learnt(passages[one.key])]
    if others:
        as_good = {(passage_key(one.title, one.passage), recipe.learnt(one)) for one in elsewhere()}
        others = [one for one in others if (one.key, one.learnt) not in as_good]
    if others:
        first = others[0]
        space = store.names.space
        raise UsageError(
            f"{counted(len(others), 'expert')} of space {space} learnt other pairs than the passages have now; the "
            f"first is {first.key[:12]} ({first.title!r}). {cure}",
            kind="other-pairs",
        )
