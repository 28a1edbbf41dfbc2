"""What each retriever finds: gold titles and answers among its first passages, with 95 % intervals, on real questions.

    python -m benchmarks.retrieval --corpus psgs_w100.tsv --data popqa=data/popqa --data hotpotqa=data/hotpotqa

Indexes are made where they are not there. Each cell is over the questions that have what it counts.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.evaluation.bootstrap import interval, paired_bootstrap
from semoe.evaluation.recall import measures, values_of
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.index import ensure_index
from semoe.stages.recall import recall

RETRIEVERS = "bm25,dense,bm25+dense,bm25:0.7+dense:0.3,bm25/names,bm25:0.7+dense:0.3/names"
RESULTS = Path(__file__).parent / "results" / "retrieval.json"


def main() -> None:
    """Prints a table, and keeps every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--data", action="append", required=True, help="dataset=folder")
    parser.add_argument("--index_dir", type=Path, default=Path("index"))
    parser.add_argument("--encoder", help="of the vectors")
    parser.add_argument("--retrievers", default=RETRIEVERS, help="the first is what others are held to")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    where = RetrievalConfig(index_dir=asked.index_dir, encoder=asked.encoder)
    names = asked.retrievers.split(",")
    for name in names:
        ensure_index(asked.corpus, name, where)
    found = {}
    for pair in asked.data:
        dataset, _, folder = pair.partition("=")
        questions = load_dataset(dataset, Path(folder))
        found[dataset] = measured(names, where, questions)
        print(table(dataset, found[dataset]))
    asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measured(names: Sequence[str], where: RetrievalConfig, questions: Sequence[Question]) -> dict[str, Any]:
    """Returns every figure of every retriever, and its difference from the first one's over the same questions."""
    made = {name: recall(open_retriever(name, where), questions) for name in names}
    figures = {}
    for what, (counts, measure) in measures(questions).items():
        values = {name: values_of(own.found, counts, measure) for name, own in made.items()}
        figures[what] = {
            name: interval(own)._asdict() | {"n": len(own), "more": paired_bootstrap(own, values[names[0]])._asdict()}
            for name, own in values.items()
        }
    return {"figures": figures, "milliseconds": {name: own.milliseconds for name, own in made.items()}}


def table(dataset: str, found: dict[str, Any]) -> str:
    """Returns one dataset's figures as a Markdown table."""
    names = list(found["milliseconds"])
    lines = [f"| {dataset}, percent [95 %] | n | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for what, own in found["figures"].items():
        cells = [f"{one['mean']:.1f} [{one['low']:.1f}, {one['high']:.1f}]" for one in own.values()]
        lines.append(f"| {what} | {own[names[0]]['n']} | {' | '.join(cells)} |")
    lines.append(f"| milliseconds a query | | {' | '.join(f'{one:.1f}' for one in found['milliseconds'].values())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
