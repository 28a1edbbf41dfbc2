"""Rewrites and question-answer pairs of passages: by a language model (`model`) or from a parse (`parse`)."""

from semoe.augment.augmenter import augmenters, load_augmenter
from semoe.augment.contract import Augmentation, Augmenter, AugmentSettings, augmentation_version
from semoe.augment.rejection import REASONS, Reason
from semoe.augment.run import AugmentReport, augment_questions

__all__ = [
    "REASONS",
    "AugmentReport",
    "AugmentSettings",
    "Augmentation",
    "Augmenter",
    "Reason",
    "augment_questions",
    "augmentation_version",
    "augmenters",
    "load_augmenter",
]
