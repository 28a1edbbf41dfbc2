"""Weights of words and vectors, chosen on one half of the questions and reported on the other.

    python -m benchmarks.weights --corpus psgs_w100.tsv --data popqa=data/popqa --data hotpotqa=data/hotpotqa

One weight for all datasets: the one with which, in the mean over datasets, most questions of the first half have an
answer among three passages. Indexes are made where they are not there.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.timing import describe
from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.evaluation.bootstrap import interval, paired_bootstrap
from semoe.retrieval.fusion import Fusion
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.retriever import RetrievalConfig, Retriever
from semoe.retrieval.retrievers import open_retriever
from semoe.retrieval.two_steps import TwoSteps
from semoe.stages.index import ensure_index
from semoe.stages.recall import recall

WEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Of words; vectors have the rest."""
CHOSEN_BY = 3
Halves = Mapping[str, Sequence[Question]]


class Remembered:
    """A `Retriever` that searches for a query once."""

    def __init__(self, base: Retriever) -> None:
        self._base = base
        self._found: dict[tuple[str, int], list[Retrieved]] = {}

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Searches for what is new."""
        new = [query for query in dict.fromkeys(queries) if (query, k) not in self._found]
        for query, hits in zip(new, self._base.search(new, k) if new else [], strict=True):
            self._found[query, k] = hits
        return [self._found[query, k] for query in queries]


def main() -> None:
    """Prints what was chosen, and what it finds in the other half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--data", action="append", required=True, help="dataset=folder")
    parser.add_argument("--index_dir", type=Path, default=Path("index"))
    asked = parser.parse_args()
    where = RetrievalConfig(index_dir=asked.index_dir)
    ensure_index(asked.corpus, "bm25+dense", where)
    words, vectors = (Remembered(open_retriever(name, where)) for name in ("bm25", "dense"))
    pairs = [pair.partition("=") for pair in asked.data]
    questions = {dataset: load_dataset(dataset, Path(folder)) for dataset, _, folder in pairs}
    first: Halves = {dataset: own[::2] for dataset, own in questions.items()}
    second: Halves = {dataset: own[1::2] for dataset, own in questions.items()}
    made: dict[float, Retriever] = {weight: Fusion([words, vectors], [weight, 1 - weight]) for weight in WEIGHTS}
    means = {
        weight: fmean(fmean(answered(retriever, own, CHOSEN_BY)) for own in first.values())
        for weight, retriever in made.items()
    }
    for weight, mean in means.items():
        print(f"first half, bm25:{weight}+dense:{1 - weight:.1f}: an answer among {CHOSEN_BY} for {mean:.1f} %")
    best = max(means, key=means.__getitem__)
    print(f"\nchosen: bm25:{best}+dense:{1 - best:.1f}. On the second half:")
    for names, chosen, base in (("", made[best], words), ("/names", TwoSteps(made[best]), TwoSteps(words))):
        for dataset, own in second.items():
            for k in (3, 10):
                print(compared(f"{dataset}{names}, answer among {k}", answered(chosen, own, k), answered(base, own, k)))
    print(describe())


def answered(retriever: Retriever, questions: Sequence[Question], k: int) -> list[float]:
    """Returns for each question 100 where one of the first k passages holds an answer, otherwise 0."""
    return [100.0 * found.answer(k) for found in recall(retriever, questions).found]


def compared(name: str, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Says both means, in percent, and the difference over the same questions."""
    own, base, more = interval(ours), interval(theirs), paired_bootstrap(ours, theirs)
    ratio = own.mean / base.mean if base.mean else float("nan")
    return (
        f"{name} (n = {len(ours)}): {own.mean:.1f} [{own.low:.1f}, {own.high:.1f}] beside {base.mean:.1f} of words "
        f"alone, {ratio:.3f} x, {more.mean:+.1f} [{more.low:+.1f}, {more.high:+.1f}]"
    )


if __name__ == "__main__":
    main()
