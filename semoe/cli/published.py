"""The verbs of the published tree: retrieve, augment, encode, inference. Parse, call, print."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from semoe.cli import options as o
from semoe.cli.gathering import QuestionOptions, loaded_model, retrieval_config, stage_settings
from semoe.cli.option_groups import among
from semoe.cli.output import show, show_all
from semoe.cli.recipe import RecipeOptions
from semoe.cli.switching import SwitchOptions
from semoe.cli.verbs import verb
from semoe.files import require_there

if TYPE_CHECKING:
    from semoe.published.inference import InferenceReport
    from semoe.retrieval.retriever import RetrievalConfig

Imported = Annotated[
    bool, typer.Option("--imported/--no-imported", help="Load the experts that `experts import` took from elsewhere.")
]


@verb
def retrieve(
    questions: QuestionOptions,
    data_path: o.DataPath,
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    place: o.FolderOptions,
    output: o.OutputOptions,
    topk: o.Topk = 3,
    shuffle: Annotated[
        bool, typer.Option("--shuffle/--no-shuffle", help="Shuffle the questions before sampling.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the shuffle.")] = 42,
) -> None:
    """Find the passages of each question; the question is the query.

    Example: semoe retrieve --dataset popqa --data_path data/popqa --sample 10
    """
    require_there(data_path, "--data_path")
    from semoe.published.retrieve import retrieve as run_retrieve
    from semoe.published.settings import DatasetSettings
    from semoe.retrieval.retrievers import open_retriever

    settings = DatasetSettings(
        root=place.root_dir, dataset=questions.dataset, data_type=questions.data_type, sample=questions.sample
    )
    retriever = open_retriever(index_place.retriever, retrieval_config(index_place, elastic))
    report = run_retrieve(retriever, settings, data_path, topk=topk, shuffle=shuffle, seed=seed)
    show(asdict(report), as_json=output.as_json)


@verb
def augment(
    questions: QuestionOptions,
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    place: o.FolderOptions,
    output: o.OutputOptions,
    model_name: Annotated[
        str, typer.Option("--model_name", help="Who makes the pairs: parse (rules, no language model), or a model.")
    ] = "parse",
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="Recipe that says how many pairs, as for encode. Default: semoe for parse, published for a model.",
        ),
    ] = None,
    topk: o.Topk = 3,
    data_path: Annotated[
        Path | None,
        typer.Option(
            "--data_path",
            help="Folder with the dataset's files, or the file: first retrieve from the index, as `retrieve` does. "
            "Default: take what `retrieve` found.",
        ),
    ] = None,
) -> None:
    """Turn each retrieved passage into a rewrite and question-answer pairs; goes on after a stop.

    Example: semoe augment --dataset popqa --model_name parse

    Example, as published, with the retrieval: semoe augment --model_name llama3.2_1b --dataset popqa --data_path
    data/popqa --sample 300
    """
    if data_path is not None:
        require_there(data_path, "--data_path")
    from semoe.experts.preset import load_preset
    from semoe.published.augment import augment as run_augment
    from semoe.published.retrieve import retrieve as run_retrieve
    from semoe.published.settings import StageSettings
    from semoe.retrieval.retrievers import open_retriever

    settings = StageSettings(
        root=place.root_dir,
        dataset=questions.dataset,
        data_type=questions.data_type,
        sample=questions.sample,
        model_name=model_name,
        preset=load_preset(preset or ("semoe" if model_name == "parse" else "published")),
        augment_model=model_name,
    )
    if data_path is not None:
        retriever = open_retriever(index_place.retriever, retrieval_config(index_place, elastic))
        settings = settings.of_type(run_retrieve(retriever, settings, data_path, topk=topk).path.stem)
    folder = {"folder": settings.augmented_folder}
    show_all((asdict(report) | folder for report in run_augment(settings, topk=topk)), as_json=output.as_json)


@verb
def encode(
    recipe: RecipeOptions,
    questions: QuestionOptions,
    computing: o.ComputeOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    tokens_per_step: o.TokensPerStep = None,
    export: Annotated[
        bool, typer.Option("--export/--no-export", help="Write the published offline/ folders too.")
    ] = True,
) -> None:
    """Train one expert for each distinct passage; what the store has is not trained again.

    Example: semoe encode --model_name smollm2 --dataset popqa --lora_rank 2 --lora_alpha 32
    """
    from semoe.published.encode import encode as run_encode

    settings = stage_settings(recipe, questions, place)
    # Before a model is loaded.
    settings.types_in(settings.augmented_folder, "augment")
    model = loaded_model(recipe, computing)
    report = run_encode(model, settings, tokens_per_step=tokens_per_step, export=export)
    show(asdict(report), as_json=output.as_json)


@verb
def inference(
    recipe: RecipeOptions,
    questions: QuestionOptions,
    switching: SwitchOptions,
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    computing: o.ComputeOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    inference_method: Annotated[
        str,
        typer.Option(
            "--inference_method",
            autocompletion=among("none", "icl", "prag", "combine"),
            help="What a question gets: none, icl (passages in the prompt), prag (their experts), combine (both).",
        ),
    ] = "combine",
    experts: Annotated[
        Literal["own", "random"],
        typer.Option("--experts", help="random: experts of other questions' passages, the control of every claim."),
    ] = "own",
    imported: Imported = False,
    snapshot: o.Snapshot = "",
    merge: Annotated[
        str | None,
        typer.Option(
            "--merge", help="How a question's experts add up: sum, mean, half, top1, score. Default: the preset's."
        ),
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option("--max_new_tokens", help="Tokens of an answer in one go. Default: the preset's.")
    ] = None,
    quantization: o.QuantizationName = None,
) -> None:
    """Answer the questions with passages, experts, both or neither, and score the answers; goes on after a stop.

    Passages are those that `retrieve` found. With --method it retrieves again while it answers, from the index.

    Example: semoe inference --model_name smollm2 --dataset popqa --inference_method prag

    Example, switching experts while answering: semoe inference --model_name smollm2 --dataset popqa --method token
    """
    from semoe.published.inference import inference as run_inference
    from semoe.stages.inference_settings import InferenceSettings
    from semoe.stages.retrieve import switching_retriever

    where = retrieval_config(index_place, elastic)
    how = InferenceSettings(
        inference_method=inference_method,
        experts=experts,
        imported=imported,
        snapshot=snapshot,
        merge=merge,
        max_new_tokens=max_new_tokens,
        quantization=quantization,
        switching=switching.settings(),
        index=_searched(index_place, where),
    )
    settings = stage_settings(recipe, questions, place)
    # Before a model is loaded.
    settings.types_in(settings.augmented_folder, "augment")
    retriever = switching_retriever(index_place.retriever, where, how.switching)
    reports = run_inference(loaded_model(recipe, computing), settings, how, retriever)
    show_all((_result(report, as_json=output.as_json) for report in reports), as_json=output.as_json)


def _result(report: "InferenceReport", *, as_json: bool) -> dict[str, Any]:
    """Returns what one data type's answers came to; that all fitted into the context is no news to a person."""
    return {
        "data_type": report.data_type,
        "questions": report.num_questions,
        "experts": report.num_experts,
        **{name: round(value, 4) for name, value in report.scores._asdict().items()},
        **(asdict(report.overflow) if as_json or report.overflow else {}),
        "state": ", ".join(one.digest for one in report.states) or None,
        "folder": report.folder,
    }


def _searched(index_place: o.IndexOptions, where: "RetrievalConfig") -> str:
    """Returns what decides what is found, for the record."""
    from semoe.retrieval.retrievers import put_together

    reranked = f" with {where.reranker}" if "rerank" in put_together(index_place.retriever).refining else ""
    return f"{index_place.retriever.lower()} {where.place}/{where.index_name}{reranked}"
