"""Makes the experts of passages that were retrieved while answering and have none: the policy `missing: train`.

Augmented and trained with the recipe of the space, published to the store: the next question finds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from semoe.augment.contract import Augmenter
from semoe.datasets.keys import passage_key
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.model import Model
from semoe.retrieval.passage import Passage
from semoe.stages.augment import augmented, augmenter_for
from semoe.stages.encode import Encoding
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import unaugmented
from semoe.store.expert_store import ExpertStore
from semoe.store.opened import make_space


@dataclass(kw_only=True, slots=True)
class OnTheSpot:
    """Trains and publishes experts; called from the retrieving thread."""

    model: Model
    recipe: Recipe
    store: ExpertStore
    run: str
    _augmenter: Augmenter | None = field(default=None)

    @classmethod
    def of(
        cls, model: Model, recipe: Recipe, store: ExpertStore, switching: SwitchSettings | None, *, run: str
    ) -> Self | None:
        """Returns one where the settings ask for it."""
        if switching is None or switching.missing != "train":
            return None
        return cls(model=model, recipe=recipe, store=store, run=run)

    def __call__(self, passages: Sequence[Passage]) -> None:
        """Makes the experts of these passages; one that gives nothing to learn stays without, for good."""
        wanted = [one for one in passages if passage_key(one.title, one.text) not in self.store.barren]
        if not wanted:
            return
        augmenter = self._augmenter = self._augmenter or augmenter_for(self.recipe.augmented_by, self.recipe.preset)
        plain = [unaugmented(passage) for passage in wanted]
        made = {passage_key(one.title, one.passage): one for one in augmented(augmenter, plain)}
        make_space(self.store.objects, self.recipe.space(self.model), self.recipe.layout(self.model))
        # Into the store that the answerer reads from: it sees at once what was published through it.
        # Where somebody else was first, the answer goes on with that expert, whichever pairs it learnt.
        work = Encoding.of(self.model, self.recipe, made, self.store, cure=None)
        run = f"{self.run}-on-the-spot"
        self.store.barren.add(work.train(run=run).without_pairs, run=run)
