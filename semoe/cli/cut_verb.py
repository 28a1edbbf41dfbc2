"""`semoe cut`: a corpus becomes a folder of pieces, which a run over it can share out. Parse, call, print."""

from dataclasses import asdict
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import err, show
from semoe.cli.verbs import verb


@verb
def cut(
    corpus: Annotated[
        str, typer.Option("--corpus", help="What is to be cut: any file or folder that index reads, or s3://….")
    ],
    to: Annotated[str, typer.Option("--to", help="Where its pieces go, JSON Lines: a folder, or s3://bucket/prefix.")],
    output: o.OutputOptions,
    piece_mb: Annotated[
        int, typer.Option("--piece_mb", min=1, max=1024, help="Megabytes of a piece, at most; memory holds one.")
    ] = 64,
    quoting: o.Quoting = "",
) -> None:
    """Rewrite a corpus as a folder of pieces, such as one in gzip, which plan cannot cut; a stopped cutting goes on.

    Example: semoe cut --corpus psgs_w100.tsv.gz --to s3://data/psgs
    """
    from semoe.stages.corpus import open_corpus
    from semoe.stages.cut_corpus import cut_corpus

    done = cut_corpus(open_corpus(corpus, quoting), to, piece_mb << 20)
    show(asdict(done), as_json=output.as_json)
    err.print(f"Next: semoe plan --run NAME --corpus {done.corpus} --model_name MODEL", soft_wrap=True)
