"""What decides an expert, beside its passage: model, preset, augmentation and worked examples, as one record.

Every stage and every way to call one goes by it, so that two of them cannot mean different experts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from semoe.augment.contract import augmentation_version
from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import UsageError
from semoe.experts.base_weight import is_key
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import Preset, load_preset
from semoe.experts.sequences import bounded, learnt_digest, whole_sequences
from semoe.experts.space import ExpertSpace
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar, fingerprint, load_exemplars
from semoe.prompts.rendering import TrainingSequence
from semoe.prompts.template import load_template

ITSELF = "itself"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What decides an expert, beside its passage.

    `Recipe.of` makes one; its `space(model)` names the experts that it makes, its `layout(model)` their N numbers.

    Example:
        >>> import semoe
        >>> recipe = semoe.Recipe.of("smollm2", "semoe")
        >>> recipe.augmented_by, recipe.preset.lora.rank
        ('parse', 2)
    """

    model_name: str
    preset: Preset
    augmented_by: str
    exemplars: Sequence[Exemplar] = ()
    """Worked examples in each sequence; with them, targets are chains of thought."""
    imported: bool = False
    """Whether the experts are those that were imported from elsewhere; none is trained among them."""

    @classmethod
    def of(
        cls,
        model_name: str,
        preset: Preset | str = "semoe",
        *,
        augment_model: str | None = None,
        cot_of: str | None = None,
    ) -> Self:
        """Returns the recipe that names and options mean; the one place that decides it, for verbs, runs and `main`.

        Args:
            model_name: the base model.
            preset: the rest; by name, or a TOML file.
            augment_model: whose pairs; None or empty: the preset's parser, or the model's own.
            cot_of: the dataset whose worked examples stand in each sequence; None: no chains of thought.

        Raises:
            UsageError: no such preset, or the dataset has no worked examples.
        """
        preset = load_preset(preset) if isinstance(preset, str) else preset
        augmented_by = augment_model or ("parse" if preset.augmentation.kind == "parse" else model_name)
        exemplars = load_exemplars(cot_of) if cot_of else ()
        return cls(model_name=model_name, preset=preset, augmented_by=augmented_by, exemplars=exemplars)

    def space(self, model: Model) -> ExpertSpace:
        """Returns the space of the experts that this recipe makes of a model."""
        return self.space_of(model.digest, str(model.decoder.dtype).removeprefix("torch."))

    def space_of(self, model_digest: str, dtype: str) -> ExpertSpace:
        """Returns the same for a model that need not be loaded.

        Raises:
            UsageError: its base weight is no key, as which alone it names numbers.
        """
        given = self.preset.training.base_weight
        if given and not is_key(given):
            raise UsageError(
                f"base_weight {given!r} is no key of a base weight in the store. Take it in first: "
                "`semoe.store.base_weights.settled`, as --base_weight does.",
                kind="bad-value",
            )
        template = load_template(self.preset.sequences.template)
        return ExpertSpace(
            base_model=self.model_name,
            model_digest=model_digest,
            preset=self.preset,
            template=template.training_digest(cot=bool(self.exemplars)),
            # The model may have many names; that it augments for itself is one thing.
            augment_model=ITSELF if self.augmented_by == self.model_name else self.augmented_by,
            augmentation_version=augmentation_version(self.augmented_by),
            exemplars=fingerprint(self.exemplars),
            dtype=dtype,
            imported=self.imported,
        )

    def sequences(self, model: Model, passage: AugmentedPassage) -> list[TrainingSequence]:
        """Returns what an expert of a passage is trained on; empty where the passage gives nothing to learn."""
        return bounded(self.whole_sequences(model, passage))

    def whole_sequences(self, model: Model, passage: AugmentedPassage) -> list[TrainingSequence]:
        """Returns the same before what is too long is cut."""
        settings = self.preset.sequences
        tokenizer = model.tokenizer
        return whole_sequences(
            tokenizer, self.read(passage), settings, exemplars=self.exemplars, cot=bool(self.exemplars)
        )

    def learnt(self, passage: AugmentedPassage) -> str:
        """Returns the digest of what an expert of a passage learns."""
        return learnt_digest(self.read(passage), self.preset.sequences, cot=bool(self.exemplars))

    def read(self, passage: AugmentedPassage) -> AugmentedPassage:
        """Returns a passage with the pairs that its expert reads: a file may hold more than the recipe asks for."""
        return replace(passage, qa=passage.qa[: self.preset.augmentation.max_pairs])

    def layout(self, model: Model) -> ExpertLayout:
        """Returns the shape of those experts."""
        return ExpertLayout(model.decoder.config, self.preset.lora)
