"""Passages to passages with rewrite and pairs, as a recipe says: for runs, probes and experts made on the spot."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from semoe.augment import Augmenter, AugmentSettings, load_augmenter
from semoe.datasets import AugmentedPassage
from semoe.experts.preset import Preset
from semoe.retrieval import Passage
from semoe.telemetry.metrics import metrics


def augmenter_for(augmented_by: str, preset: Preset) -> Augmenter:
    """Loads the augmenter of a recipe: `parse`, or a language model's name."""
    kind = "parse" if augmented_by == "parse" else "model"
    max_pairs = preset.augmentation.max_pairs
    return load_augmenter(AugmentSettings(augmenter=kind, model=augmented_by, max_pairs=max_pairs))


def augmented(
    augmenter: Augmenter, passages: Sequence[AugmentedPassage], rejected: Counter[str] | None = None
) -> list[AugmentedPassage]:
    """Returns the passages with rewrite and pairs."""
    counts = Counter[str]()
    made = augmenter.augment([Passage(p.id, p.passage, p.title) for p in passages], counts)
    metrics.augmented(num_passages=len(made), num_pairs=sum(len(one.qa) for one in made), rejected=counts)
    if rejected is not None:
        rejected.update(counts)
    return [replace(p, rewrite=one.rewrite, qa=one.qa) for p, one in zip(passages, made, strict=True)]
