"""Judging sentences as they end against judging whole drafts: whether both say the same, and what it saves.

`python -m benchmarks.judging [LOOKAHEAD …]`
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import setting
from benchmarks.switching import run
from benchmarks.timing import PASSAGES, describe
from semoe.generation.switching.trace import Answered
from semoe.language import Language
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages

QUESTIONS = 140
METHODS: tuple[dict[str, Any], ...] = (
    {"method": "token", "query_formulation": "forward_all", "hallucination_threshold": 0.5},
    {"method": "dragin", "query_formulation": "real_words", "hallucination_threshold": 1.0},
)
LOOKAHEADS = (2, 4)


def main() -> None:
    """Prints the share of answers with the same text and queries, and the tokens written, for each lookahead."""
    lookaheads = [int(one) for one in sys.argv[1:]] or LOOKAHEADS
    model, layout = setting()
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        build_index(read_passages(PASSAGES), index)
        parts = (model, layout, Bm25Retriever(index), Language())
        titles = list(dict.fromkeys(passage.title for passage in read_passages(PASSAGES)))[:QUESTIONS]
        questions = [f"Tell me about {title}." for title in titles]
        for settings in METHODS:
            whole, seconds, _ = run(*parts, questions, rows=32, lookahead=None, **settings)
            drafts, tokens = (sum(getattr(one.counters, name) for one in whole) for name in ("generate", "token"))
            print(f"{settings['method']}: {len(whole)} answers, {drafts} drafts, {tokens} tokens, {seconds:.0f} s")
            for lookahead in lookaheads:
                found, seconds, _ = run(*parts, questions, rows=32, lookahead=lookahead, **settings)
                same = sum(_said(one) == _said(other) for one, other in zip(found, whole, strict=True))
                written = sum(one.counters.token for one in found)
                print(
                    f"  {lookahead} tokens ahead: {same / len(whole):.1%} the same, "
                    f"{written / tokens:.0%} of the tokens, {seconds:.0f} s",
                    flush=True,
                )
                _tell_differences(questions, found, whole)
    print(describe())


def _said(answered: Answered) -> tuple[str, list[str]]:
    return answered.text, [switch.query for switch in answered.switches]


def _tell_differences(questions: list[str], found: list[Answered], whole: list[Answered]) -> None:
    for question, one, other in zip(questions, found, whole, strict=True):
        if _said(one) != _said(other):
            print(f"    {question} {_said(one)} whole: {_said(other)}")


if __name__ == "__main__":
    main()
