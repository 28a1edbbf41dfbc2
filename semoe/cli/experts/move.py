"""`semoe experts export | import`: take experts out of a store and into it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Key, SpacePlaceOptions, whole_key
from semoe.cli.option_groups import option_group, verb
from semoe.cli.output import show
from semoe.cli.published import QuestionOptions, loaded_model, stage_settings
from semoe.cli.recipe import PresetName, RecipeOptions
from semoe.errors import UsageError


@option_group("Recipe of the experts", table="imported_recipe")
class PublishedRecipeOptions(RecipeOptions):
    """The recipe that made a published tree."""

    preset: PresetName = "published"


@verb
def export(
    key: Key,
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    place: SpacePlaceOptions,
    output: o.OutputOptions,
) -> None:
    """Export one expert as a plain PEFT folder. `semoe encode --export` writes the published tree.

    Example: semoe experts export 3fa9 --to my_expert
    """
    from semoe.store.export import export_expert

    opened = place.open()
    whole = whole_key(opened, key)
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    export_expert(opened, whole, [to])
    show({"exported": whole, "to": to}, as_json=output.as_json)


@verb
def import_verb(
    recipe: PublishedRecipeOptions,
    questions: QuestionOptions,
    computing: o.ComputeOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
) -> None:
    """Take the experts of a published offline/ tree into the store; each is checked, and one without effect is refused.

    Example: semoe experts import --model_name llama3.2_1b --dataset popqa --lora_rank 2 --lora_alpha 32
    """
    from semoe.published.imports import import_experts

    settings = stage_settings(recipe, questions, place)
    show(asdict(import_experts(loaded_model(recipe, computing), settings)), as_json=output.as_json)
