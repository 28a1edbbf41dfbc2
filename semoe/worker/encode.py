"""Stage `encode`: trains an expert for each distinct passage and files it under its published names.

An expert's home is its key; the published `data_{did}/passage_{pid}` folders are links to it. What is there is not
trained again, so a run that was stopped goes on where it stood.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from semoe.augment import augmentation_version
from semoe.datasets import AugmentedPassage, AugmentedQuestion, read_augmented
from semoe.datasets.keys import passage_key
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.sequences import training_sequences
from semoe.experts.space import ExpertSpace, model_fingerprint
from semoe.experts.training import TrainedExpert, train_experts
from semoe.models import Model
from semoe.prompts.exemplars import Exemplar, load_exemplars
from semoe.prompts.rendering import TrainingSequence
from semoe.prompts.template import load_template
from semoe.store import link_expert, write_expert
from semoe.telemetry import progress
from semoe.worker.settings import StageSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeReport:
    """What `encode` did."""

    space: str
    num_trained: int
    num_found: int
    """Distinct passages whose expert was there already."""
    num_links: int
    """Published folders, new and old."""
    num_without_pairs: int
    folder: Path


@dataclass(frozen=True, slots=True)
class _Place:
    passage: AugmentedPassage
    home: Path
    links: list[Path]


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


def encode(model: Model, settings: StageSettings, *, tokens_per_step: int = 2048) -> EncodeReport:
    """Trains what is missing and links all.

    Raises:
        UsageError: the augmentation is missing, or a folder cannot be written.
    """
    space = expert_space(model, settings).name
    layout = ExpertLayout(model.decoder.config, settings.preset.lora)
    types = settings.types_in(settings.augmented_folder, "augment")
    places = _places(settings, space, types)
    missing = {key: place for key, place in places.items() if not (place.home / "expert.json").exists()}
    exemplars = load_exemplars(settings.dataset) if settings.with_cot else ()
    sequences = {key: _sequences(model, place.passage, settings, exemplars) for key, place in missing.items()}
    wanted = {key: own for key, own in sequences.items() if own}
    with progress("encode", len(wanted), "experts") as advance:
        for key, trained in _train(model, layout, settings, wanted, tokens_per_step):
            record = _record(key, space, settings, places[key].passage, trained)
            write_expert(places[key].home, layout, trained.flat_N, base_model=settings.model_name, record=record)
            advance()
    num_links = sum(_link(place) for place in places.values())
    return EncodeReport(
        space=space,
        num_trained=len(wanted),
        num_found=len(places) - len(missing),
        num_links=num_links,
        num_without_pairs=len(missing) - len(wanted),
        folder=settings.offline_name(types[0]).folder(settings.root).parent,
    )


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
) -> dict[str, object]:
    pairs = [{"question": pair.question, "answer": pair.answer} for pair in passage.qa]
    return {
        "format": 1, "key": key, "space": space, "preset": settings.preset.name, "title": passage.title,
        "passage": passage.passage, "qa": pairs, "num_tokens": trained.num_tokens, "loss": trained.loss,
    }  # fmt: skip


def _link(place: _Place) -> int:
    """Links a trained expert's published folders; an expert that has nothing to learn has none."""
    if not (place.home / "expert.json").exists():
        return 0
    for folder in place.links:
        if not (folder / "expert.json").exists() or not _same(folder, place.home):
            link_expert(place.home, folder)
    return len(place.links)


def _same(folder: Path, home: Path) -> bool:
    return (folder / "expert.json").read_bytes() == (home / "expert.json").read_bytes()
