"""`semoe index`: a corpus becomes an index; or a worker encodes its share of one. Parse, call, print."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.gathering import retrieval_config
from semoe.cli.output import show
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.files import require_there

if TYPE_CHECKING:
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.stages.index import Indexed

BulkBytes = Annotated[
    int,
    typer.Option(
        "--bulk_bytes",
        min=1000,
        help="elasticsearch: bytes of a request. One that a gateway refuses as too large is halved.",
    ),
]


@verb
def index(
    data_path: Annotated[
        str,
        typer.Option(
            "--data_path",
            help="Passages (id, text, title): a file, a folder of files or s3://…; tab-separated with a header, "
            "JSON Lines, Parquet or Arrow; texts may be .gz.",
        ),
    ],
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    metrics: o.MetricsOptions,
    output: o.OutputOptions,
    quoting: o.Quoting = "",
    num_shards: Annotated[
        int, typer.Option("--num_shards", min=1, help="elasticsearch: parts of the index; 1 is enough for Wikipedia.")
    ] = 1,
    num_replicas: Annotated[
        int, typer.Option("--num_replicas", min=0, help="elasticsearch: copies on other nodes, made after loading.")
    ] = 0,
    bulk_bytes: BulkBytes = 6 << 20,
    parts: Annotated[
        str | None,
        typer.Option(
            "--parts", help="Vectors: where several workers keep what they encode, a folder or s3://bucket/prefix."
        ),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            "--share",
            help="With --parts: encode only this share of the corpus, such as 0/8 to 7/8, and make no index. "
            "Afterwards the same command without --share makes it of what is there.",
        ),
    ] = None,
) -> None:
    """Build an index of passages: BM25 or vectors, in a folder or in Elasticsearch; a stopped load or encoding goes on.

    Example: semoe index --data_path psgs_w100.tsv --index_name wiki

    Example: semoe index --retriever bm25+dense --data_path psgs_w100.tsv

    Example: semoe index --retriever elasticsearch+elasticsearch-dense --es_url http://es:9200 --data_path psgs_w100.tsv

    Example: semoe index --retriever dense-hnsw --data_path s3://data/psgs_w100.tsv --parts s3://data/wiki --share 0/8
    """
    require_there(data_path, "--data_path")
    from semoe.retrieval.elastic.settings import LoadSettings
    from semoe.stages.corpus import open_corpus
    from semoe.stages.index import index_all
    from semoe.telemetry.server import serving

    where = replace(retrieval_config(index_place, elastic), parts=parts or None)
    load = LoadSettings(num_shards=num_shards, num_replicas=num_replicas, bulk_bytes=bulk_bytes)
    # Mistakes are told at once; while it serves, it waits for a last scrape.
    _require_sense(index_place.retriever, parts, share)
    open_corpus(data_path, quoting)
    with serving(metrics.metrics_port, last_scrape_seconds=metrics.last_scrape_seconds):
        if share is not None:
            _encode_share(data_path, quoting, where, share, as_json=output.as_json)
            return
        made = index_all(data_path, index_place.retriever, where, load, quoting)
    fields = {name: _told(found) for name, found in made.items()}
    first, *others = fields.values()
    flat = {f"{name}_{field}": value for name, own in fields.items() for field, value in own.items()}
    show(flat if others else first, as_json=output.as_json)


def _told(made: "Indexed") -> dict[str, object]:
    recall = {} if made.recall is None else {"recall_of_10": round(made.recall, 4)}
    return {"passages": made.num_passages, "already_there": made.num_found, "index": made.index} | recall


def _require_sense(retriever: str, parts: str | None, share: str | None) -> None:
    """Refuses options that contradict each other, before anything is done."""
    from semoe.retrieval.retrievers import parts_of

    names = parts_of(retriever)
    if share is not None and not parts:
        raise UsageError("--share needs --parts: where the workers keep what they encode.", kind="options")
    if share is not None and not any("dense" in name for name in names):
        raise UsageError("--share is for vectors. Give --retriever dense, or another that has them.", kind="options")


def _encode_share(data_path: str, quoting: str, where: "RetrievalConfig", share: str, *, as_json: bool) -> None:
    """Encodes a worker's share, for an index that is made afterwards."""
    from semoe.stages.vector_index import encoder_name_of
    from semoe.stages.vector_parts import Share, encode_shared

    place = where.parts or ""
    made = encode_shared(data_path, place, encoder_name_of(where, None), Share.of(share), quoting)
    show(dict(zip(("passages", "already_there"), made, strict=True)) | {"parts": place}, as_json=as_json)
