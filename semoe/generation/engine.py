"""Answers many prompts at once, greedily, each row with its own experts.

Called by inference and augmentation. Knows token ids and expert vectors; knows nothing of text, prompts, retrieval
or the store.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.generation.request import Answer, Request
from semoe.generation.runner import Runner
from semoe.generation.running import Running
from semoe.generation.scheduler import Scheduler
from semoe.models.decoder import Decoder

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
        self._eos_ids = eos_ids
        self._num_submitted = 0
        self._scheduler = Scheduler(max_rows, prefill_tokens)
        self._runner = Runner(decoder, layout, max_rows)

    def generate(self, requests: Sequence[Request], on_finish: OnFinish | None = None) -> list[Answer]:
        """Answers all requests; `on_finish` hears of each (position, answer) as it ends. Returns them in order."""
        tickets = [self.submit(request) for request in requests]
        places = {ticket: place for place, ticket in enumerate(tickets)}
        answers: dict[int, Answer] = {}
        while self.has_work:
            for ticket, answer in self.step():
                answers[places[ticket]] = answer
                if on_finish is not None:
                    on_finish(places[ticket], answer)
        return [answers[place] for place in range(len(requests))]

    @property
    def has_work(self) -> bool:
        """Whether anything is being answered or waits for a row."""
        return self._scheduler.has_work

    def submit(self, request: Request) -> int:
        """Takes a request in; its answer comes out of a later `step` under the number that is returned."""
        self._scheduler.add(Running(self._num_submitted, request))
        self._num_submitted += 1
        return self._num_submitted - 1

    @torch.inference_mode()
    def step(self) -> list[tuple[int, Answer]]:
        """Starts what fits, or moves every running row one token on; returns what ended."""
        scheduler = self._scheduler
        runner = self._runner
        admitted = scheduler.admit()
        if admitted:
            first_slot = len(scheduler.running) - len(admitted)
            self._accept(admitted, runner.prefill(admitted, first_slot))
        else:
            self._accept(scheduler.running, runner.step(scheduler.running))
        finished, moves = scheduler.retire()
        runner.compact(moves, len(scheduler.running))
        return [(sequence.index, sequence.answer()) for sequence in finished]

    def _accept(self, sequences: Sequence[Running], logits_BV: Tensor) -> None:
        """Gives each sequence its most probable next token; of equals the one with the lowest id."""
        logprobs_BV = logits_BV.float().log_softmax(-1)
        best_B = logits_BV.argmax(-1)
        chosen = logprobs_BV.gather(1, best_B[:, None])[:, 0].tolist()
        entropies = [None] * len(sequences)
        if any(sequence.request.wants_entropy for sequence in sequences):
            # 0 · log 0 counts as 0 in an entropy; in floating point it is NaN.
            entropies = (-(logprobs_BV.exp() * logprobs_BV).nan_to_num().sum(-1)).tolist()
        for sequence, token, logprob, entropy in zip(sequences, best_B.tolist(), chosen, entropies, strict=True):
            sequence.accept(token, logprob, self._eos_ids, entropy)
