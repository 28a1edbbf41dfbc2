"""Answers many prompts at once, greedily, each row with its own experts.

Called by inference and augmentation. Knows token ids and expert vectors; knows nothing of text, prompts, retrieval
or the store.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import Quantization, require_quantization
from semoe.generation.request import Answer, Request
from semoe.generation.runner import Pending
from semoe.generation.runners import runner_for
from semoe.generation.running import Running
from semoe.generation.scheduler import Scheduler
from semoe.models.decoder import Decoder

PREFILL_TOKENS = 4096, 8192
"""Elsewhere, and on a GPU: enough rows for its products, and no more than delay the rows that go on."""
OnFinish = Callable[[int, Answer], None]
OnWrite = Callable[[int, Answer], None]


class Engine:
    """The base model with room for every row's own experts.

    Args:
        decoder: the base model.
        layout: the experts' shape; None for an engine that loads none.
        eos_ids: tokens that end an answer.
        max_rows: rows answered at once.
        prefill_tokens: prompt tokens computed at once; bounds memory. None: as the device wants it.
        quantization: `float8`: two thirds of the products with the base model's weights, on a GPU that has it.

    Raises:
        UsageError: no row, or no float8 where it was asked for.

    Example:
        >>> import semoe
        >>> model = semoe.load_model("smollm2", device="cpu")
        >>> engine = semoe.Engine(model.decoder, None, eos_ids=model.tokenizer.eos_ids)
        >>> prompt = tuple(model.tokenizer.encode("One, two, three, four,"))
        >>> (answer,) = engine.generate([semoe.Request(prompt=prompt, max_new_tokens=2)])
        >>> model.tokenizer.decode(answer.tokens), len(answer.logprobs)
        (' five,', 2)
    """

    def __init__(
        self,
        decoder: Decoder,
        layout: ExpertLayout | None,
        *,
        eos_ids: frozenset[int],
        max_rows: int = 32,
        prefill_tokens: int | None = None,
        quantization: Quantization = "none",
    ) -> None:
        if max_rows < 1:
            raise UsageError(f"max_rows must be 1 or more, not {max_rows}.", kind="bad-value")
        require_quantization(quantization)
        self._eos_ids = eos_ids
        self._num_submitted = 0
        self._sequences: dict[int, Running] = {}
        self._scheduler = Scheduler(max_rows, prefill_tokens or PREFILL_TOKENS[decoder.device.type == "cuda"])
        self._runner = runner_for(decoder, layout, max_rows, quantization)
        self._on_its_way: tuple[list[Running], Pending] | None = None

    def generate(
        self, requests: Sequence[Request], on_finish: OnFinish | None = None, on_write: OnWrite | None = None
    ) -> list[Answer]:
        """Answers all requests; returns the answers in order.

        Args:
            requests: prompts with their experts.
            on_finish: hears of each (position, answer) as it ends.
            on_write: hears of each, after each token, as far as it is written.
        """
        tickets = [self.submit(request) for request in requests]
        places = {ticket: place for place, ticket in enumerate(tickets)}
        answers: dict[int, Answer] = {}
        while self.has_work:
            for ticket, answer in self.step():
                answers[places[ticket]] = answer
                if on_write is not None:
                    on_write(places[ticket], answer)
                if on_finish is not None:
                    on_finish(places[ticket], answer)
            if on_write is not None:
                for ticket in self._sequences:
                    on_write(places[ticket], self.written(ticket))
        return [answers[place] for place in range(len(requests))]

    @property
    def has_work(self) -> bool:
        """Whether anything is being answered or waits for a row."""
        return self._scheduler.has_work

    def submit(self, request: Request) -> int:
        """Takes a request in; its answer comes out of a later `step` under the number that is returned."""
        return self._add(Running(self._num_submitted, request))

    def tokens(self, ticket: int) -> Sequence[int]:
        """Returns the tokens of an answer that are written so far."""
        return self._sequences[ticket].tokens

    def written(self, ticket: int) -> Answer:
        """Returns what of an answer is written so far."""
        return self._sequences[ticket].answer()

    @torch.inference_mode()
    def pause(self, ticket: int) -> Running:
        """Takes an answer from its row before its end; returns it as far as it is written, for `resume`."""
        sequence = self._sequences.pop(ticket)
        if self._scheduler.remove(sequence):
            self._runner.release(sequence)
        return sequence.paused()

    def resume(self, paused: Running) -> int:
        """Goes on with an answer that was paused; nothing of it is written again. Returns its new number."""
        return self._add(replace(paused, index=self._num_submitted))

    def _add(self, sequence: Running) -> int:
        self._scheduler.add(sequence)
        self._sequences[sequence.index] = sequence
        self._num_submitted += 1
        return sequence.index

    @torch.inference_mode()
    def step(self) -> list[tuple[int, Answer]]:
        """Moves every row one token on, those that begin included; returns what ended."""
        self._scheduler.admit(lambda one: self._runner.admit(one, must=not self._scheduler.running))
        asked = [sequence for sequence in self._scheduler.running if sequence.wants_more]
        for sequence in asked:
            sequence.num_asked += 1
        begun = (asked, self._runner.begin(asked)) if asked else None
        # Where the runner may run ahead, it computes this step while the choices of the last one are looked at.
        due = self._on_its_way if self._runner.runs_ahead else begun
        self._on_its_way = begun
        if due:
            self._accept(*due)
        finished = self._scheduler.retire()
        for sequence in finished:
            self._runner.release(sequence)
            del self._sequences[sequence.index]
        return [(sequence.index, sequence.answer()) for sequence in finished]

    def _accept(self, sequences: Sequence[Running], pending: Pending) -> None:
        """Gives each sequence its next token; one that has ended meanwhile needs none."""
        found = pending.wait()
        looked = found.looked or [None] * len(sequences)
        for sequence, token, logprob, entropy, shares_HL in zip(
            sequences, found.tokens, found.logprobs, found.entropies, looked, strict=True
        ):
            if sequence.finish is None:
                if shares_HL is not None and sequence.request.wants_attention:
                    sequence.look(shares_HL)
                sequence.accept(token, logprob, self._eos_ids, entropy)
