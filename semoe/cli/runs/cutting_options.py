"""Options of `semoe plan`: which passages are trained, and how they are cut into shards."""

from typing import Annotated

import typer

from semoe.cli.option_groups import option_group
from semoe.cli.options import Quoting, Snapshot


@option_group("Cutting the run into shards", table="cutting")
class ShardOptions:
    """How many pieces of work a run is."""

    shards: Annotated[
        int | None,
        typer.Option("--shards", min=1, help="Shards of a stage. Default: one for 256 items, 512 at most."),
    ] = None
    question_shards: Annotated[
        int | None,
        typer.Option("--question_shards", min=1, help="Shards of retrieve and inference. Default: --shards."),
    ] = None
    retrieve_later: Annotated[
        bool,
        typer.Option(
            "--retrieve_later/--no-retrieve_later",
            help="Leave retrieval to the run, for an index that this machine does not reach.",
        ),
    ] = False


@option_group("What is trained", table="trained")
class TrainedOptions:
    """Which passages get experts, where it is not those that questions retrieve."""

    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus",
            help="With --dataset: passages to index first, where the index is not there yet. Without: a corpus, every "
            "passage of which gets an expert; a file, a folder of files or s3://…, of all that index reads; a gzipped "
            "file is to be cut first (see cut).",
        ),
    ] = None
    quoting: Quoting = ""
    augment_apart: Annotated[
        bool,
        typer.Option(
            "--augment_apart/--no-augment_apart",
            help="Of a corpus: augment in a stage of its own, which keeps the pairs, instead of beside the training. "
            "A language model always does.",
        ),
    ] = False
    experts_of: Annotated[
        str, typer.Option("--experts_of", help="A run of this store whose experts answer: nothing is trained.")
    ] = ""
    snapshot: Snapshot = ""
