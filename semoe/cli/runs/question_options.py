"""Options of `semoe plan`: which questions are answered, in which ways, with which prompt."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group

if TYPE_CHECKING:
    from semoe.generation.switching.settings import SwitchSettings

METHODS = "none,icl,prag,combine,prag_random"
SWITCHING_METHODS = "icl,prag,combine"


@option_group("Questions and answers", table="plan")
class PlannedQuestions:
    """Which questions, and how they are answered."""

    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="As for retrieve; may be given several times.")
    ] = None
    data_path: Annotated[
        list[Path] | None, typer.Option("--data_path", help="One for each --dataset, in the same order.")
    ] = None
    data_type: o.DataType = None
    sample: o.Sample = -1
    topk: o.Topk = 3
    inference_method: Annotated[
        str,
        typer.Option(
            "--inference_method",
            help="Ways to answer, separated by commas; prag_random and combine_random are the controls. "
            f"Default: {METHODS}; with --method {SWITCHING_METHODS}. A run none of whose answers loads an expert "
            "trains none.",
        ),
    ] = ""
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            "--max_new_tokens",
            min=1,
            help="Tokens of an answer, at most; with --method say --generate_max_length. Default: the preset's.",
        ),
    ] = None
    fewshot: Annotated[
        int | None,
        typer.Option(
            "--fewshot",
            min=0,
            help="Worked examples in the prompt: the first so many of the dataset's. Default: all that the experts "
            "were trained with (--with_cot), or none.",
        ),
    ] = None
    dtype: o.Dtype = "float32"
    quantization: o.QuantizationName = None
    tokens_per_step: o.TokensPerStep = None

    def folder_names(self, switching: "SwitchSettings | None") -> tuple[str, ...]:
        """Returns the folder names of the ways to answer."""
        from semoe.stages.inference_settings import InferenceSettings

        names = (self.inference_method or (SWITCHING_METHODS if switching else METHODS)).split(",")
        return tuple(InferenceSettings.of(name, switching).folder_name for name in names)
