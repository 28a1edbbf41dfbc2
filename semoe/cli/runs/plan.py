"""`semoe plan`: says what a run will do and cost, and writes it down so that any number of workers can do it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli import switching as sw
from semoe.cli.output import err, show
from semoe.cli.published import index
from semoe.cli.runs.opening import Run
from semoe.datasets import Task, load_dataset
from semoe.datasets.loading import file_type
from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.models import resolve_model
from semoe.models.config import read_config
from semoe.models.dtypes import torch_dtype
from semoe.models.identity import digest_of_folder
from semoe.published.settings import StageSettings
from semoe.retrieval import retrievers
from semoe.runs import Manifest, Plan, QuestionSet, RunFolder
from semoe.runs.estimate import Estimate, Prices, estimate
from semoe.runs.planning import make_manifest, make_plan, provisional_manifest, tasks_of
from semoe.runs.probe import Throughput, probe
from semoe.stages.inference_settings import InferenceSettings
from semoe.store.objects import open_objects

METHODS = "none,icl,prag,combine,prag_random"
FLOAT_BYTES = 4


def plan(
    run: Run,
    dataset: Annotated[list[str], typer.Option("--dataset", help="As for `retrieve`; may be given several times.")],
    data_path: Annotated[list[Path], typer.Option("--data_path", help="One for each --dataset, in the same order.")],
    model_name: o.ModelName,
    preset: o.PresetName = "semoe",
    data_type: o.DataType = None,
    with_cot: o.WithCot = False,
    sample: o.Sample = -1,
    topk: o.Topk = 3,
    augment_model: o.AugmentModel = None,
    inference_method: Annotated[
        str,
        typer.Option(
            "--inference_method",
            help=f"Comma-separated; `_random` after prag or combine is the control. Default: {METHODS}.",
        ),
    ] = "",
    method: sw.Method = None,
    query_formulation: sw.QueryFormulation = None,
    hallucination_threshold: sw.Threshold = sw.DEFAULT.hallucination_threshold,
    sentence_solver: sw.SentenceSolver = sw.DEFAULT.sentence_solver,
    entity_solver: sw.EntitySolver = sw.DEFAULT.entity_solver,
    entityless: sw.Entityless = sw.DEFAULT.entityless,
    retrieve_topk: sw.RetrieveTopk = sw.DEFAULT.retrieve_topk,
    retrieve_keep_top_k: sw.KeepTopK = sw.DEFAULT.retrieve_keep_top_k,
    check_real_words: sw.CheckRealWords = False,
    fix_length: sw.FixLength = sw.DEFAULT.fix_length,
    generate_max_length: sw.MaxLength = sw.DEFAULT.generate_max_length,
    max_switches: sw.MaxSwitches = sw.DEFAULT.max_switches,
    missing: sw.Missing = sw.DEFAULT.missing,
    lora_rank: o.LoraRank = None,
    lora_alpha: o.LoraAlpha = None,
    learning_rate: o.LearningRate = None,
    num_train_epochs: o.Epochs = None,
    dtype: o.Dtype = "float32",
    tokens_per_step: o.TokensPerStep = 2048,
    retriever: o.Retriever = "bm25",
    index_name: o.IndexName = "wiki",
    index_dir: o.IndexDir = o.INDEX,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="Passages to index first, where the index is not there yet.")
    ] = None,
    retrieve_later: Annotated[
        bool, typer.Option("--retrieve_later", help="Leave retrieval to the run: the index is out of reach from here.")
    ] = False,
    shards: Annotated[
        int | None, typer.Option("--shards", min=1, help="Shards of a stage; default: one for 256 items, 512 at most.")
    ] = None,
    question_shards: Annotated[
        int | None, typer.Option("--question_shards", min=1, help="Of retrieve and inference; default: --shards.")
    ] = None,
    parallelism: o.Parallelism = 1,
    probe_here: Annotated[
        bool, typer.Option("--probe", help="Measure this machine on some passages, to say how long the run takes.")
    ] = False,
    experts_per_second: Annotated[
        float | None, typer.Option("--experts_per_second", help="In place of --probe: of one machine, from elsewhere.")
    ] = None,
    gpu_price: Annotated[float, typer.Option("--gpu_price", help="Of a machine's hour, in your currency.")] = 0.0,
    storage_price: Annotated[float, typer.Option("--storage_price", help="Of a gigabyte for a month.")] = 0.023,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Plan a run: find the passages, cut the work into shards, say what it takes. Nothing is trained yet.

    Example: semoe plan --run first --dataset popqa --data_path data/popqa --sample 100 --model_name smollm2 --probe

    For a cluster, whose index is out of reach: add --retriever elasticsearch --retrieve_later --store s3://bucket/semoe
    """
    if retrieve_later and probe_here:
        raise UsageError(
            "--probe measures on the run's passages, which --retrieve_later leaves unknown. Give --experts_per_second.",
            kind="options",
        )
    retrievers[retriever.lower()]
    switching = sw.switch_settings(locals())
    if len(dataset) != len(data_path):
        raise UsageError(
            f"{len(dataset)} --dataset but {len(data_path)} --data_path: give one for each.", kind="options"
        )
    if with_cot and len(set(dataset)) > 1:
        raise UsageError("With --with_cot a run has one dataset: each has its own worked examples.", kind="options")
    recipe = o.adjusted(preset, rank=lora_rank, alpha=lora_alpha, learning_rate=learning_rate, epochs=num_train_epochs)
    torch_dtype(dtype)
    names = inference_method or ("icl,prag,combine" if switching else METHODS)
    methods = tuple(InferenceSettings.of(name, switching).folder_name for name in names.split(","))
    stages = [
        o.stage(root_dir, model_name, name, recipe, data_type=data_type, with_cot=with_cot, sample=sample,
                augment_model=augment_model, store=store)
        for name in dataset
    ]  # fmt: skip
    if corpus and (retriever.lower() != "bm25" or not (index_dir / index_name).exists()):
        index(corpus, index_name, index_dir, retriever)
    tasks, sets = _questions(stages, data_path)
    digest = digest_of_folder(resolve_model(model_name))
    folder = RunFolder(open_objects(stages[0].store_url), run)
    wanted = Plan(
        run=run, model_name=model_name, preset=recipe, augmented_by=stages[0].augmented_by, sets=sets,
        question_shards=(), topk=topk, retriever=retriever.lower(), index_dir=str(index_dir), index_name=index_name,
        methods=methods, with_cot=with_cot, dtype=dtype, tokens_per_step=tokens_per_step, num_passage_shards=shards,
        switching=switching, model_digest=digest, space=stages[0].recipe.space_of(digest, dtype).name,
    )  # fmt: skip
    made = make_plan(folder, wanted, tasks, question_shards or shards)
    manifest = provisional_manifest(made) if retrieve_later else make_manifest(folder, made)
    given = Throughput(rounds=(experts_per_second,)) if experts_per_second else None
    measured = probe(folder, manifest) if probe_here else given
    _show(
        folder,
        made,
        manifest,
        measured,
        parallelism,
        Prices(accelerator_hour=gpu_price, gigabyte_month=storage_price),
        json,
    )


def _questions(stages: Sequence[StageSettings], paths: Sequence[Path]) -> tuple[list[Task], tuple[QuestionSet, ...]]:
    """Loads the questions of each dataset."""
    tasks, sets = list[Task](), list[QuestionSet]()
    for number, (stage, path) in enumerate(zip(stages, paths, strict=True)):
        own = load_dataset(stage.dataset, path, data_type=stage.data_type, sample=stage.sample)
        tasks += tasks_of(own, number)
        sets.append(
            QuestionSet(
                dataset=stage.dataset, data_type=file_type(stage.dataset, stage.data_type, path), num_questions=len(own)
            )
        )
    return tasks, tuple(sets)


def _show(
    folder: RunFolder,
    plan: Plan,
    manifest: Manifest,
    measured: Throughput | None,
    parallelism: int,
    prices: Prices,
    as_json: bool,
) -> None:
    layout = ExpertLayout(read_config(resolve_model(plan.model_name)), plan.preset.lora)
    rates = (min(measured.rounds), measured.mean, max(measured.rounds)) if measured else None
    found = estimate(
        manifest,
        bytes_per_expert=layout.size * FLOAT_BYTES,
        parallelism=parallelism,
        prices=prices,
        experts_per_second=rates,
    )
    folder.write("estimate.json", found, Estimate)
    at_most = "" if manifest.num_tokens else "at most "
    unknown = "not measured: give --probe or --experts_per_second"
    show(
        {
            "run": plan.run,
            "store": folder.objects.url,
            "questions": sum(one.num_questions for one in plan.sets),
            "passages": f"{at_most}{manifest.num_passages} distinct of {manifest.num_retrieved} retrieved",
            "tokens": manifest.num_tokens or "known after retrieval",
            "shards": f"{len(plan.question_shards)} of questions, {at_most}{len(manifest.passage_shards)} of passages",
            "pods": found.pods,
            "bytes": f"{at_most}{found.num_bytes:,}",
            "experts a second": f"{measured.mean:.3f} ± {measured.spread:.0%} on one machine" if measured else unknown,
            "machine hours": f"{found.hours[1]:.2f} to {found.hours[0]:.2f}" if found.hours else unknown,
            "hours from start to end": f"{found.wall_hours:.2f}" if found.wall_hours is not None else unknown,
            "money": f"{found.money[1]:.2f} to {found.money[0]:.2f}" if found.money else unknown,
            "money a month": f"{found.money_a_month:.4f}",
        },
        as_json=as_json,
    )
    following = f"semoe run --run {plan.run} --store {folder.objects.url}"
    err.print(f"Next: {following}   # on a cluster: --backend argo", soft_wrap=True)
