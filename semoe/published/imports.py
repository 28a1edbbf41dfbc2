"""Takes PEFT folders into the store: those of a published `offline/…` tree, each checked before it is believed."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.files import read_json
from semoe.models.model import Model
from semoe.published.augmented_files import passages_of, require_made_so
from semoe.published.places import PublishedPlace, published_places
from semoe.published.settings import StageSettings
from semoe.stages.learnt import FILES_CURE, require_same_pairs
from semoe.store.expert_store import fresh_token
from semoe.store.objects import open_objects
from semoe.store.opened import make_space
from semoe.store.peft_folder import RECORD, read_expert, space_of
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord
from semoe.telemetry.progress import progress

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What was taken in."""

    num_imported: int
    num_known: int
    """The store had them."""
    num_absent: int
    """Passages without a folder."""
    num_without_pairs: int
    """Passages that give nothing to learn; the adapter in the folder of such a one changes nothing, and stays there."""
    space: str
    store: str


def import_experts(model: Model, settings: StageSettings) -> ImportReport:
    """Imports the experts of a dataset's augmented passages from where the published layout has them.

    Experts that say they were made for this space, as those do that `encode` exported, come back into it. Others go to
    a space of imported ones: their prompts and their first weight may be others than the recipe's, so `encode` must
    not take them for its own.

    Raises:
        UsageError: another rank, model or recipe made an expert, or it means more than an expert can.
        CorruptError: an expert is damaged, or its B is zero.
    """
    recipe = settings.recipe
    layout = recipe.layout(model)
    types = settings.types_in(settings.augmented_folder, "augment")
    require_made_so(settings, types)
    everything = published_places(settings, types)
    places = {key: place for key, place in everything.items() if recipe.sequences(model, place.passage)}
    folders = {key: folder for key, place in places.items() if (folder := _folder_of(place))}
    own = recipe.space(model)
    imported = replace(own, imported=True)
    # What was imported once and exported again says so by its space.
    is_foreign = any(space_of(folder) in (None, imported.name) for folder in folders.values())
    store = make_space(open_objects(settings.store_url), imported if is_foreign else own, layout)
    passages = {key: place.passage for key, place in places.items()}
    require_same_pairs(store, recipe, passages, lambda: passages_of(settings), cure=FILES_CURE)
    num_known = sum(key in store for key in places)
    new = {key: folder for key, folder in folders.items() if key not in store}
    with (
        Producer(store, layout, run=f"import-{fresh_token()}") as producer,
        progress("import", len(new), "experts") as advance,
    ):
        for key, folder in new.items():
            said = imported.name if space_of(folder) == imported.name else own.name
            flat_N = read_expert(folder, layout, base_model=settings.model_name, space=said)
            producer.add(flat_N, _checked_record(folder, key, places[key], settings, store.names.space))
            advance()
    if is_foreign:
        log.warning(
            "these experts were trained elsewhere: they go to space %s, which `semoe inference --imported` reads and "
            "`semoe encode` does not",
            store.names.space,
        )
    return ImportReport(
        num_imported=producer.num_published,
        num_known=num_known,
        num_absent=len(places) - num_known - len(new),
        num_without_pairs=len(everything) - len(places),
        space=store.names.space,
        store=settings.store_url,
    )


def _folder_of(place: PublishedPlace) -> Path | None:
    return next((folder for folder in place.known_folders if folder.exists()), None)


def _checked_record(folder: Path, key: str, place: PublishedPlace, settings: StageSettings, space: str) -> ExpertRecord:
    """Returns an expert's record, once it is known to have learnt what its passage says now."""
    learnt = settings.recipe.learnt(place.passage)
    record = _record(folder, key, place, space, learnt)
    if record.learnt != learnt and not _is_of_another_file(record, settings):
        raise UsageError(
            f"The expert in {folder} learnt other pairs than its passage has now. {FILES_CURE}", kind="other-pairs"
        )
    return record


def _is_of_another_file(record: ExpertRecord, settings: StageSettings) -> bool:
    """A published file has a passage of two questions twice, with pairs that are as good."""
    same = (one for one in passages_of(settings) if passage_key(one.title, one.passage) == record.key)
    return any(settings.recipe.learnt(one) == record.learnt for one in same)


def _record(folder: Path, key: str, place: PublishedPlace, space: str, learnt: str) -> ExpertRecord:
    """Returns what the folder says of its expert, or what its passage says where it says nothing."""
    passage = place.passage
    if (folder / RECORD).exists():
        passed_on = {"learnt": learnt, "space": space, "title": passage.title, "passage": passage.passage}
        return ExpertRecord.from_json(passed_on | read_json(folder / RECORD) | {"key": key, "space": space})
    return ExpertRecord(
        key=key,
        space=space,
        title=passage.title,
        passage=passage.passage,
        pairs=tuple((pair.question, pair.answer) for pair in passage.qa),
        learnt=learnt,
        is_imported=True,
    )
