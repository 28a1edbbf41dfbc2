"""Answers many prompts at once, greedily, each row with its own experts.

Called by inference and augmentation. Knows token ids and expert vectors; knows nothing of text, prompts, retrieval
or the store.
"""

from collections.abc import Callable
from collections.abc import Sequence as Items

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.generation.runner import Runner
from semoe.generation.scheduler import Scheduler
from semoe.generation.sequence import Answer, Request, Sequence
from semoe.models import Decoder

OnFinish = Callable[[int, Answer], None]


class Engine:
    """The base model with room for every row's own experts.

    Args:
        decoder: the base model.
        layout: the experts' shape; None for an engine that loads none.
        eos_ids: tokens that end an answer.
        max_rows: rows answered at once.
        prefill_tokens: prompt tokens computed at once; bounds memory.
    """

    def __init__(
        self,
        decoder: Decoder,
        layout: ExpertLayout | None,
        *,
        eos_ids: frozenset[int],
        max_rows: int = 32,
        prefill_tokens: int = 4096,
    ) -> None:
        if max_rows < 1:
            raise UsageError(f"max_rows must be 1 or more, not {max_rows}.", kind="bad-value")
        self._decoder, self._layout, self._eos_ids = decoder, layout, eos_ids
        self._max_rows, self._prefill_tokens = max_rows, prefill_tokens

    def generate(self, requests: Items[Request], on_finish: OnFinish | None = None) -> list[Answer]:
        """Answers all requests; `on_finish` hears of each (position, answer) as it ends. Returns them in order."""
        answers: dict[int, Answer] = {}
        scheduler = Scheduler(requests, self._max_rows, self._prefill_tokens)
        runner = Runner(self._decoder, self._layout, self._max_rows)
        with torch.inference_mode():
            while scheduler.has_work:
                for sequence in self._step(scheduler, runner):
                    answers[sequence.index] = sequence.answer()
                    if on_finish is not None:
                        on_finish(sequence.index, answers[sequence.index])
        return [answers[index] for index in range(len(requests))]

    def _step(self, scheduler: Scheduler, runner: Runner) -> list[Sequence]:
        """Starts what fits, or moves every running row one token on; returns the sequences that ended."""
        admitted = scheduler.admit()
        if admitted:
            first_slot = len(scheduler.running) - len(admitted)
            self._accept(admitted, runner.prefill(admitted, first_slot))
        else:
            self._accept(scheduler.running, runner.step(scheduler.running))
        finished, moves = scheduler.retire()
        runner.compact(moves, len(scheduler.running))
        return finished

    def _accept(self, sequences: Items[Sequence], logits_BV: Tensor) -> None:
        """Gives each sequence its most probable next token; of equals the one with the lowest id."""
        logprobs_BV = logits_BV.float().log_softmax(-1)
        best_B = logits_BV.argmax(-1)
        chosen = logprobs_BV.gather(1, best_B[:, None])[:, 0].tolist()
        for sequence, token, logprob in zip(sequences, best_B.tolist(), chosen, strict=True):
            sequence.accept(token, logprob, self._eos_ids)
