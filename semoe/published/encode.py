"""Stage `encode`: trains an expert for each distinct passage, keeps it in the store, exports it by its published name.

What the store has is not trained again, whoever trained it, so a run that was stopped goes on where it stood.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semoe.datasets import AugmentedPassage, AugmentedQuestion, read_augmented
from semoe.datasets.keys import passage_key
from semoe.models import Model
from semoe.published.augment import require_made_so
from semoe.published.settings import StageSettings
from semoe.stages.learnt import FILES_CURE, require_same_pairs
from semoe.stages.train import train
from semoe.store.expert_store import ExpertStore, fresh_token
from semoe.store.export import export_expert
from semoe.store.objects import open_objects
from semoe.store.producer import Producer
from semoe.store.space import make_space
from semoe.telemetry import progress


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeReport:
    """What `encode` did."""

    space: str
    num_trained: int
    num_found: int
    """Distinct passages whose expert was in the store already."""
    num_published: int
    num_without_pairs: int
    num_exported: int
    """Published folders, new and old."""
    store: str
    folder: Path | None
    """Of the published folders."""


@dataclass(frozen=True, slots=True)
class PublishedPlace:
    """A passage and where its expert is filed."""

    passage: AugmentedPassage
    folders: list[Path]
    """Its published names."""
    old_folders: list[Path]
    """The same as the published README writes them."""

    @property
    def known_folders(self) -> list[Path]:
        """Where an expert of it may lie."""
        return [*self.folders, *self.old_folders]


def encode(model: Model, settings: StageSettings, *, tokens_per_step: int = 2048, export: bool = True) -> EncodeReport:
    """Trains what is missing, and exports all to the published folders.

    Args:
        model: the base model.
        settings: which passages, and the recipe.
        tokens_per_step: tokens trained at once; memory and speed, not result.
        export: whether to write the published `offline/…` folders.

    Raises:
        UsageError: the augmentation is missing or another recipe's, an expert learnt other pairs, or a folder or the
            store cannot be written.
        TransientError: the disk is full, or the store does not answer.
    """
    recipe, types = settings.recipe, settings.types_in(settings.augmented_folder, "augment")
    require_made_so(settings, types)
    places, layout = published_places(settings, types), recipe.layout(model)
    store = make_space(open_objects(settings.store_url), recipe.space(model), layout)
    passages = {key: place.passage for key, place in places.items()}
    require_same_pairs(store, recipe, passages, lambda: passages_of(settings), cure=FILES_CURE)
    missing = {key: passage for key, passage in passages.items() if key not in store}
    with (
        Producer(store, layout, run=f"encode-{fresh_token()}") as producer,
        progress("encode", len(missing), "experts") as advance,
    ):
        num_trained, _ = train(model, recipe, missing, producer, tokens_per_step=tokens_per_step, advance=advance)
    # Of two who train a passage at the same time the first is kept: it must have learnt the same.
    require_same_pairs(store, recipe, missing, lambda: passages_of(settings), cure=FILES_CURE)
    num_exported = _export(places, store) if export else 0
    return EncodeReport(
        space=store.names.space,
        num_trained=num_trained,
        num_found=len(places) - len(missing),
        num_published=producer.num_published,
        num_without_pairs=len(missing) - num_trained,
        num_exported=num_exported,
        store=settings.store_url,
        folder=settings.offline_name(types[0]).folder(settings.root).parent if export else None,
    )


def questions_of(settings: StageSettings, data_type: str) -> list[AugmentedQuestion]:
    """Reads the augmented questions of one type, the first `sample` of them."""
    questions = read_augmented(settings.augmented_folder / f"{data_type}.json")
    return questions if settings.sample < 0 else questions[: settings.sample]


def passages_of(settings: StageSettings) -> Iterator[AugmentedPassage]:
    """Yields the passages of every augmented file of the dataset, repetitions too."""
    for path in sorted(settings.augmented_folder.glob("*.json")):
        if "." not in path.stem:  # not a report or a journal
            for question in read_augmented(path):
                yield from question.passages


def published_places(settings: StageSettings, types: list[str]) -> dict[str, PublishedPlace]:
    """Collects each distinct passage once, with every published folder that names it."""
    places: dict[str, PublishedPlace] = {}
    for data_type in types:
        name = settings.offline_name(data_type)
        for did, question in enumerate(questions_of(settings, data_type)):
            for passage in question.passages:
                key = passage_key(passage.title, passage.passage)
                place = places.setdefault(key, PublishedPlace(passage, [], []))
                new, old = (top / f"data_{did}" / f"passage_{passage.pid}" for top in name.known_folders(settings.root))
                place.folders.append(new)
                place.old_folders.append(old)
    return places


def _export(places: dict[str, PublishedPlace], store: ExpertStore) -> int:
    """Writes each expert as a PEFT folder and links its other names to it; returns how many folders there are."""
    count = 0
    with progress("export", len(places), "experts") as advance:
        for key, place in places.items():
            if key in store:
                export_expert(store, key, place.folders)
                count += len(place.folders)
            advance()
    return count
