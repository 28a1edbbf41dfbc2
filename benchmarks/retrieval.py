"""What each retriever finds: gold titles and answers among its first passages, with 95 % intervals, on real questions.

    python -m benchmarks.retrieval --corpus psgs_w100.tsv --data popqa=data/popqa --data hotpotqa=data/hotpotqa

Indexes are made where they are not there. Each cell is over the questions that have what it counts.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.evaluation.bootstrap import interval, paired_bootstrap
from semoe.evaluation.retrieval import Found, look_at
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.index import ensure_index

RETRIEVERS = "bm25,dense,bm25+dense,bm25/names,bm25+dense/names"
KS = 1, 3, 10
DEPTH = 20
RESULTS = Path(__file__).parent / "results" / "retrieval.json"
Measure = Callable[[Found], float]


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
    looked = {}
    seconds = {}
    for name in names:
        retriever = open_retriever(name, where)
        retriever.search([questions[0].question], DEPTH)
        began = time.perf_counter()
        hits = retriever.search([question.question for question in questions], DEPTH)
        seconds[name] = (time.perf_counter() - began) / len(questions)
        looked[name] = [look_at(question, own) for question, own in zip(questions, hits, strict=True)]
    figures = {}
    for what, (counts, measure) in measures(questions).items():
        values = {
            name: [100 * measure(one) for one, counted in zip(found, counts, strict=True) if counted]
            for name, found in looked.items()
        }
        if values[names[0]]:
            figures[what] = {
                name: interval(own)._asdict()
                | {"n": len(own), "more": paired_bootstrap(own, values[names[0]])._asdict()}
                for name, own in values.items()
            }
    return {"figures": figures, "milliseconds": {name: 1e3 * one for name, one in seconds.items()}}


def measures(questions: Sequence[Question]) -> dict[str, tuple[list[bool], Measure]]:
    """Returns what is measured: over which questions, and how."""
    all_of_them = [True] * len(questions)
    found: dict[str, tuple[list[bool], Measure]] = {
        f"answer in the first {k}": (all_of_them, partial(Found.answer, k=k)) for k in KS
    }
    found["mean reciprocal rank of an answer"] = all_of_them, lambda one: one.reciprocal_rank
    for number in sorted({len(question.golden_titles) for question in questions} - {0}):
        counts = [len(question.golden_titles) == number for question in questions]
        for k in (3, 10) if number < 4 else (10, 20):
            what = "its title" if number == 1 else f"all {number} titles"
            found[f"{what} in the first {k}"] = counts, partial(Found.all_titles, k=k)
    return found


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
