"""Options that several verbs share, under their published names."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from semoe.experts.preset import Preset, load_preset
from semoe.published.settings import StageSettings

RootDir = Annotated[
    Path, typer.Option("--root_dir", envvar="SEMOE_ROOT", help="Folder of data_aug, offline and output.")
]
ModelName = Annotated[
    str,
    typer.Option("--model_name", help="Folder, hub name, or llama3.2_1b, qwen2.5_1.5b, llama3_8b, smollm2."),
]
Dataset = Annotated[
    str,
    typer.Option("--dataset", help="2wikimultihopqa, hotpotqa, popqa, cwq, or a name for your own JSON file."),
]
DataPath = Annotated[Path, typer.Option("--data_path", help="Folder with the dataset's files, or the file.")]
DataType = Annotated[
    str | None,
    typer.Option("--data_type", help="comparison, bridge, …, or total. Default: every file there is."),
]
Sample = Annotated[int, typer.Option("--sample", help="First N questions; -1: all.")]
Topk = Annotated[int, typer.Option("--topk", min=1, help="Passages a question.")]
WithCot = Annotated[bool, typer.Option("--with_cot", help="Chain-of-thought prompts and targets.")]
AugmentModel = Annotated[
    str | None,
    typer.Option(
        "--augment_model",
        help="Whose question-answer pairs to train on: a model's name, or parse. Default: the preset's.",
    ),
]
PresetName = Annotated[str, typer.Option("--preset", help="semoe, published, or a TOML file.")]
LoraRank = Annotated[int | None, typer.Option("--lora_rank", help="Default: the preset's.")]
LoraAlpha = Annotated[int | None, typer.Option("--lora_alpha", help="Default: the preset's.")]
LearningRate = Annotated[float | None, typer.Option("--learning_rate", help="Default: the preset's.")]
Epochs = Annotated[
    int | None,
    typer.Option("--num_train_epochs", help="Passes over a passage's sequences; default: the preset's."),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--per_device_train_batch_size", help="Sequences an optimiser step; default: the preset's."),
]
TokensPerStep = Annotated[
    int, typer.Option("--tokens_per_step", min=1, help="Tokens trained at once; memory and speed, not result.")
]
Parallelism = Annotated[int, typer.Option("--parallelism", min=1, help="Workers at once.")]
Retriever = Annotated[str, typer.Option("--retriever", help="bm25 (a folder, no server), or elasticsearch.")]
EsUrl = Annotated[
    str | None,
    typer.Option(
        "--es_url",
        envvar="SEMOE_ES_URL",
        help="Addresses of Elasticsearch, separated by commas. Default: http://127.0.0.1:9200. Credentials come from "
        "SEMOE_ES_API_KEY, or SEMOE_ES_USERNAME and SEMOE_ES_PASSWORD.",
    ),
]
EsCaFile = Annotated[
    Path | None,
    typer.Option("--es_ca_file", envvar="SEMOE_ES_CA_FILE", help="Certificates (PEM) that vouch for Elasticsearch."),
]
MetricsPort = Annotated[
    int,
    typer.Option(
        "--metrics_port", envvar="SEMOE_METRICS_PORT", min=0, max=65535, help="Serve /metrics there; 0: do not."
    ),
]
LastScrape = Annotated[
    float,
    typer.Option(
        "--last_scrape_seconds",
        envvar="SEMOE_LAST_SCRAPE_SECONDS",
        help="Before it ends, wait up to so long for one more scrape: longer than Prometheus's interval.",
    ),
]
Namespace = Annotated[
    str,
    typer.Option("--namespace", envvar="SEMOE_NAMESPACE", help="Kubernetes namespace. Default: the current context's."),
]
Format = Annotated[str, typer.Option("--format", help="table, or json.")]
Device = Annotated[
    str, typer.Option("--device", envvar="SEMOE_DEVICE", help="auto (the GPU where there is one), cpu, cuda, cuda:1, …")
]
IndexDir = Annotated[Path, typer.Option("--index_dir", help="Folder of the indexes of bm25.")]
IndexName = Annotated[str, typer.Option("--index_name", "--es_index_name", help="Name of the index.")]
Dtype = Annotated[str, typer.Option("--dtype", help="float32, or bfloat16 (faster where the CPU has it).")]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="SEMOE_STORE",
        help="Folder or s3://bucket/prefix of the expert store, which machines may share. Default: store/ in root_dir.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

ROOT, INDEX = Path(), Path("index")


def adjusted(
    name: str,
    *,
    rank: int | None = None,
    alpha: int | None = None,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Preset:
    """Loads a preset and lays the given options over it; epochs replace a fixed number of steps."""
    preset = load_preset(name)
    lora: dict[str, Any] = {"rank": rank, "alpha": alpha}
    training: dict[str, Any] = {
        "learning_rate": learning_rate,
        "num_epochs": epochs,
        "batch_size": batch_size,
    }
    if epochs is not None:
        preset = replace(preset, training=replace(preset.training, num_steps=None))
    return replace(
        preset,
        lora=replace(preset.lora, **{k: v for k, v in lora.items() if v is not None}),
        training=replace(preset.training, **{k: v for k, v in training.items() if v is not None}),
    )


def stage(
    root: Path,
    model_name: str,
    dataset: str,
    preset: Preset,
    *,
    data_type: str | None = None,
    with_cot: bool = False,
    sample: int = -1,
    augment_model: str | None = None,
    store: str | None = None,
) -> StageSettings:
    """Gathers what all stages share."""
    return StageSettings(
        root=root,
        model_name=model_name,
        dataset=dataset,
        preset=preset,
        data_type=data_type,
        with_cot=with_cot,
        sample=sample,
        augment_model=augment_model,
        store=store,
    )
