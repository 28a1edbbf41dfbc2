"""`semoe plan`: says what a run will do and cost, and writes it down so that any number of workers can do it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.cli.output import err
from semoe.cli.recipe import RecipeOptions
from semoe.cli.runs.cutting_options import ShardOptions, TrainedOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.show_plan import show_plan
from semoe.cli.switching import SwitchOptions
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.retrieval.retrievers import parts_of

if TYPE_CHECKING:
    from semoe.generation.switching.settings import SwitchSettings
    from semoe.runs.estimate import Estimate, Throughput
    from semoe.runs.folder import RunFolder
    from semoe.runs.plan import Manifest, Plan

METHODS = "none,icl,prag,combine,prag_random"
SWITCHING_METHODS = "icl,prag,combine"


@option_group("What it will take", table="estimate")
class EstimateOptions:
    """Measured or given speed, and prices."""

    parallelism: o.Parallelism = 1
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe", help="Measure this machine on some passages, to say how long the run takes."
        ),
    ] = False
    experts_per_second: Annotated[
        float | None,
        typer.Option("--experts_per_second", help="Speed of one worker, where it was measured before: no --probe."),
    ] = None
    gpu_price: Annotated[
        float, typer.Option("--gpu_price", help="Price of one worker's machine for an hour, in any currency.")
    ] = 0.0
    storage_price: Annotated[
        float, typer.Option("--storage_price", help="Price of keeping a gigabyte for a month.")
    ] = 0.023
    request_price: Annotated[
        float, typer.Option("--request_price", help="Price of a thousand writes to the store.")
    ] = 0.005

    def given(self) -> "Throughput | None":
        """Returns the speed that was given; None for one that is to be measured or stays unknown."""
        from semoe.runs.estimate import Throughput

        return Throughput(rounds=(self.experts_per_second,)) if self.experts_per_second else None


InferenceMethods = Annotated[
    str,
    typer.Option(
        "--inference_method",
        help="Ways to answer, separated by commas; prag_random and combine_random are the controls. "
        f"Default: {METHODS}; with --method {SWITCHING_METHODS}.",
    ),
]


@verb
def plan(
    run: Run,
    recipe: RecipeOptions,
    switching: SwitchOptions,
    index_place: o.IndexOptions,
    cutting: ShardOptions,
    trained: TrainedOptions,
    costs: EstimateOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="As for retrieve; may be given several times.")
    ] = None,
    data_path: Annotated[
        list[Path] | None, typer.Option("--data_path", help="One for each --dataset, in the same order.")
    ] = None,
    data_type: o.DataType = None,
    sample: o.Sample = -1,
    topk: o.Topk = 3,
    inference_method: InferenceMethods = "",
    dtype: o.Dtype = "float32",
    tokens_per_step: o.TokensPerStep = None,
) -> None:
    """Plan a run: find the passages, cut the work into shards, say what it takes. Nothing is trained yet.

    Example: semoe plan --run first --dataset popqa --data_path data/popqa --sample 100 --model_name smollm2 --probe

    Example: semoe plan --run wiki --corpus s3://data/psgs_w100.tsv --model_name llama3.2_1b --shards 512

    For a cluster, whose index is out of reach: add --retriever elasticsearch --retrieve_later --store s3://bucket/semoe
    """
    from semoe.models.dtypes import torch_dtype
    from semoe.runs.planning import PlanSettings, QuestionFile, plan_run

    datasets, paths = dataset or [], data_path or []
    _require_sense(datasets, paths, recipe, index_place, cutting, costs, trained.corpus)
    _require_use_of(trained, cutting, costs, datasets, sample)
    whole = trained.corpus if not datasets else None
    torch_dtype(dtype)
    switch_settings = switching.settings()
    settings = PlanSettings(
        files=tuple(map(QuestionFile, datasets, paths)),
        data_type=data_type,
        sample=sample,
        recipe=recipe.settings(datasets[0] if datasets else ""),
        topk=topk,
        retriever=index_place.retriever.lower(),
        index_dir=index_place.index_dir,
        index_name=index_place.index_name,
        reranker=index_place.reranker,
        methods=_folder_names(inference_method, switch_settings) if datasets else (),
        switching=None if whole else switch_settings,
        dtype=dtype,
        tokens_per_step=tokens_per_step,
        num_passage_shards=cutting.shards,
        num_question_shards=cutting.question_shards or cutting.shards,
        corpus=whole,
        quoting=trained.quoting,
        experts_of=trained.experts_of,
        augment_apart=trained.augment_apart,
        snapshot=trained.snapshot,
    )
    if trained.corpus and not whole:
        _index(trained.corpus, trained.quoting, index_place)
    folder = open_run(place, run)
    made = plan_run(folder, settings)
    _estimate(folder, _manifest(folder, made, later=cutting.retrieve_later), costs, output)


def _manifest(folder: "RunFolder", made: "Plan", *, later: bool) -> "Manifest":
    """Retrieves, and returns what there is to train; what the run itself is to find out is reckoned."""
    from semoe.runs.manifest import provisional_manifest
    from semoe.runs.retrieving import retrieve_and_cut

    return provisional_manifest(made) if later or made.corpus else retrieve_and_cut(folder, made)


def _folder_names(methods: str, switching: "SwitchSettings | None") -> tuple[str, ...]:
    """Returns the folder names of the ways to answer."""
    from semoe.stages.inference_settings import InferenceSettings

    names = (methods or (SWITCHING_METHODS if switching else METHODS)).split(",")
    return tuple(InferenceSettings.of(name, switching).folder_name for name in names)


def _index(corpus: str, quoting: str, index_place: o.IndexOptions) -> None:
    """Indexes the corpus where that is not done, and says so."""
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.stages.index import ensure_index

    where = RetrievalConfig(
        index_dir=index_place.index_dir, index_name=index_place.index_name, encoder=index_place.encoder or None
    )
    for indexed in ensure_index(corpus, index_place.retriever, where, quoting):
        err.print(f"Indexed {indexed.num_passages} passages: {indexed.index}", soft_wrap=True)


def _require_sense(
    datasets: Sequence[str],
    paths: Sequence[Path],
    recipe: RecipeOptions,
    index_place: o.IndexOptions,
    cutting: ShardOptions,
    costs: EstimateOptions,
    corpus: str | None,
) -> None:
    """Refuses options that contradict each other, before anything is done."""
    if cutting.retrieve_later and costs.probe:
        raise UsageError(
            "--probe measures on the run's passages, which --retrieve_later leaves unknown. Give --experts_per_second.",
            kind="options",
        )
    parts_of(index_place.retriever)
    if not datasets and not corpus:
        raise UsageError(
            "Say what is to be trained: what questions retrieve (--dataset and --data_path), or all of a corpus "
            "(--corpus).",
            kind="options",
        )
    if not datasets and recipe.with_cot:
        raise UsageError("--with_cot takes worked examples from a dataset, which a corpus has not.", kind="options")
    if index_place.encoder and not corpus:
        raise UsageError(
            "--encoder makes an index, so it needs --corpus. An index that is there knows its encoder.", kind="options"
        )
    if len(datasets) != len(paths):
        raise UsageError(f"{len(datasets)} --dataset but {len(paths)} --data_path: give one for each.", kind="options")
    if recipe.with_cot and len(set(datasets)) > 1:
        raise UsageError("With --with_cot a run has one dataset: each has its own worked examples.", kind="options")


def _require_use_of(
    trained: TrainedOptions, cutting: ShardOptions, costs: EstimateOptions, datasets: Sequence[str], sample: int
) -> None:
    """Refuses what a run over a corpus, or one that trains nothing, would not look at."""
    given = {"retrieve_later": cutting.retrieve_later, "sample": sample >= 0, "experts_of": bool(trained.experts_of)}
    stray = next((name for name, is_given in given.items() if is_given), None)
    if not datasets and stray:
        raise UsageError(f"--{stray} is for questions: it needs --dataset.", kind="options")
    if trained.augment_apart and datasets:
        raise UsageError("--augment_apart is for a corpus: a run over questions always does.", kind="options")
    if trained.snapshot and not trained.experts_of:
        raise UsageError("--snapshot is for experts that are there: it needs --experts_of.", kind="options")
    if trained.experts_of and costs.probe:
        raise UsageError("--probe measures training, and with --experts_of nothing is trained.", kind="options")


def _estimate(folder: "RunFolder", manifest: "Manifest", costs: EstimateOptions, output: o.OutputOptions) -> None:
    """Measures where that is asked for; keeps and prints what the run will take."""
    from semoe.runs.probe import probe

    measured = probe(folder, manifest) if costs.probe else costs.given()
    found = keep_estimate(folder, manifest, measured, costs)
    show_plan(folder, manifest, found, measured, as_json=output.as_json)


def keep_estimate(
    folder: "RunFolder", manifest: "Manifest", measured: "Throughput | None", costs: EstimateOptions
) -> "Estimate":
    """Reckons what a run will take, and keeps it beside the plan."""
    from semoe.runs.estimate import Estimate, Prices
    from semoe.runs.gpus import gpus_here
    from semoe.runs.planning import estimate_of

    prices = Prices(
        accelerator_hour=costs.gpu_price,
        gigabyte_month=costs.storage_price,
        thousand_requests=costs.request_price,
    )
    # No cluster reads a folder of this machine: what is planned in one is done here.
    gpus = 0 if "://" in folder.objects.url else len(gpus_here())
    found = estimate_of(folder.plan(), manifest, measured, parallelism=costs.parallelism, prices=prices, gpus=gpus)
    folder.write("estimate.json", found, Estimate)
    return found
