"""Stage `augment`: passages to passages with rewrite and pairs, as a recipe says."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from semoe.augment.augmenter import load_augmenter
from semoe.augment.contract import Augmentation, Augmenter, AugmentSettings
from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import SemoeError
from semoe.experts.preset import Preset
from semoe.retrieval.passage import Passage
from semoe.stages.retrieve import plain_passage
from semoe.telemetry.counting import metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What was made of some passages."""

    passages: list[AugmentedPassage] = field(default_factory=list)
    """With rewrite and pairs, in order; without those that failed."""
    failed: list[tuple[AugmentedPassage, str]] = field(default_factory=list)
    """Those that failed with others and then alone, and why."""
    rejected: Counter[str] = field(default_factory=Counter)
    """What was not kept, by reason."""

    @property
    def num_pairs(self) -> int:
        """Of all passages."""
        return sum(len(one.qa) for one in self.passages)

    def count(self) -> None:
        """Tells the metrics of this process."""
        metrics.augmented(num_passages=len(self.passages), num_pairs=self.num_pairs, rejected=self.rejected)


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


def augmented_but_failing(augmenter: Augmenter, passages: Sequence[AugmentedPassage]) -> Made:
    """Returns passages with rewrite and pairs; where that fails, each is tried alone, and what fails again is left out.

    It counts nothing, as it is called in processes whose metrics nobody asks for; see `Made.count`.

    Raises:
        SemoeError: of settings or of the machine: no passage's fault. So is `MemoryError`.
    """
    made = Made()
    try:
        _add(made, augmenter, passages)
    except (SemoeError, MemoryError):
        raise
    except Exception:
        log.exception("passages that could not be augmented together: %d; each is tried alone", len(passages))
        for passage in passages:
            _add_alone(made, augmenter, passage)
    return made


def _add(made: Made, augmenter: Augmenter, passages: Sequence[AugmentedPassage]) -> None:
    rejected = Counter[str]()
    found = augmenter.augment([plain_passage(one) for one in passages], rejected)
    made.passages.extend(replace(one, rewrite=new.rewrite, qa=new.qa) for one, new in zip(passages, found, strict=True))
    made.rejected.update(rejected)


def _add_alone(made: Made, augmenter: Augmenter, passage: AugmentedPassage) -> None:
    try:
        _add(made, augmenter, [passage])
    except (SemoeError, MemoryError):
        raise
    except Exception as error:
        made.failed.append((passage, f"{type(error).__name__}: {error}"))
