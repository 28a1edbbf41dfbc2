"""Chains of thought for a warm-up: a model that is shown the right answer and its passages says how one gets there.

As PRAG's data are made: what does not come to the right answer, or lacks the closing words, is left out.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from itertools import islice

import jinja2

from semoe.datasets.question import Question
from semoe.evaluation.extraction import MARKER, published_cot
from semoe.evaluation.scores import score
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.generation.runners import rows_for
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar, load_exemplars
from semoe.prompts.template import one_question_mark

TOKENS = 128
"""Of a chain, as published."""
ROWS = 32
"""Chains written at once; a GPU's kernels take more."""
OPENING = "Answer:"


def chains_of(
    model: Model,
    dataset: str,
    questions: Sequence[Question],
    wanted: int,
    *,
    advance: Callable[[float], None] = lambda questions: None,
) -> list[tuple[Question, str]]:
    """Writes chains until there are as many as are wanted, or no questions are left.

    Args:
        model: that writes them, greedily.
        dataset: of the questions, whose worked examples show the form.
        questions: in the order in which they are tried.
        wanted: chains.
        advance: told how many more questions were tried.

    Returns:
        The questions that have one, with their chains, in order.

    Raises:
        UsageError: the dataset has no worked examples.
    """
    exemplars = load_exemplars(dataset)
    rows = rows_for(model.decoder, None, ROWS)
    engine = Engine(model.decoder, None, eos_ids=model.tokenizer.eos_ids, max_rows=rows)
    fitting = ((one, ids) for one in questions if (ids := _asked(model, one, exemplars)))
    kept: list[tuple[Question, str]] = []
    while len(kept) < wanted and (part := list(islice(fitting, rows))):
        written = engine.generate([Request(prompt=ids, max_new_tokens=TOKENS) for _, ids in part])
        for (question, _), answer in zip(part, written, strict=True):
            chain = tidy(model.tokenizer.decode(answer.tokens))
            if comes_to(chain, question) and len(kept) < wanted:
                kept.append((question, chain))
        advance(len(part))
    return kept


def tidy(text: str) -> str:
    """Cuts a chain before a blank line, or where the model goes on with a question of its own."""
    for stop in ("\n\n", "\nQuestion"):
        text = text.partition(stop)[0]
    return text.strip()


def comes_to(chain: str, question: Question) -> bool:
    """Whether a chain has the closing words, and the answer behind them is right."""
    return MARKER in chain and score(published_cot(chain, question.question), question.answers).em == 1


def _asked(model: Model, question: Question, exemplars: Sequence[Exemplar]) -> tuple[int, ...] | None:
    """Returns the prompt; None where it leaves no room for a chain."""
    template = jinja2.Template(_written(), undefined=jinja2.StrictUndefined)
    said = template.render(
        exemplars=exemplars,
        passages=question.golden_passages,
        question=one_question_mark(question.question),
        answer=question.answers[0],
    )
    ids = tuple(model.tokenizer.chat([{"role": "user", "content": said}], OPENING))
    return ids if len(ids) + TOKENS <= model.decoder.config.context else None


@lru_cache
def _written() -> str:
    return (resources.files("semoe.prompts") / "templates" / "chain.jinja").read_text(encoding="utf-8")
