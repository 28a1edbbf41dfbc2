"""Options of `semoe ask`: those of `inference`, where what is not said is taken from a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import among, option_group
from semoe.cli.recipe import RecipeOptions
from semoe.cli.switching import METHODS, SwitchOptions
from semoe.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from semoe.stages.inference_settings import InferenceSettings

WAYS = ("none", "icl", "prag", "combine")
DEFAULT_METHOD = "token"


@option_group("Recipe of the experts", table="recipe")
class AskedRecipeOptions(RecipeOptions):
    """Whose experts answer; nothing of it is needed where a run says so."""

    model_name: Annotated[
        str,
        typer.Option(
            "--model_name",
            autocompletion=among(*o.MODELS),
            help="Base model, as for inference; the other options here then say its experts' recipe. "
            "Default: model and recipe of the run.",
        ),
    ] = ""


@option_group("Retrieving while answering", table="switching")
class AskedSwitchOptions(SwitchOptions):
    """When and with what to retrieve."""

    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            autocompletion=among(*METHODS),
            help=f"Retrieve while answering: {', '.join(METHODS)}. Default: {DEFAULT_METHOD}; with --compare: once, "
            "with the question, before.",
        ),
    ] = None


@option_group("Index", table="index_place")
class AskedIndexOptions(o.IndexOptions):
    """Which index of passages; what is left out is the run's."""

    retriever: Annotated[
        str,
        typer.Option(
            "--retriever", autocompletion=among(*o.RETRIEVERS), help="As for inference. Default: the run's, or bm25."
        ),
    ] = ""
    index_name: Annotated[
        str, typer.Option("--index_name", "--es_index_name", help="Name of the index. Default: the run's, or wiki.")
    ] = ""
    index_dir: Annotated[
        Path | None,
        typer.Option(
            "--index_dir", help="Folder that holds the indexes of bm25 and dense. Default: the run's, or index."
        ),
    ] = None  # type: ignore[assignment]


@option_group("How to ask", table="asking")
class AskingOptions:
    """In which ways a question is answered, and of what."""

    run: Annotated[
        str, typer.Option("--run", help="Take model, recipe and index from this run. Default: demo, or the only one.")
    ] = ""
    inference_method: Annotated[
        str,
        typer.Option(
            "--inference_method",
            autocompletion=among(*WAYS),
            help="What a question gets: none, icl (passages in the prompt), prag (their experts), combine (both).",
        ),
    ] = "combine"
    compare: Annotated[
        str,
        typer.Option("--compare", help=f"Set several ways to answer side by side, such as {','.join(WAYS)}."),
    ] = ""
    merge: Annotated[
        str | None, typer.Option("--merge", help="How experts add up, as for inference. Default: the preset's.")
    ] = None
    topk: Annotated[
        int | None,
        typer.Option("--topk", min=1, help="Passages of an answer in one go (--compare). Default: the run's, or 3."),
    ] = None
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            "--max_new_tokens", min=1, help="Tokens of an answer in one go (--compare). Default: the preset's."
        ),
    ] = None
    snapshot: o.Snapshot = ""
    teach: Annotated[
        list[Path] | None,
        typer.Option(
            "--teach",
            help="A text of your own (UTF-8): it is cut into passages, each gets an expert, and these are asked. May "
            "be given several times.",
        ),
    ] = None

    def ways(self, switching: SwitchOptions) -> "list[InferenceSettings]":
        """Returns the ways to answer, in order.

        Raises:
            UsageError: an unknown way or method, or options that contradict each other.
        """
        from dataclasses import replace

        from semoe.stages.inference_settings import InferenceSettings

        if not self.compare and switching.method is None:
            switching = replace(switching, method=DEFAULT_METHOD)
        settings = switching.settings()
        if settings and (self.topk or self.max_new_tokens):
            raise UsageError(
                "--topk and --max_new_tokens are for answers in one go (--compare without --method); with a method "
                "say --retrieve_topk and --generate_max_length.",
                kind="options",
            )
        names = [name.strip() for name in (self.compare or self.inference_method).split(",")]
        for name in names:
            if name not in WAYS:
                raise unknown_name("way to answer", name, WAYS)
        if len(set(names)) < len(names):
            raise UsageError(f"--compare {self.compare} names a way twice. Give each once.", kind="options")
        return [
            InferenceSettings(
                inference_method=name,
                merge=self.merge,
                max_new_tokens=self.max_new_tokens,
                switching=settings,
                snapshot=self.snapshot if name in ("prag", "combine") else "",
                quantization="none",  # one answer at a time is no faster with it, and any machine may ask
            )
            for name in names
        ]
