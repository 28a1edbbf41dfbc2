"""Stage `encode`: trains an expert for each distinct passage and files it under its published names.

An expert's home is its key; the published `data_{did}/passage_{pid}` folders are links to it. What is there is not
trained again, so a run that was stopped goes on where it stood.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from semoe.augment import augmentation_version
from semoe.datasets import AugmentedPassage, AugmentedQuestion, read_augmented
from semoe.datasets.keys import passage_key
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.sequences import training_sequences
from semoe.experts.space import ExpertSpace, model_fingerprint
from semoe.experts.training import TrainedExpert, train_experts
from semoe.files import read_json
from semoe.models import Model
from semoe.prompts.exemplars import Exemplar, load_exemplars
from semoe.prompts.rendering import TrainingSequence
from semoe.prompts.template import load_template
from semoe.store import RECORD, link_expert, read_expert, write_expert
from semoe.telemetry import progress
from semoe.worker.settings import StageSettings
from semoe.worker.shared_experts import SharedExperts, shared_experts


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeReport:
    """What `encode` did."""

    space: str
    num_trained: int
    num_found: int
    """Distinct passages whose expert was there already."""
    num_fetched: int
    """Of other machines, from the store."""
    num_published: int
    num_links: int
    """Published folders, new and old."""
    num_without_pairs: int
    folder: Path


@dataclass(frozen=True, slots=True)
class _Place:
    passage: AugmentedPassage
    home: Path
    links: list[Path]

    @property
    def is_made(self) -> bool:
        """Whether its expert is at home."""
        return (self.home / RECORD).exists()


def expert_space(model: Model, settings: StageSettings) -> ExpertSpace:
    """Returns the space of the experts that these settings make."""
    return ExpertSpace(
        base_model=settings.model_name,
        model_fingerprint=model_fingerprint(model.folder),
        preset=settings.preset,
        template_version=load_template(settings.preset.sequences.template).version,
        augment_model=settings.augmented_by,
        augmentation_version=augmentation_version(settings.augmented_by),
        cot=settings.with_cot,
        dtype=str(model.decoder.dtype).removeprefix("torch."),
    )


def encode(
    model: Model, settings: StageSettings, *, tokens_per_step: int = 2048, store: str | None = None
) -> EncodeReport:
    """Trains what is missing and links all.

    Args:
        model: the base model.
        settings: which passages, and the recipe.
        tokens_per_step: tokens trained at once; memory and speed, not result.
        store: folder or `s3://bucket/prefix` that other machines fill too; None: this machine works alone.

    Raises:
        UsageError: the augmentation is missing, or a folder or the store cannot be written.
        TransientError: the disk is full, or the store does not answer.
    """
    space = expert_space(model, settings)
    layout = ExpertLayout(model.decoder.config, settings.preset.lora)
    types = settings.types_in(settings.augmented_folder, "augment")
    places = _places(settings, space.name, types)
    missing = {key: place for key, place in places.items() if not place.is_made}
    with shared_experts(store, space, layout) if store else nullcontext() as shared:
        work = _Work(model, settings, layout, space.name, shared)
        for key, place in places.items():
            work.share(key, place)
        untrained = {key: place for key, place in missing.items() if not work.fetch(key, place)}
        num_trained = work.train(untrained, tokens_per_step)
    num_links = sum(_link(place) for place in places.values())
    return EncodeReport(
        space=space.name,
        num_trained=num_trained,
        num_found=len(places) - len(missing),
        num_fetched=len(missing) - len(untrained),
        num_published=shared.num_published if shared else 0,
        num_links=num_links,
        num_without_pairs=len(untrained) - num_trained,
        folder=settings.offline_name(types[0]).folder(settings.root).parent,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """How one run of `encode` fills an expert's home."""

    model: Model
    settings: StageSettings
    layout: ExpertLayout
    space: str
    shared: SharedExperts | None

    def fetch(self, key: str, place: _Place) -> bool:
        """Brings an expert home that another machine trained; False where there is none."""
        found = self.shared.fetch(key) if self.shared else None
        if found is not None:
            self._write(place, *found)
        return found is not None

    def share(self, key: str, place: _Place) -> None:
        """Publishes an expert that is at home already, from a run without the store."""
        if self.shared and key not in self.shared and place.is_made:
            flat_N = read_expert(place.home, self.layout, base_model=self.settings.model_name, space=self.space)
            self.shared.add(key, flat_N, read_json(place.home / RECORD))

    def train(self, missing: dict[str, _Place], tokens_per_step: int) -> int:
        """Trains, writes and publishes; returns how many."""
        exemplars = load_exemplars(self.settings.dataset) if self.settings.with_cot else ()
        sequences = {
            key: _sequences(self.model, place.passage, self.settings, exemplars) for key, place in missing.items()
        }
        wanted = {key: own for key, own in sequences.items() if own}
        with progress("encode", len(wanted), "experts") as advance:
            for key, trained in _train(self.model, self.layout, self.settings, wanted, tokens_per_step):
                record = _record(key, self.space, self.settings, missing[key].passage, trained)
                if self.shared:
                    self.shared.add(key, trained.flat_N, record)
                self._write(missing[key], trained.flat_N, record)
                advance()
        return len(wanted)

    def _write(self, place: _Place, flat_N: Tensor, record: dict[str, Any]) -> None:
        write_expert(place.home, self.layout, flat_N, base_model=self.settings.model_name, record=record)


def _train(
    model: Model,
    layout: ExpertLayout,
    settings: StageSettings,
    wanted: dict[str, list[TrainingSequence]],
    tokens_per_step: int,
) -> Iterator[tuple[str, TrainedExpert]]:
    keys, training = list(wanted), settings.preset.training
    base_N = base_weight(layout, training.seed)
    trained = train_experts(
        model.decoder, layout, base_N, training, list(wanted.values()), tokens_per_step=tokens_per_step
    )
    return ((keys[expert.index], expert) for expert in trained)


def _places(settings: StageSettings, space: str, types: Sequence[str]) -> dict[str, _Place]:
    """Collects each distinct passage once, with every published folder that names it."""
    places: dict[str, _Place] = {}
    for data_type in types:
        name = settings.offline_name(data_type)
        for did, question in enumerate(questions_of(settings, data_type)):
            for passage in question.passages:
                key = passage_key(passage.title, passage.passage)
                home = name.by_key(settings.root, space, key)
                place = places.setdefault(key, _Place(passage, home, []))
                place.links.append(name.passage(settings.root, did, passage.pid))
    return places


def questions_of(settings: StageSettings, data_type: str) -> list[AugmentedQuestion]:
    """Reads the augmented questions of one type, the first `sample` of them."""
    questions = read_augmented(settings.augmented_folder / f"{data_type}.json")
    return questions if settings.sample < 0 else questions[: settings.sample]


def _sequences(
    model: Model, passage: AugmentedPassage, settings: StageSettings, exemplars: Sequence[Exemplar]
) -> list[TrainingSequence]:
    return training_sequences(
        model.tokenizer, passage, settings.preset.sequences, exemplars=exemplars, cot=settings.with_cot
    )


def _record(
    key: str, space: str, settings: StageSettings, passage: AugmentedPassage, trained: TrainedExpert
) -> dict[str, Any]:
    pairs = [{"question": pair.question, "answer": pair.answer} for pair in passage.qa]
    return {
        "format": 1, "key": key, "space": space, "preset": settings.preset.name, "title": passage.title,
        "passage": passage.passage, "qa": pairs, "num_tokens": trained.num_tokens, "loss": trained.loss,
    }  # fmt: skip


def _link(place: _Place) -> int:
    """Links a trained expert's published folders; an expert that has nothing to learn has none."""
    if not place.is_made:
        return 0
    for folder in place.links:
        if not (folder / RECORD).exists() or not _same(folder, place.home):
            link_expert(place.home, folder)
    return len(place.links)


def _same(folder: Path, home: Path) -> bool:
    return (folder / RECORD).read_bytes() == (home / RECORD).read_bytes()
