"""Options that several verbs share, under their published names, alone and in groups."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from semoe.cli.option_groups import among, option_group
from semoe.retrieval.retriever import RERANKER
from semoe.retrieval.retrievers import retrievers

RETRIEVERS = tuple(retrievers)
MODELS = ("smollm2", "llama3.2_1b", "qwen2.5_1.5b", "llama3_8b")
DATASETS = ("2wikimultihopqa", "hotpotqa", "popqa", "cwq", "strategyqa", "iirc")

RootDir = Annotated[
    Path,
    typer.Option("--root_dir", envvar="SEMOE_ROOT", help="Folder of retrieved/, data_aug/, offline/ and output/."),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model_name",
        autocompletion=among(*MODELS),
        help=f"Base model: a folder, a name on the Hugging Face hub, or {', '.join(MODELS)}.",
    ),
]
Dataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        autocompletion=among(*DATASETS),
        help=f"{', '.join(DATASETS)}, or a name of your own for a file of your own (JSON Lines, JSON, Parquet).",
    ),
]
DataPath = Annotated[Path, typer.Option("--data_path", help="Folder with the dataset's files, or the file.")]
DataType = Annotated[
    str | None,
    typer.Option(
        "--data_type", help="Type of questions: comparison, bridge, …, or total. Default: every file that is there."
    ),
]
Sample = Annotated[int, typer.Option("--sample", help="Take the first so many questions; -1: all.")]
Quoting = Annotated[
    str,
    typer.Option(
        "--quoting",
        autocompletion=among("csv", "none", "jsonl"),
        help="How a corpus's texts are written: csv, none (quotes mean nothing) or jsonl. Default: as their names say.",
    ),
]
Topk = Annotated[int, typer.Option("--topk", min=1, help="Passages to retrieve for a question.")]
Parallelism = Annotated[int, typer.Option("--parallelism", min=1, help="Workers at once.")]
Namespace = Annotated[
    str,
    typer.Option("--namespace", envvar="SEMOE_NAMESPACE", help="Kubernetes namespace. Default: the current context's."),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="SEMOE_STORE",
        help="Folder or s3://bucket/prefix of the expert store, which machines may share. Default: store/ in root_dir.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        envvar="SEMOE_DEVICE",
        autocompletion=among("auto", "cpu", "cuda"),
        help="Where the model computes: auto (the GPU where there is one), cpu, cuda, cuda:1, …",
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        autocompletion=among("float32", "bfloat16"),
        help="Numbers to compute with: float32, or bfloat16 (faster on GPUs, and on CPUs that have it).",
    ),
]
QuantizationName = Annotated[
    Literal["none", "float8"] | None,
    typer.Option(
        "--quantization",
        help="float8: compute two thirds of the products in it while answers are written. A GPU since Hopper answers a "
        "fifth more questions a second so, with --dtype bfloat16, some in other words. Default: the preset's (none).",
    ),
]
TokensPerStep = Annotated[
    int | None,
    typer.Option(
        "--tokens_per_step",
        min=1,
        help="Tokens to train on at once: decides memory and speed, not the result. Left out: 2,048 on a CPU; on a "
        "GPU, what its free memory holds, up to 32,768.",
    ),
]
Snapshot = Annotated[
    str,
    typer.Option(
        "--snapshot",
        help="Read the experts of a state that was kept, whatever was trained since, by its name or the beginning of "
        "it: see experts states. Default: all that there are.",
    ),
]
IndexDir = Annotated[Path, typer.Option("--index_dir", help="Folder that holds the indexes of bm25 and dense.")]

ROOT = Path()
INDEX = Path("index")


@option_group("Where things are", table="place")
class FolderOptions:
    """The folder of the published tree."""

    root_dir: RootDir = ROOT


@option_group("Where things are", table="place")
class PlaceOptions(FolderOptions):
    """The same with the store."""

    store: Store = None

    @property
    def store_url(self) -> str:
        """Folder or address of the store."""
        return self.store or str(self.root_dir / "store")


@option_group("Output", table="output")
class OutputOptions:
    """How a verb prints."""

    format: Annotated[
        Literal["table", "json"],
        typer.Option(
            "--format", help="json: one document on stdout for a program; an error is the last line of stderr then."
        ),
    ] = "table"
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False

    @property
    def as_json(self) -> bool:
        """Whether a program reads."""
        return self.json or self.format == "json"


@option_group("Index", table="index_place")
class IndexOptions:
    """Which index of passages."""

    retriever: Annotated[
        str,
        typer.Option(
            "--retriever",
            autocompletion=among(*RETRIEVERS),
            help="bm25 or dense (an index in a folder, no server; dense-hnsw for millions of passages, dense-gpu), "
            "elasticsearch, elasticsearch-dense, or several that search together, such as bm25+dense or, weighted, "
            "bm25:0.7+dense:0.3. With /names behind it (bm25/names) names in what was found are asked again, with "
            "/rerank a cross-encoder reads what was found.",
        ),
    ] = "bm25"
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Of vectors: a sentence encoder, by folder or name on the Hugging Face hub, or minilm; or sgpt: and a "
            "decoder of SGPT's. Default: minilm; once there is an index, the one that made it.",
        ),
    ] = None
    reranker: Annotated[
        str,
        typer.Option("--reranker", help="Of /rerank: a cross-encoder, by folder or name on the Hugging Face hub."),
    ] = RERANKER
    index_name: Annotated[str, typer.Option("--index_name", "--es_index_name", help="Name of the index.")] = "wiki"
    index_dir: IndexDir = INDEX


@option_group("Elasticsearch", table="elasticsearch")
class ElasticOptions:
    """How to reach Elasticsearch; asked for only where it is the retriever."""

    es_url: Annotated[
        str | None,
        typer.Option(
            "--es_url",
            envvar="SEMOE_ES_URL",
            help="Addresses of Elasticsearch, separated by commas. Default: http://127.0.0.1:9200. Credentials come "
            "from SEMOE_ES_API_KEY, or SEMOE_ES_USERNAME and SEMOE_ES_PASSWORD.",
        ),
    ] = None
    es_ca_file: Annotated[
        Path | None,
        typer.Option(
            "--es_ca_file", envvar="SEMOE_ES_CA_FILE", help="Certificates (PEM) that vouch for Elasticsearch."
        ),
    ] = None


@option_group("Metrics", table="metrics")
class MetricsOptions:
    """Where Prometheus reads."""

    metrics_port: Annotated[
        int,
        typer.Option(
            "--metrics_port", envvar="SEMOE_METRICS_PORT", min=0, max=65535, help="Serve /metrics on it; 0: do not."
        ),
    ] = 0
    last_scrape_seconds: Annotated[
        float,
        typer.Option(
            "--last_scrape_seconds",
            envvar="SEMOE_LAST_SCRAPE_SECONDS",
            help="At the end, wait up to so long for one more scrape: longer than Prometheus's interval.",
        ),
    ] = 0.0


@option_group("Computing", table="computing")
class ComputeOptions:
    """On what, and with which numbers, a model computes."""

    dtype: Dtype = "float32"
    device: Device = "auto"
