"""The verb `encode`: trains an expert for each passage of the augmented files, and exports it by its published name."""

from dataclasses import dataclass
from pathlib import Path

from semoe.models.model import Model
from semoe.published.augmented_files import passages_of, require_made_so
from semoe.published.export_tree import export_tree
from semoe.published.places import published_places
from semoe.published.settings import StageSettings
from semoe.stages.encode import Encoding
from semoe.stages.learnt import FILES_CURE
from semoe.store.expert_store import fresh_token
from semoe.store.objects import open_objects
from semoe.store.opened import make_space
from semoe.telemetry.progress import progress


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeReport:
    """What `encode` did."""

    space: str
    num_trained: int
    num_found: int
    """Distinct passages whose expert was in the store already."""
    num_published: int
    num_without_pairs: int
    num_cut_sequences: int
    """Of those that the trained experts learnt; see `TooLong`, as for the next two."""
    num_left_out_sequences: int
    num_sequences_beyond_context: int
    num_exported: int
    """Published folders, new and old."""
    num_idle: int
    """Published folders of passages without an expert: they hold an adapter that changes nothing."""
    store: str
    folder: Path | None
    """Of the published folders."""


def encode(
    model: Model, settings: StageSettings, *, tokens_per_step: int | None = None, export: bool = True
) -> EncodeReport:
    """Trains what is missing, and exports all to the published folders.

    Args:
        model: the base model.
        settings: which passages, and the recipe.
        tokens_per_step: tokens trained at once; memory and speed, not result. None: what is best on the device.
        export: whether to write the published `offline/…` folders.

    Raises:
        UsageError: the augmentation is missing or another recipe's, an expert learnt other pairs, or a folder or the
            store cannot be written.
        TransientError: the disk is full, or the store does not answer.
    """
    recipe = settings.recipe
    types = settings.types_in(settings.augmented_folder, "augment")
    require_made_so(settings, types)
    places = published_places(settings, types)
    store = make_space(open_objects(settings.store_url), recipe.space(model), recipe.layout(model))
    passages = {key: place.passage for key, place in places.items()}
    work = Encoding.of(model, recipe, passages, store, cure=FILES_CURE, elsewhere=lambda: passages_of(settings))
    with progress("encode", len(work.missing), "experts") as advance:
        done = work.train(run=f"encode-{fresh_token()}", tokens_per_step=tokens_per_step, advance=advance)
    trained = done.published.trained
    exported = export_tree(store, {key: place.folders for key, place in places.items()}) if export else None
    return EncodeReport(
        space=store.names.space,
        num_trained=trained.num_experts,
        num_found=done.num_found,
        num_published=done.published.num_published,
        num_without_pairs=len(done.without_pairs),
        num_cut_sequences=trained.too_long.num_cut,
        num_left_out_sequences=trained.too_long.num_left_out,
        num_sequences_beyond_context=trained.too_long.num_beyond_context,
        num_exported=exported.num_folders if exported else 0,
        num_idle=exported.num_idle_folders if exported else 0,
        store=settings.store_url,
        folder=settings.offline_name(types[0]).folder(settings.root).parent if export else None,
    )
