"""`semoe ask`: a person's question, answered live; several ways side by side; one question after the other."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from semoe.cli import options as o
from semoe.cli.ask.options import AskedIndexOptions, AskedRecipeOptions, AskedSwitchOptions, AskingOptions
from semoe.cli.output import err, print_json
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.cli.ask.opening import Places, Source
    from semoe.models.model import Model
    from semoe.retrieval.retriever import RetrievalConfig, Retriever
    from semoe.stages.asking import Asker
    from semoe.stages.inference_settings import InferenceSettings


@verb
def ask(
    asking: AskingOptions,
    recipe: AskedRecipeOptions,
    switching: AskedSwitchOptions,
    index_place: AskedIndexOptions,
    elastic: o.ElasticOptions,
    computing: o.ComputeOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    question: Annotated[
        str | None, typer.Argument(help="The question. Default: one line after the other, until Ctrl-D.")
    ] = None,
) -> None:
    """Ask a question and watch the answer being written: where the model doubts, what it looks up, which experts come.

    Example, after `semoe demo`: semoe ask "In what city was Juha Jokela born?" --root_dir demo_run

    Example: semoe ask "In what city was Juha Jokela born?" --root_dir demo_run --compare none,icl,prag,combine

    Example, of a text of your own: semoe ask "Who repaired the bell?" --teach notes.txt
    """
    from semoe.cli.ask.opening import Places, open_source
    from semoe.cli.ask.showing import document, show_answers
    from semoe.stages.asking import require_question

    if question is not None:
        require_question(question)
    ways = asking.ways(switching)
    places = Places(recipe=recipe, index_place=index_place, elastic=elastic, computing=computing, place=place)
    source = open_source(places, asking)
    asker, taught = _ready(source, places, asking, ways)
    if question is None:
        from semoe.cli.ask.conversation import converse

        converse(asker, ways, as_json=output.as_json)
        return
    answers = show_answers(asker, question, ways, is_shown=not output.as_json)
    if output.as_json:
        print_json(document(asker, question, answers) | ({"taught": taught} if taught else {}))


def _ready(
    source: "Source", places: "Places", asking: AskingOptions, ways: "list[InferenceSettings]"
) -> "tuple[Asker, dict[str, Any]]":
    """Loads the model, and teaches it a text where one is given; returns who answers, and what teaching came to."""
    from semoe.stages.asking import Asker

    # A mistake in the index or the text is told before a model is loaded.
    retriever = None if asking.teach else _retriever(source, ways, source.where)
    started = time.monotonic()
    if asking.teach:
        model, where, taught = _taught(source, places, asking)
        retriever = _retriever(source, ways, where)
    else:
        model, taught = source.load_model(), {}
    asker = Asker(
        model=model,
        recipe=source.recipe,
        objects=source.objects,
        retriever=retriever,
        topk=source.topk,
        exemplars=source.exemplars,
    )
    _get_ready(asker, source, ways)
    err.print(f"{source.recipe.model_name} is ready after {time.monotonic() - started:.1f} s.", soft_wrap=True)
    return asker, taught


def _get_ready(asker: "Asker", source: "Source", ways: "list[InferenceSettings]") -> None:
    try:
        for how in ways:
            asker.ready(how)
    except UsageError as error:
        if error.kind != "missing-stage" or not source.run:
            raise
        raise UsageError(
            f"Run {source.run} has no expert yet: `semoe status --run {source.run}`, with the same --root_dir or "
            "--store, says how far it is. To ask without experts: --compare none,icl.",
            kind=error.kind,
        ) from error


def _retriever(source: "Source", ways: "list[InferenceSettings]", where: "RetrievalConfig") -> "Retriever | None":
    from semoe.retrieval.retrievers import open_retriever
    from semoe.stages.retrieve import switching_retriever

    if ways[0].switching:
        return switching_retriever(source.retriever, where, ways[0].switching)
    wants = any(how.inference_method != "none" for how in ways)
    return open_retriever(source.retriever, where) if wants else None


def _taught(
    source: "Source", places: "Places", asking: AskingOptions
) -> "tuple[Model, RetrievalConfig, dict[str, Any]]":
    """Cuts the texts, loads the model, and trains their experts; says the seconds of each."""
    from dataclasses import replace

    from semoe.cli.ask.opening import TAUGHT
    from semoe.language import Language
    from semoe.stages.notes import read_notes
    from semoe.stages.teaching import teach

    folder = places.index_place.index_dir or places.place.root_dir / TAUGHT
    started = time.monotonic()
    passages = read_notes(asking.teach or [], Language())
    cut = time.monotonic()
    model = source.load_model()
    loaded = time.monotonic()
    where = replace(source.where, index_dir=folder)
    made = teach(model, source.recipe, passages, source.objects, source.retriever, where)
    seconds = {"cut": cut - started, "load": loaded - cut, **made.seconds}
    told = {
        "passages": made.passages,
        "pairs": made.pairs,
        "experts": made.experts,
        "already_there": made.already_there,
    }
    each = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    err.print(
        f"Taught {counted(made.passages, 'passage')} ({counted(made.pairs, 'pair')}, "
        f"{counted(made.experts, 'expert')}, {made.already_there} of them there before): {each}. "
        f"Experts are in {source.objects.url}, the index in {folder}.",
        soft_wrap=True,
    )
    return model, made.where, told | {"seconds": {name: round(value, 3) for name, value in seconds.items()}}
