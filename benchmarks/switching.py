"""Answers that switch experts while they are written: a batch against one question at a time, in one run.

`python -m benchmarks.switching`
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import torch

from benchmarks.common import setting
from benchmarks.timing import PASSAGES, describe
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.generation.engine import Engine
from semoe.generation.switching.loop import LOOKAHEAD, Switching
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.trace import Answered
from semoe.language import Language
from semoe.models import products
from semoe.models.decoder import Decoder
from semoe.models.model import Model
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.stages.recipe import Recipe
from semoe.stages.requests import RequestMaker
from semoe.store.opened import Experts

ROWS = 32
LENGTH = 48
"""Tokens of an answer."""


class RandomExperts:
    """An expert for every passage, in memory: the store is not what is measured."""

    space = "random"

    def __init__(self, layout: ExpertLayout) -> None:
        self._layout = layout

    def __contains__(self, key: str) -> bool:
        return True

    def get(self, key: str) -> torch.Tensor:
        """Returns the same small numbers for the same key."""
        return torch.randn(self._layout.size, generator=torch.Generator().manual_seed(int(key[:12], 16))) * 0.01

    def prefetch(self, keys: list[str], *, wait: bool = False) -> None:
        """Everything is here."""


def main() -> None:
    """Prints seconds a question in a batch and alone, after checking that they say the same."""
    model, layout = setting()
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        build_index(read_passages(PASSAGES), index)
        retriever = Bm25Retriever(index)
        language = Language()
        titles = list(dict.fromkeys(passage.title for passage in read_passages(PASSAGES)))[:ROWS]
        questions = [f"Who or what is {title}, and where?" for title in titles]
        parts = (model, layout, retriever, language)
        run(*parts, questions[:2], rows=2)  # warms up
        with counted_tokens() as steps:
            together, batch_seconds, ends = run(*parts, questions, rows=ROWS)
        alone, single_seconds, _ = run(*parts, questions, rows=1)
        never, _, plain_ends = run(*parts, questions, rows=ROWS, hallucination_threshold=1.0)
    if [one.text for one in together] != [one.text for one in alone]:
        raise SystemExit("a batch and single questions answer differently: no figure is printed")
    switches = sum(len(one.switches) for one in together)
    calm = [n for n, one in enumerate(together) if not one.switches]
    print(f"checked: {ROWS} answers with {switches} switches are the same alone and in a batch")
    print(f"one question at a time: {single_seconds / ROWS:.2f} s a question")
    print(f"{ROWS} in a batch:         {batch_seconds / ROWS:.3f} s a question, {single_seconds / batch_seconds:.1f} x")
    alone_seconds = seconds_of_products(model, steps)
    print(
        f"the products of the batch's {len(steps)} steps with the base model's weights, alone: {alone_seconds:.1f} s, "
        f"{alone_seconds / batch_seconds:.0%} of it; with nothing else {single_seconds / alone_seconds:.1f} x"
    )
    if calm and not any(one.switches for one in never):
        later = sum(ends[n] / plain_ends[n] for n in calm) / len(calm)
        print(f"the {len(calm)} rows that never switch end {later:.2f} x as late as where no row switches")
    print(describe())


@contextmanager
def counted_tokens() -> Iterator[list[tuple[int, int]]]:
    """Notes of each step how many tokens went through the layers, and how many through the head."""
    steps: list[tuple[int, int]] = []
    hidden, logits = Decoder.hidden, Decoder.logits

    def counted_hidden(self: Decoder, tokens_T: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        steps.append((len(tokens_T), 0))
        return hidden(self, tokens_T, *rest, **more)

    def counted_logits(self: Decoder, hidden_TD: torch.Tensor) -> torch.Tensor:
        steps[-1] = (steps[-1][0], len(hidden_TD))
        return logits(self, hidden_TD)

    with patch.object(Decoder, "hidden", counted_hidden), patch.object(Decoder, "logits", counted_logits):
        yield steps


@torch.inference_mode()
def seconds_of_products(model: Model, steps: Sequence[tuple[int, int]]) -> float:
    """Returns how long the same steps' products take with nothing in between."""
    weights = [one for name, one in model.decoder.weights.items() if name.endswith("proj.weight")]
    head = model.decoder.weights["lm_head.weight"]
    seconds = 0.0
    for num_tokens, num_rows in steps:
        rooms = {one.shape[1]: torch.randn(num_tokens, one.shape[1]) for one in weights}
        last = torch.randn(num_rows, head.shape[1])
        started = time.perf_counter()
        for one in weights:
            products.linear(rooms[one.shape[1]], one)
        products.linear(last, head)
        seconds += time.perf_counter() - started
    return seconds


def run(
    model: Model,
    layout: ExpertLayout,
    retriever: Bm25Retriever,
    language: Language,
    questions: list[str],
    *,
    rows: int,
    lookahead: int | None = LOOKAHEAD,
    **settings: Any,
) -> tuple[list[Answered], float, dict[int, float]]:
    """Answers; returns answers, seconds, and when each ended."""
    recipe = Recipe(model_name="smollm2", preset=load_preset("semoe"), augmented_by="parse")
    requests = RequestMaker(
        model=model, recipe=recipe, experts=cast(Experts, RandomExperts(layout)), shows_passages=False,
        merge="half",
    )  # fmt: skip
    switching = Switching(
        engine=Engine(model.decoder, layout, eos_ids=model.tokenizer.eos_ids, max_rows=rows),
        decoder=model.decoder, tokenizer=model.tokenizer, language=language, retriever=retriever, requests=requests,
        lookahead=lookahead,
        settings=SwitchSettings(**({"generate_max_length": LENGTH, "hallucination_threshold": 0.5} | settings)),
    )  # fmt: skip
    ends: dict[int, float] = {}
    language.forget()  # what another run read
    started = time.perf_counter()

    def tell(index: int, answered: Answered) -> None:
        ends[index] = time.perf_counter() - started

    chunks = [questions] if rows > 1 else [[one] for one in questions]
    found = [answered for chunk in chunks for answered in switching.answer(chunk, tell)]
    return found, time.perf_counter() - started, ends


if __name__ == "__main__":
    main()
