"""Expert space and expert key: what an expert is, and which one it is.

Two experts may stand in for each other only if both are equal. A space's name is the hash of everything that decides
its experts, so two recipes never mix; a key is the hash of the passage. What an expert read of its passage is kept
beside it (`sequences.learnt_digest`), because pairs may come as a file that no recipe made.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from semoe.experts.preset import AugmentationSettings, Preset, SequenceSettings
from semoe.experts.settings import TrainingSettings
from semoe.models.sites import PROJECTIONS
from semoe.records import without_defaults

FORMAT = 2
"""Of `space.json`; a space that says no format was named by an earlier version, after less than decides its experts."""


@dataclass(frozen=True, kw_only=True)
class ExpertSpace:
    """Everything that decides what an expert is."""

    base_model: str
    """The model as the user named it; for people: two names of one model share their experts."""
    model_digest: str
    """Of its weights, tokenizer and configuration (`semoe.models.identity`)."""
    preset: Preset
    template: str
    """Digest of what the template makes of a training sequence."""
    augment_model: str
    augmentation_version: int
    exemplars: str
    """Hash of the worked examples in its sequences; empty without chains of thought."""
    dtype: str = "float32"
    imported: bool = False
    """Whether its experts were trained elsewhere: by prompts and from a first weight that nobody here knows."""

    def describe(self) -> dict[str, Any]:
        """Returns the space as plain JSON values, for people; answering settings are left out."""
        recipe = asdict(self.preset)
        for outside in ("name", "answering"):
            del recipe[outside]
        return asdict(self) | {"preset": recipe, "format": FORMAT}

    def deciding(self) -> dict[str, Any]:
        """Returns what decides an expert and is not at its default, so that an option added later moves no space."""
        found: dict[str, Any] = without_defaults(replace(self, base_model="", preset=_deciding(self.preset)))
        return found

    @property
    def name(self) -> str:
        """The first 16 hex digits of the hash of `deciding()`."""
        text = orjson.dumps(self.deciding(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:16]


def _deciding(preset: Preset) -> Preset:
    """Returns a preset with everything at one value that decides no expert."""
    training = preset.training
    if training.num_steps is not None:
        training = replace(training, num_epochs=TrainingSettings().num_epochs)
    # The layout has an order of its own: that in which a preset names its modules decides nothing.
    modules = tuple(name for name in PROJECTIONS if name in preset.lora.target_modules)
    return Preset(
        name="",
        # Who augments is told by the space's `augment_model`, what a template says by its text.
        augmentation=replace(preset.augmentation, kind=AugmentationSettings().kind),
        sequences=replace(preset.sequences, template=SequenceSettings().template),
        lora=replace(preset.lora, target_modules=modules),
        training=training,
    )
