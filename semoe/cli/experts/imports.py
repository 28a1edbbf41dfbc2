"""`semoe experts import`: takes the experts of a published tree into a store."""

from dataclasses import asdict

from semoe.cli import options as o
from semoe.cli.gathering import QuestionOptions, loaded_model, stage_settings
from semoe.cli.option_groups import option_group
from semoe.cli.output import show
from semoe.cli.recipe import PresetName, RecipeOptions
from semoe.cli.verbs import verb


@option_group("Recipe of the experts", table="recipe")
class PublishedRecipeOptions(RecipeOptions):
    """The recipe that made a published tree."""

    preset: PresetName = "published"


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
