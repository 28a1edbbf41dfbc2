"""The engine's runner on a GPU: it computes a step while the engine looks at what the last one chose.

B rows that go on   S slots   T rows of a step
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.fused.angles import AngleTable
from semoe.experts.fused.products import Float8Normed, Products
from semoe.experts.fused.sending import Sender
from semoe.experts.fused.weights import base_weights
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings, Quantization
from semoe.generation.fused.batch import Beginning, Going, NewRow, batch_of, numbers_of, shape_of
from semoe.generation.fused.buffers import Buffers, make_buffers
from semoe.generation.fused.forward import Step, forward
from semoe.generation.fused.graphs import Graphs
from semoe.generation.fused.looking import looked_at
from semoe.generation.fused.paging import Paging
from semoe.generation.fused.pool import ExpertPool
from semoe.generation.fused.shape import Shape, size_of
from semoe.generation.fused.slots import Slots
from semoe.generation.runner import Choices
from semoe.generation.running import Running
from semoe.models.decoder import Decoder
from semoe.models.dtypes import current_device
from semoe.words import counted

MOST_RANKS = 256
"""Of all experts of a row: more do not fit a program's memory."""
LAUNCHED = 2.5e11
"""Products of a layer's weights with prompts, in multiplications: a GPU does so many in about the millisecond that it
takes to launch the layer's kernels one by one."""
FEW = 1 / 8
"""The part of it that a step may take longer to be of a size met before."""


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Choices that the device is still making."""

    choice_3B: Tensor
    """On the host, once the device is done."""
    done: "torch.cuda.Event | None"
    looked: list[Tensor | None] | None

    def wait(self) -> Choices:
        """Returns them once they are there."""
        if self.done is not None:
            self.done.synchronize()
        tokens_B = self.choice_3B[0].view(torch.int32)
        return Choices(tokens_B.tolist(), self.choice_3B[1].tolist(), self.choice_3B[2].tolist(), self.looked)


class FusedRunner:
    """A `Runner`."""

    runs_ahead = True

    def __init__(
        self, decoder: Decoder, layout: ExpertLayout | None, max_rows: int, quantization: Quantization = "none"
    ) -> None:
        self._decoder = decoder
        self._has_layout = layout is not None
        self._layout = layout or ExpertLayout(decoder.config, LoraSettings(rank=1))
        self._max_rows = max_rows
        self._weights = base_weights(decoder)
        self._products = Float8Normed() if quantization == "float8" else Products()
        self._products.prepare(self._weights)
        self._angles = AngleTable(decoder)
        self._send = Sender(decoder.device)
        self._pool = ExpertPool(self._layout, decoder.dtype, decoder.device)
        self._paging = Paging(decoder, max_rows)
        self._slots = Slots(max_rows, self._paging, self._pool, self._layout.lora.scaling, decoder.device)
        self._slot_of: dict[int, int] = {}
        """Of each sequence."""
        self._new: list[Running] = []
        """Admitted since the last step."""
        self._buffers: Buffers | None = None
        self._graphs = Graphs(decoder.device)
        layer = self._weights.layers[0]
        self._layer_numbers = sum(one.weight_OI.numel() for one in (layer.qkv, layer.output, layer.gate_up, layer.down))
        self._few_tokens = int(FEW * LAUNCHED / self._layer_numbers)

    def admit(self, sequence: Running, *, must: bool) -> bool:
        """Gives a sequence a slot, pages of the cache, and its experts a place on the device."""
        request = sequence.request
        if request.experts and not self._has_layout:
            raise UsageError("This engine was made without an expert layout; it cannot load experts.", kind="bad-value")
        _check_ranks(len(request.experts) * self._layout.lora.rank)
        if not self._slots.has_room(sequence, must=must):
            return False
        self._slot_of[sequence.index] = self._slots.take(sequence)
        self._new.append(sequence)
        return True

    def begin(self, running: Sequence[Running]) -> OnTheWay:
        """Begins a step; returns before it is done."""
        # Triton launches on the current device, whichever device its tensors are on.
        with current_device(self._decoder.device):
            return self._begin(running)

    def release(self, sequence: Running) -> None:
        """Frees a row's slot."""
        self._slots.end(self._slot_of.pop(sequence.index))
        self._new = [one for one in self._new if one is not sequence]

    def _begin(self, running: Sequence[Running]) -> OnTheWay:
        new = self._take_in()
        slots = [self._slot_of[sequence.index] for sequence in running]
        step = self._run(slots, new)
        looked = None
        if any(sequence.request.wants_attention for sequence in running):
            wants = [sequence.request.wants_attention for sequence in running]
            looked = looked_at(step, wants, [sequence.num_asked for sequence in running])
        return _fetched(step.buffers.choice_3B[:, : len(slots)], looked)

    def _take_in(self) -> list[NewRow]:
        """Brings those that were admitted since the last step to the device; returns their prompts."""
        new = [NewRow(sequence.ids[:-1], self._slot_of[sequence.index]) for sequence in self._new]
        if new:
            self._slots.begin([row.slot for row in new])
        self._new = []
        return [row for row in new if row.ids]

    def _run(self, slots: Sequence[int], new: Sequence[NewRow]) -> Step:
        """Runs a step: as a graph, where its kernels would be done before they are launched one by one."""
        shape = shape_of(len(slots), new)
        is_small = shape.num_tokens * self._layer_numbers <= LAUNCHED
        shape = shape.padded(self._max_rows, self._few_tokens) if is_small else shape
        self._reserve(shape.num_rows)
        numbers = numbers_of(shape, slots, new, self._slots.spare)
        if not is_small:
            return self._compute(self._send.numbers(numbers), shape)
        return self._graphs.run(self._compute, numbers, shape, self._generation)

    def _compute(self, numbers: Tensor, shape: Shape) -> Step:
        step = self._step(*batch_of(numbers, shape))
        forward(step)
        return step

    def _step(self, going: Going, prompts: Beginning | None) -> Step:
        slots, buffers = self._slots, self._room
        tokens_T, slots_T = slots.tokens_S.index_select(0, going.slots_B), going.slots_B
        positions_T = slots.positions_S.index_select(0, going.slots_B)
        if prompts is not None:
            tokens_T = torch.cat([tokens_T, prompts.tokens_P])
            slots_T = torch.cat([slots_T, prompts.slots_P])
            positions_T = torch.cat([positions_T, prompts.positions_P])
        return Step(
            config=self._decoder.config,
            weights=self._weights,
            experts=self._pool.layers,
            loaded=slots.loaded,
            pages=[self._paging.layer(n, slots.table_SL) for n in range(self._decoder.config.num_hidden_layers)],
            buffers=buffers,
            products=self._products,
            going=going,
            beginning=prompts,
            tokens_T=tokens_T,
            slots_T=slots_T,
            positions_T=positions_T,
            angles=self._angles.of(positions_T, positions_T, self._paging.longest),
            tokens_S=slots.tokens_S,
            positions_S=slots.positions_S,
        )

    @property
    def _room(self) -> Buffers:
        assert self._buffers is not None, "room is reserved before a step"
        return self._buffers

    def _reserve(self, num_rows: int) -> None:
        if self._buffers is None or self._buffers.num_rows < num_rows:
            self._buffers = None  # given back before more is asked for
            self._graphs.forget()
            most = size_of(self._max_rows)
            self._buffers = make_buffers(self._weights, max(num_rows, most), most)

    @property
    def _generation(self) -> tuple[int, ...]:
        """Changes when something moved that a captured graph points to."""
        return self._pool.generation, self._paging.generation, self._slots.generation


def _check_ranks(num_ranks: int) -> None:
    if num_ranks > MOST_RANKS:
        raise UsageError(
            f"A row's experts have {counted(num_ranks, 'rank')} together, and the kernels know up to {MOST_RANKS}. "
            "Load fewer, or set SEMOE_KERNELS=0 to answer without kernels.",
            kind="bad-value",
        )


def _fetched(choice_3B: Tensor, looked: list[Tensor | None] | None) -> OnTheWay:
    if not choice_3B.is_cuda:
        return OnTheWay(choice_3B.clone(), None, looked)
    here_3B = torch.empty(choice_3B.shape, dtype=choice_3B.dtype, pin_memory=True)
    here_3B.copy_(choice_3B, non_blocking=True)
    done = torch.cuda.Event()
    done.record()
    return OnTheWay(here_3B, done, looked)
