"""The recipe of experts as options: a preset, and what is laid over it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli.option_groups import among, option_group
from semoe.cli.options import ModelName

if TYPE_CHECKING:
    from semoe.experts.preset import Preset
    from semoe.stages.recipe import Recipe


def _presets(incomplete: str) -> list[str]:
    from semoe.experts.preset import preset_names

    return among(*preset_names())(incomplete)


PresetName = Annotated[
    str,
    typer.Option(
        "--preset", autocompletion=_presets, help="Recipe of experts and answers: semoe, published, or a TOML file."
    ),
]


@option_group("Recipe of the experts", table="recipe")
class RecipeOptions:
    """What decides an expert, beside its passage."""

    model_name: ModelName
    preset: PresetName = "semoe"
    with_cot: Annotated[
        bool,
        typer.Option("--with_cot/--no-with_cot", help="Train and ask with chains of thought, after worked examples."),
    ] = False
    augment_model: Annotated[
        str | None,
        typer.Option(
            "--augment_model",
            help="Whose question-answer pairs to train on: a model's name, or parse. Default: the preset's.",
        ),
    ] = None
    lora_rank: Annotated[int | None, typer.Option("--lora_rank", help="Default: the preset's.")] = None
    lora_alpha: Annotated[int | None, typer.Option("--lora_alpha", help="Default: the preset's.")] = None
    learning_rate: Annotated[float | None, typer.Option("--learning_rate", help="Default: the preset's.")] = None
    num_train_epochs: Annotated[
        int | None,
        typer.Option(
            "--num_train_epochs", help="Passes over a passage's sequences, in place of the preset's number of steps."
        ),
    ] = None
    per_device_train_batch_size: Annotated[
        int | None,
        typer.Option("--per_device_train_batch_size", help="Sequences an optimiser step. Default: the preset's."),
    ] = None
    base_weight: Annotated[
        str,
        typer.Option(
            "--base_weight",
            metavar="FOLDER|KEY",
            help="What every expert starts from: a PEFT folder, or the key that `semoe warmup` printed. Default: "
            "random numbers. Its experts are others than those: give it again to answer with them.",
        ),
    ] = ""

    template_args: Annotated[
        str,
        typer.Option(
            "--template_args",
            metavar="JSON",
            help="Values for the model's chat template, such as '{\"enable_thinking\": true}'. "
            "By default a model that can think is asked not to.",
        ),
    ] = ""

    def adjusted(self) -> "Preset":
        """Loads the preset and lays the options over it.

        Raises:
            UsageError: no such preset, or an impossible value.
        """
        from semoe.experts.preset import ChatSettings, load_preset

        preset = load_preset(self.preset)
        lora = preset.lora
        training = preset.training
        if self.lora_rank is not None:
            lora = replace(lora, rank=self.lora_rank)
        if self.lora_alpha is not None:
            lora = replace(lora, alpha=self.lora_alpha)
        if self.learning_rate is not None:
            training = replace(training, learning_rate=self.learning_rate)
        if self.num_train_epochs is not None:
            # A preset that counts steps would not look at epochs.
            training = replace(training, num_epochs=self.num_train_epochs, num_steps=None)
        if self.per_device_train_batch_size is not None:
            training = replace(training, batch_size=self.per_device_train_batch_size)
        if self.base_weight:
            training = replace(training, base_weight=self.base_weight)
        chat = ChatSettings(arguments=self.template_args) if self.template_args else preset.chat
        return replace(preset, lora=lora, training=training, chat=chat)

    def settings(self, dataset: str) -> "Recipe":
        """Returns the recipe for a dataset, whose worked examples chains of thought follow.

        Raises:
            UsageError: no such preset, an impossible value, or no worked examples.
        """
        from semoe.stages.recipe import Recipe

        cot_of = dataset if self.with_cot else None
        return Recipe.of(self.model_name, self.adjusted(), augment_model=self.augment_model, cot_of=cot_of)
