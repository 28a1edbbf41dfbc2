"""Stage `augment`: passages to passages with rewrite and pairs, as a recipe says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from semoe.augment.augmenter import load_augmenter
from semoe.augment.contract import Augmentation, Augmenter, AugmentSettings
from semoe.datasets.augmented import AugmentedPassage
from semoe.experts.preset import Preset
from semoe.retrieval.passage import Passage
from semoe.stages.retrieve import plain_passage
from semoe.telemetry.counting import metrics


def augment_settings(augmented_by: str, preset: Preset) -> AugmentSettings:
    """Returns how a recipe augments; the one place that decides it, for verb, run and `main`.

    Args:
        augmented_by: `parse`, or a language model's name.
        preset: says how many pairs.
    """
    kind = "parse" if augmented_by == "parse" else "model"
    return AugmentSettings(augmenter=kind, model=augmented_by, max_pairs=preset.augmentation.max_pairs)


def augmenter_for(augmented_by: str, preset: Preset) -> Augmenter:
    """Loads the augmenter of a recipe."""
    return load_augmenter(augment_settings(augmented_by, preset))


def augment_passages(
    augmenter: Augmenter, passages: Sequence[Passage], rejected: Counter[str] | None = None
) -> list[Augmentation]:
    """Returns rewrite and pairs of each passage, in order.

    Args:
        augmenter: makes them.
        passages: as their corpus has them.
        rejected: what was not kept is added to it, by reason.
    """
    counts = Counter[str]()
    made = augmenter.augment(passages, counts)
    metrics.augmented(num_passages=len(made), num_pairs=sum(len(one.qa) for one in made), rejected=counts)
    if rejected is not None:
        rejected.update(counts)
    return made


def augmented(
    augmenter: Augmenter, passages: Sequence[AugmentedPassage], rejected: Counter[str] | None = None
) -> list[AugmentedPassage]:
    """Returns the passages with rewrite and pairs."""
    made = augment_passages(augmenter, [plain_passage(one) for one in passages], rejected)
    return [replace(passage, rewrite=one.rewrite, qa=one.qa) for passage, one in zip(passages, made, strict=True)]
