"""The batched trainer: many experts at once over one frozen base, one optimiser step for all.

    E experts of one batch   N numbers of one expert

Called by `encode` and the benchmarks. Each expert gets what it would get if it were trained alone: nothing of a
neighbour enters its rows, its loss or its moments (`tests/experts/test_equivalence.py`).
"""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.packing import Step, num_learnt, pack, schedule
from semoe.experts.road import Road
from semoe.experts.settings import TrainingSettings
from semoe.prompts.rendering import TrainingSequence

log = logging.getLogger(__name__)
OnStep = Callable[[float], None]
LOOKAHEAD = 1024
"""Experts among which those with equally many steps are sought."""
FIRST = 32
"""Experts by which the tokens of a step are chosen, and with which work begins where no more are ready."""
OUT_OF_MEMORY = "The device's memory does not hold %d experts at a time: half as many tokens then."


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedExpert:
    """What training one expert gave."""

    index: int
    """Position in what was asked for."""
    flat_N: Tensor
    """A view into its batch, on the CPU: while one expert is kept, all of them are."""
    loss: float
    """Loss of its last step, before that step's update."""
    num_tokens: int
    """Tokens it was trained on, repetitions counted."""
    num_learnt: int
    """Of them, those whose prediction was learnt."""


def train_experts(
    road: Road,
    settings: TrainingSettings,
    sequences: Iterable[Sequence[TrainingSequence]],
    *,
    num_ready: Callable[[], int] = lambda: LOOKAHEAD,
    tokens_per_step: int | None = None,
    on_step: OnStep = lambda experts: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[TrainedExpert]:
    """Trains one expert for each list of sequences; yields them as batches finish.

    On a GPU the next batch begins before the experts of the last are handed out, so that it does not wait for whoever
    takes them.

    Args:
        road: what trains: base model, base weight and arithmetic.
        settings: the recipe.
        sequences: what each expert learns; asked for a thousand experts ahead.
        num_ready: how many of them can be had at once; others are waited for only where a batch lacks them.
        tokens_per_step: packed tokens of one optimiser step; decides memory and speed, not the result. None: what the
            road finds best. Where memory does not reach, batches become smaller.
        on_step: told after each step how much was done, in experts: steps add up to the number of experts.
        stop: asked before each batch; True ends the work.

    Raises:
        UsageError: an expert has no sequences, or one alone does not fit the device's memory.
    """
    waiting = _Waiting(iter(sequences), settings, num_ready)
    limit = tokens_per_step or road.tokens_per_step(waiting.mean_tokens())
    wanted = 1  # the first batch waits for nobody
    finished: Iterator[TrainedExpert] = iter(())
    try:
        while not stop() and waiting.fill(wanted):
            batch = waiting.batch(limit)
            try:
                finished = yield from _train(road, settings, batch, on_step, finished)
                waiting.drop(batch)
                wanted = limit
                continue
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(batch) == 1:
                    raise _too_large(*batch.values()) from error
                limit = sum(map(_largest_step, batch.values())) // 2
                log.warning(OUT_OF_MEMORY, len(batch))
            road.give_back()
    except (Exception, KeyboardInterrupt):
        yield from finished  # an error of this batch is none of the one before it
        raise
    yield from finished


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device ran out of memory: torch says so by a type, its libraries and Triton by their words."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in words or "alloc_failed" in words


class _Waiting:
    """Experts whose turn has not come."""

    def __init__(
        self, sequences: Iterator[Sequence[TrainingSequence]], settings: TrainingSettings, num_ready: Callable[[], int]
    ) -> None:
        self._sequences = enumerate(sequences)
        self._settings = settings
        self._num_ready = num_ready
        self._schedules: dict[int, Sequence[Step]] = {}
        self._num_tokens = 0
        """Of their largest steps."""

    def fill(self, wanted: int) -> bool:
        """Looks ahead, and waits until a step has so many tokens; returns whether any expert waits.

        Raises:
            UsageError: one of them has no sequences.
        """
        self._take(min(self._num_ready(), LOOKAHEAD - len(self._schedules)))
        while self._num_tokens < wanted and len(self._schedules) < LOOKAHEAD and self._take(1):
            pass
        return bool(self._schedules)

    def mean_tokens(self) -> int:
        """Returns the tokens of an expert's largest step, in the mean over the first that there are."""
        self._take(FIRST)
        return max(1, self._num_tokens // max(1, len(self._schedules)))

    def batch(self, limit: int) -> dict[int, Sequence[Step]]:
        """Returns as many experts as a step may have tokens for, one at least; none is taken out yet.

        Those with most steps come first, so that few batches outlive their first experts.
        """
        found: dict[int, Sequence[Step]] = {}
        used = 0
        for index in sorted(self._schedules, key=lambda i: -len(self._schedules[i])):
            used += _largest_step(self._schedules[index])
            if found and used > limit:
                break
            found[index] = self._schedules[index]
        return found

    def drop(self, batch: Iterable[int]) -> None:
        """Takes out what was trained."""
        for index in batch:
            self._num_tokens -= _largest_step(self._schedules.pop(index))

    def _take(self, count: int) -> int:
        """Takes so many more, as far as there are, and returns how many."""
        taken = 0
        for index, own in islice(self._sequences, count):
            steps = schedule(own, self._settings)
            if not steps:
                raise UsageError(
                    f"Expert {index} has nothing to learn: its passage has no sequences.", kind="no-sequences"
                )
            self._schedules[index] = steps
            self._num_tokens += _largest_step(steps)
            taken += 1
        return taken


def _largest_step(steps: Sequence[Step]) -> int:
    return max(sum(len(sequence.tokens) for sequence in step) for step in steps)


def _too_large(steps: Sequence[Step]) -> UsageError:
    return UsageError(
        f"The device's memory does not hold a step of one expert, {_largest_step(steps)} tokens. Take a smaller batch "
        "size or shorter passages, --dtype bfloat16, or a device with more memory.",
        kind="memory",
    )


def _train(
    road: Road,
    settings: TrainingSettings,
    schedules: dict[int, Sequence[Step]],
    on_step: OnStep,
    before: Iterator[TrainedExpert],
) -> Generator[TrainedExpert, None, Iterator[TrainedExpert]]:
    """Trains a batch, yields the experts of the one before it once this one is on its way, and returns its own."""
    num_steps = max(map(len, schedules.values()))
    stack = road.stack(len(schedules), sum(map(_largest_step, schedules.values())))
    losses_E: Tensor | None = None
    done = 0.0
    try:
        for step in range(num_steps):
            # Schedules are sorted from long to short: those that still learn are a prefix of the stack.
            learning = [steps[step] for steps in schedules.values() if step < len(steps)]
            found_E = stack.step(pack(learning, settings))
            losses_E = found_E if losses_E is None else torch.cat((found_E, losses_E[len(learning) :]))
            yield from before
            done += len(schedules) / num_steps
            on_step(len(schedules) / num_steps)
        assert losses_E is not None
        stack_EN = stack.experts()
        finished = _handed_out(schedules, settings, stack_EN, losses_E)
    except RuntimeError as error:
        if is_out_of_memory(error) and done:
            on_step(-done)  # it begins again
        raise
    if not stack_EN.is_cuda:  # nothing is gained by waiting
        yield from finished
    return finished


def _handed_out(
    schedules: dict[int, Sequence[Step]], settings: TrainingSettings, stack_EN: Tensor, losses_E: Tensor
) -> Iterator[TrainedExpert]:
    """Begins to copy a batch's experts to the CPU; what is returned waits for them."""
    fetched_EN, losses = _fetched(stack_EN), _fetched(losses_E)
    copied = torch.cuda.Event() if stack_EN.is_cuda else None
    if copied:
        copied.record(torch.cuda.current_stream(stack_EN.device))

    def experts() -> Iterator[TrainedExpert]:
        if copied:
            copied.synchronize()
        for row, (index, steps) in enumerate(schedules.items()):
            yield TrainedExpert(
                index=index,
                flat_N=fetched_EN[row],
                loss=float(losses[row]),
                num_tokens=sum(len(s.tokens) for step in steps for s in step),
                num_learnt=sum(num_learnt(step, settings) for step in steps),
            )

    return experts()


def _fetched(x: Tensor) -> Tensor:
    """Returns a tensor on the CPU; from a GPU the copy is not waited for."""
    if not x.is_cuda:
        return x
    return torch.empty(x.shape, dtype=x.dtype, pin_memory=True).copy_(x, non_blocking=True)
