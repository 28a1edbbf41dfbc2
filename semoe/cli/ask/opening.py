"""What `semoe ask` asks: model, recipe and index as a run of the store has them, or as options say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from semoe.cli import options as o
from semoe.cli.ask.options import AskedIndexOptions, AskedRecipeOptions, AskingOptions
from semoe.cli.gathering import loaded_model, retrieval_config
from semoe.errors import UsageError
from semoe.retrieval.retriever import RERANKER

if TYPE_CHECKING:
    from semoe.models.model import Model
    from semoe.prompts.exemplars import Exemplar
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.runs.plan import Plan
    from semoe.stages.recipe import Recipe
    from semoe.store.objects import Objects

DEMO = "demo"
DEMO_FOLDER = "demo_run"
TAUGHT_MODEL = "smollm2"
TAUGHT = "taught"
"""Where the index of a text that was taught is, below --root_dir."""
TOPK = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Everything but the questions."""

    recipe: "Recipe"
    objects: "Objects"
    retriever: str
    where: "RetrievalConfig"
    topk: int
    exemplars: "Sequence[Exemplar] | None"
    load_model: "Callable[[], Model]"
    run: str = ""
    """Whose experts these are; empty: no run's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The groups of options that say what is asked."""

    recipe: AskedRecipeOptions
    index_place: AskedIndexOptions
    elastic: o.ElasticOptions
    computing: o.ComputeOptions
    place: o.PlaceOptions


def open_source(places: Places, asking: AskingOptions) -> Source:
    """Finds out what is to be asked; loads nothing yet.

    Raises:
        UsageError: neither a run nor options say it, or the run was planned with something else.
    """
    from semoe.store.objects import open_objects

    objects = open_objects(places.place.store_url)
    if places.recipe.model_name:
        return _of_options(places, asking, objects)
    stray = _given(places.recipe)
    if stray:
        raise UsageError(
            f"--{stray} says nothing without --model_name: a run's experts have its recipe. Give --model_name.",
            kind="options",
        )
    name = asking.run or _only_run(objects, places.place, is_needed=not asking.teach)
    if not name:
        return _of_options(replace(places, recipe=AskedRecipeOptions(model_name=TAUGHT_MODEL)), asking, objects)
    return _of_run(places, asking, objects, name)


def _given(recipe: AskedRecipeOptions) -> str | None:
    plain = AskedRecipeOptions()
    return next((name for name in vars(plain) if getattr(recipe, name) != getattr(plain, name)), None)


def _only_run(objects: "Objects", place: o.PlaceOptions, *, is_needed: bool) -> str:
    """Returns the demo's run, or the only one; empty where there is none and none is needed."""
    names = objects.folders("runs/")
    if DEMO in names:
        return DEMO
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageError(f"{objects.url} has several runs: {', '.join(names)}. Choose with --run.", kind="no-run")
    if not is_needed:
        return ""
    raise UsageError(f"There is no run to ask in {objects.url}. {_cure(place)}", kind="no-run")


def _cure(place: o.PlaceOptions) -> str:
    if (place.root_dir / TAUGHT).is_dir():
        return "A text was taught here: it is asked where --teach is given again; nothing is trained twice."
    if (place.root_dir / DEMO_FOLDER / "store").is_dir():
        return f"The demo is in {place.root_dir / DEMO_FOLDER}: add --root_dir {place.root_dir / DEMO_FOLDER}."
    folder = _folder(place)
    return (
        f"Run `semoe demo --root_dir {folder}` first and ask with --root_dir {folder}, or say with --model_name whose "
        "experts to ask."
    )


def _folder(place: o.PlaceOptions) -> Path:
    return place.root_dir if place.root_dir != o.ROOT else Path(DEMO_FOLDER)


def _of_options(places: Places, asking: AskingOptions, objects: "Objects") -> Source:
    if places.recipe.with_cot:
        raise UsageError(
            "--with_cot takes worked examples of a dataset, which a single question has not. Ask a run that was "
            "planned with it (--run).",
            kind="options",
        )
    from semoe.store.base_weights import settled

    where = retrieval_config(_filled(places.index_place, "bm25", o.INDEX, "wiki", RERANKER), places.elastic)
    recipe = places.recipe.settings("")
    return Source(
        recipe=replace(recipe, preset=settled(recipe.preset, recipe.model_name, objects)),
        objects=objects,
        retriever=places.index_place.retriever or "bm25",
        where=where,
        topk=asking.topk or TOPK,
        exemplars=None,
        load_model=lambda: loaded_model(places.recipe, places.computing),
    )


def _of_run(places: Places, asking: AskingOptions, objects: "Objects", name: str) -> Source:
    from semoe.prompts.exemplars import load_exemplars
    from semoe.runs.folder import RunFolder
    from semoe.runs.job import Job
    from semoe.runs.plan import require_current

    folder = RunFolder(objects, name)
    plan = folder.plan()
    require_current(plan)
    job = Job(
        folder=folder, plan=plan, stage="ask", shard=0, stop=lambda: False, device=places.computing.device
    )  # it knows how to load a plan's model, and refuses another
    retriever = places.index_place.retriever or plan.retriever
    indexed = _filled(places.index_place, retriever, _index_dir(plan, places.place), plan.index_name, plan.reranker)
    return Source(
        recipe=job.recipe,
        objects=objects,
        retriever=retriever,
        where=retrieval_config(indexed, places.elastic),
        topk=asking.topk or plan.topk,
        exemplars=None if plan.fewshot is None else load_exemplars(plan.sets[0].dataset)[: plan.fewshot],
        load_model=job.load_model,
        run=name,
    )


def _index_dir(plan: "Plan", place: o.PlaceOptions) -> Path:
    """A plan's folder is as it was typed; it may have been moved since, together with the run's."""
    planned = Path(plan.index_dir)
    beside = place.root_dir / planned.name
    return planned if planned.is_dir() or not beside.is_dir() else beside


def _filled(
    given: AskedIndexOptions, retriever: str, index_dir: Path, index_name: str, reranker: str
) -> o.IndexOptions:
    return o.IndexOptions(
        retriever=given.retriever or retriever,
        encoder=given.encoder,
        reranker=given.reranker if given.reranker != RERANKER else reranker,
        index_name=given.index_name or index_name,
        index_dir=given.index_dir or index_dir,
    )
