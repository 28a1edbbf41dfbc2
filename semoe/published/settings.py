"""What all stages of one piece of work share: where it lives, whose model, which data, which recipe."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from semoe.errors import UsageError
from semoe.experts.preset import Preset
from semoe.published.names import OfflineName
from semoe.stages.recipe import Recipe
from semoe.store.base_weights import settled
from semoe.store.objects import open_objects


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSettings:
    """Which questions, and below which folder; the fields are the published parameters."""

    root: Path
    dataset: str
    data_type: str | None = None
    """None: every file of the dataset but `total`, or `total` where it is alone."""
    sample: int = -1
    """The first so many questions; -1: all."""

    @property
    def retrieved_folder(self) -> Path:
        """Where `retrieve` leaves its files."""
        return self.root / "retrieved" / self.dataset

    def types_in(self, folder: Path, stage: str) -> list[str]:
        """Returns the data types whose files a stage should read from `folder`.

        Raises:
            UsageError: there is none; the message names the stage that makes them.
        """
        if self.data_type is not None:
            found = [self.data_type] if (folder / f"{self.data_type}.json").exists() else []
        else:
            stems = sorted(path.stem for path in folder.glob("*.json") if "." not in path.stem)
            found = [stem for stem in stems if stem != "total"] or stems
        if not found:
            wanted = folder / f"{self.data_type or '*'}.json"
            raise UsageError(f"{wanted} does not exist. Run `semoe {stage}` first.", kind="missing-stage")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSettings(DatasetSettings):
    """The same with the recipe of the experts, and their store."""

    model_name: str
    preset: Preset
    with_cot: bool = False
    augment_model: str | None = None
    """Whose augmentation; None: the preset's parser, or the model itself."""
    store: str | None = None
    """Folder or `s3://bucket/prefix` of the expert store; None: `store` below `root`."""

    @property
    def store_url(self) -> str:
        """Where the experts are kept."""
        return self.store or str(self.root / "store")

    def settled(self) -> Self:
        """Returns the same with a base weight of the store, where one was given; see `base_weights.settled`.

        Raises:
            UsageError: there is no such weight, or it does not fit.
        """
        if not self.preset.training.base_weight:
            return self
        return replace(self, preset=settled(self.preset, self.model_name, open_objects(self.store_url)))

    @property
    def recipe(self) -> Recipe:
        """What decides an expert."""
        cot_of = self.dataset if self.with_cot else None
        return Recipe.of(self.model_name, self.preset, augment_model=self.augment_model, cot_of=cot_of)

    @property
    def augmented_by(self) -> str:
        """The name under which the augmentation is filed."""
        return Recipe.of(self.model_name, self.preset, augment_model=self.augment_model).augmented_by

    @property
    def augmented_folder(self) -> Path:
        """Where `augment` leaves its files."""
        return self.root / "data_aug" / self.dataset / Path(self.augmented_by).name

    @property
    def reports_folder(self) -> Path:
        """Where `augment` keeps its reports: not beside its files, as the published loader reads all that is there."""
        return self.root / "data_aug_reports" / self.dataset / Path(self.augmented_by).name

    def offline_name(self, data_type: str) -> OfflineName:
        """Returns the published name of a data type's experts."""
        training = self.preset.training
        lora = self.preset.lora
        return OfflineName(
            model=self.model_name,
            rank=lora.rank,
            alpha=lora.alpha,
            dataset=self.dataset,
            learning_rate=training.learning_rate,
            epochs=training.num_epochs,
            cot=self.with_cot,
            augment_model=self.augmented_by,
            data_type=data_type,
            preset=self.preset.name,
            base_weight=training.base_weight,
        )

    def of_type(self, data_type: str) -> "StageSettings":
        """Returns the same settings for one data type."""
        return replace(self, data_type=data_type)
