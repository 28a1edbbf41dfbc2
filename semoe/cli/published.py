"""The verbs of the stages: index, retrieve, augment, encode, inference, evaluate. Parse, call, print."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli import switching as sw
from semoe.cli.output import show, table
from semoe.errors import unknown_name
from semoe.evaluation import interval
from semoe.models import load_model
from semoe.models.dtypes import torch_dtype
from semoe.published.augment import augment as run_augment
from semoe.published.encode import encode as run_encode
from semoe.published.evaluate import evaluate as run_evaluate
from semoe.published.inference import inference as run_inference
from semoe.published.retrieve import retrieve as run_retrieve
from semoe.retrieval import (
    ElasticConfig,
    LoadSettings,
    Nothing,
    RetrievalConfig,
    build_index,
    load_index,
    retrievers,
)
from semoe.stages.corpus import open_corpus
from semoe.stages.inference_settings import InferenceSettings
from semoe.telemetry import progress, serving


def index(
    data_path: Annotated[
        str,
        typer.Option("--data_path", help="Passages in DPR's format (id, text, title): a file or s3://…; may be .gz."),
    ],
    index_name: o.IndexName = "wiki",
    index_dir: o.IndexDir = o.INDEX,
    retriever: o.Retriever = "bm25",
    es_url: o.EsUrl = None,
    es_ca_file: o.EsCaFile = None,
    num_shards: Annotated[
        int, typer.Option("--num_shards", min=1, help="elasticsearch: parts of the index; 1 is enough for Wikipedia.")
    ] = 1,
    num_replicas: Annotated[
        int, typer.Option("--num_replicas", min=0, help="elasticsearch: copies on other nodes, made after loading.")
    ] = 0,
    metrics_port: o.MetricsPort = 0,
    last_scrape_seconds: o.LastScrape = 0.0,
    json: o.Json = False,
) -> None:
    """Build a BM25 index of passages: in a folder, or in Elasticsearch, where a stopped load goes on.

    Example: semoe index --data_path psgs_w100.tsv --index_name wiki

    Example: semoe index --retriever elasticsearch --es_url http://es:9200 --data_path psgs_w100.tsv
    """
    if retriever.lower() not in retrievers:
        raise unknown_name("retriever", retriever, retrievers)
    elastic = _elastic(retriever, es_url, es_ca_file)
    corpus = open_corpus(data_path)
    served = serving(metrics_port, last_scrape_s=last_scrape_seconds)
    with served, corpus.file, progress("index", corpus.size, "bytes") as advance:
        passages = corpus.passages(advance)
        if elastic is None:
            result = {"passages": build_index(passages, index_dir / index_name), "index": index_dir / index_name}
        else:
            layout = LoadSettings(num_shards=num_shards, num_replicas=num_replicas)
            loaded = load_index(passages, index_name, elastic, corpus=corpus.identity, settings=layout)
            there = {"already_there": loaded.num_found}
            result = {"passages": loaded.num_passages} | there | {"index": f"{elastic.where}/{index_name}"}
    show(result, as_json=json)


def _elastic(retriever: str, url: str | None, ca_file: Path | None) -> ElasticConfig | None:
    """Where Elasticsearch is, if it is asked for: a mistake in its settings is none for other retrievers."""
    if retriever.lower() != "elasticsearch":
        return None
    return ElasticConfig.from_environment(url=url, ca_file=ca_file)


def retrieve(
    dataset: o.Dataset,
    data_path: o.DataPath,
    topk: o.Topk = 3,
    data_type: o.DataType = None,
    sample: o.Sample = -1,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Shuffle before sampling.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the shuffle.")] = 42,
    retriever: o.Retriever = "bm25",
    index_name: o.IndexName = "wiki",
    index_dir: o.IndexDir = o.INDEX,
    es_url: o.EsUrl = None,
    es_ca_file: o.EsCaFile = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Find the passages of each question; the question is the query.

    Example: semoe retrieve --dataset popqa --data_path data/popqa --sample 10
    """
    settings = o.stage(root_dir, "", dataset, o.adjusted("semoe"), data_type=data_type, sample=sample)
    elastic = _elastic(retriever, es_url, es_ca_file)
    config = RetrievalConfig(index_dir=index_dir, index_name=index_name, elastic=elastic)
    found = retrievers[retriever.lower()](config)
    report = run_retrieve(found, settings, data_path, topk=topk, shuffle=shuffle, seed=seed)
    show(asdict(report), as_json=json)


def augment(
    dataset: o.Dataset,
    model_name: Annotated[str, typer.Option("--model_name", help="`parse` (no language model), or a model.")] = "parse",
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Says how many pairs; as for `encode`. Default: semoe; of a model published."),
    ] = None,
    topk: o.Topk = 3,
    data_type: o.DataType = None,
    sample: o.Sample = -1,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Turn each retrieved passage into a rewrite and question-answer pairs; goes on after a stop.

    Example: semoe augment --dataset popqa --model_name parse
    """
    recipe = o.adjusted(preset or ("semoe" if model_name == "parse" else "published"))
    settings = o.stage(
        root_dir, model_name, dataset, recipe, data_type=data_type, sample=sample, augment_model=model_name
    )
    for report in run_augment(settings, topk=topk):
        show(asdict(report) | {"folder": settings.augmented_folder}, as_json=json)


def encode(
    model_name: o.ModelName,
    dataset: o.Dataset,
    preset: o.PresetName = "semoe",
    data_type: o.DataType = None,
    with_cot: o.WithCot = False,
    sample: o.Sample = -1,
    augment_model: o.AugmentModel = None,
    per_device_train_batch_size: o.BatchSize = None,
    num_train_epochs: o.Epochs = None,
    learning_rate: o.LearningRate = None,
    lora_rank: o.LoraRank = None,
    lora_alpha: o.LoraAlpha = None,
    dtype: o.Dtype = "float32",
    device: o.Device = "auto",
    tokens_per_step: o.TokensPerStep = 2048,
    export: Annotated[
        bool, typer.Option("--export/--no-export", help="Write the published offline/ folders too.")
    ] = True,
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Train one expert for each distinct passage; what the store has is not trained again.

    Example: semoe encode --model_name smollm2 --dataset popqa --lora_rank 2 --lora_alpha 32
    """
    recipe = o.adjusted(
        preset,
        rank=lora_rank,
        alpha=lora_alpha,
        learning_rate=learning_rate,
        epochs=num_train_epochs,
        batch_size=per_device_train_batch_size,
    )
    settings = o.stage(
        root_dir,
        model_name,
        dataset,
        recipe,
        data_type=data_type,
        with_cot=with_cot,
        sample=sample,
        augment_model=augment_model,
        store=store,
    )
    model = load_model(model_name, dtype=torch_dtype(dtype), device=device)
    show(asdict(run_encode(model, settings, tokens_per_step=tokens_per_step, export=export)), as_json=json)


def inference(
    model_name: o.ModelName,
    dataset: o.Dataset,
    inference_method: Annotated[str, typer.Option("--inference_method", help="none, icl, prag, combine.")] = "combine",
    preset: o.PresetName = "semoe",
    data_type: o.DataType = None,
    with_cot: o.WithCot = False,
    sample: o.Sample = -1,
    augment_model: o.AugmentModel = None,
    max_new_tokens: Annotated[int | None, typer.Option("--max_new_tokens", help="Default: the preset's.")] = None,
    experts: Annotated[str, typer.Option("--experts", help="own, or random (the control).")] = "own",
    merge: Annotated[str | None, typer.Option("--merge", help="sum, mean, half, top1, score.")] = None,
    per_device_train_batch_size: o.BatchSize = None,
    num_train_epochs: o.Epochs = None,
    learning_rate: o.LearningRate = None,
    lora_rank: o.LoraRank = None,
    lora_alpha: o.LoraAlpha = None,
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
    retriever: o.Retriever = "bm25",
    index_name: o.IndexName = "wiki",
    index_dir: o.IndexDir = o.INDEX,
    es_url: o.EsUrl = None,
    es_ca_file: o.EsCaFile = None,
    dtype: o.Dtype = "float32",
    device: o.Device = "auto",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    json: o.Json = False,
) -> None:
    """Answer the questions with passages, experts, both or neither, and score the answers; goes on after a stop.

    Example: semoe inference --model_name smollm2 --dataset popqa --inference_method prag

    Example, switching experts while answering: semoe inference --model_name smollm2 --dataset popqa --method token
    """
    switching = sw.switch_settings(locals())
    recipe = o.adjusted(
        preset,
        rank=lora_rank,
        alpha=lora_alpha,
        learning_rate=learning_rate,
        epochs=num_train_epochs,
        batch_size=per_device_train_batch_size,
    )
    settings = o.stage(
        root_dir,
        model_name,
        dataset,
        recipe,
        data_type=data_type,
        with_cot=with_cot,
        sample=sample,
        augment_model=augment_model,
        store=store,
    )
    elastic = _elastic(retriever, es_url, es_ca_file)
    how = InferenceSettings(
        inference_method=inference_method,
        experts=experts,
        merge=merge,
        max_new_tokens=max_new_tokens,
        switching=switching,
        index=f"{retriever.lower()} {elastic.where if elastic else index_dir.resolve()}/{index_name}",
    )
    config = RetrievalConfig(index_dir=index_dir, index_name=index_name, elastic=elastic)
    opened = (Nothing() if method == "non-retrieval" else retrievers[retriever.lower()](config)) if switching else None
    model = load_model(model_name, dtype=torch_dtype(dtype), device=device)
    for report in run_inference(model, settings, how, opened):
        scores = {name: round(value, 4) for name, value in report.scores._asdict().items()}
        plain = {
            "data_type": report.data_type,
            "questions": report.num_questions,
            "experts": report.num_experts,
        }
        show(plain | scores | {"folder": report.folder}, as_json=json)


def evaluate(
    folders: Annotated[list[Path], typer.Argument(help="Output folders with predict.json.")],
    extraction: Annotated[
        list[str] | None,
        typer.Option("--extraction", help="published, published_cot, semoe; default: first and last."),
    ] = None,
) -> None:
    """Score finished answers again, with 95 % intervals, by the published and the repaired extraction.

    Example: semoe evaluate output/smollm2/rank=2_alpha=32/popqa/*/aug_model=parse/*/total
    """
    rows = []
    for folder in folders:
        for name in extraction or ["published", "semoe"]:
            scores = run_evaluate(folder, name)
            f1, em = (interval([100 * getattr(s, part) for s in scores]) for part in ("f1", "em"))
            rows.append(
                [
                    folder.parent.name,
                    name,
                    len(scores),
                    *(f"{v.mean:.1f} [{v.low:.1f}, {v.high:.1f}]" for v in (em, f1)),
                ]
            )
    table("Scores in percent, 95 % interval over questions", ("method", "extraction", "n", "EM", "F1"), rows)
