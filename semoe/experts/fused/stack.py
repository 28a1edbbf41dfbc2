"""A batch of experts on the GPU road: their numbers, their gradients, and one optimiser step after the other.

E experts   N numbers of one expert   M the same in the kernels' order
"""

import torch
from torch import Tensor

from semoe.experts.adamw import BETAS, EPS
from semoe.experts.fused.angles import AngleTable
from semoe.experts.fused.backward import backward
from semoe.experts.fused.buffers import Buffers
from semoe.experts.fused.forward import forward
from semoe.experts.fused.head import losses_and_head_gradient
from semoe.experts.fused.passing import Step
from semoe.experts.fused.products import Products
from semoe.experts.fused.rows import RowOrder
from semoe.experts.fused.tables import tables_of
from semoe.experts.fused.weights import BaseWeights
from semoe.experts.layout import ExpertLayout
from semoe.experts.packing import PackedStep
from semoe.experts.settings import TrainingSettings
from semoe.kernels.adamw import adamw
from semoe.models.decoder import Decoder
from semoe.models.dtypes import current_device


class FusedStack:
    """Some experts that learn at the same time."""

    def __init__(
        self,
        decoder: Decoder,
        weights: BaseWeights,
        products: Products,
        layout: ExpertLayout,
        settings: TrainingSettings,
        buffers: Buffers,
        angles: AngleTable,
        places_N: Tensor,
        stack_EN: Tensor,
    ) -> None:
        self._decoder = decoder
        self._weights = weights
        self._products = products
        self._layout = layout
        self._settings = settings
        self._buffers = buffers
        self._angles = angles
        self._order = RowOrder(layout)
        self._places_N = places_N
        self._stack_EM = stack_EN.new_zeros(len(stack_EN), self._order.size)
        self.begin(stack_EN)
        self._grads_EM = torch.zeros_like(self._stack_EM)
        self._mean_EM = torch.zeros_like(self._stack_EM)
        self._square_EM = torch.zeros_like(self._stack_EM)
        self._num_steps = 0

    def step(self, packed: PackedStep) -> Tensor:
        """Trains the experts of a packed step, the first of the stack; returns their losses, [E], before it."""
        # Triton launches on the current device, whichever device its tensors are on.
        with current_device(self._decoder.device):
            losses_E = self.losses_and_gradients(packed)
            self._update(len(packed.segments))
        return losses_E

    def begin(self, stack_EN: Tensor) -> None:
        """Sets the experts to these, [E, N]."""
        self._stack_EM[:, self._places_N] = stack_EN

    def losses_and_gradients(self, packed: PackedStep) -> Tensor:
        """Runs forward and backward; returns the losses, [E]."""
        num = len(packed.segments)
        step = Step(
            config=self._decoder.config,
            weights=self._weights,
            products=self._products,
            scaling=self._layout.lora.scaling,
            rank=self._layout.lora.rank,
            experts=self._order.layers(self._stack_EM[:num]),
            gradients=self._order.layers(self._grads_EM[:num]),
            tables=tables_of(packed, self._angles, self._decoder.device),
            buffers=self._buffers.of(len(packed.tokens_T)),
        )
        forward(step)
        losses_E = losses_and_head_gradient(step)
        backward(step)
        return losses_E

    def gradients(self) -> Tensor:
        """Returns the gradients of the last step, [E, N]."""
        return self._grads_EM[:, self._places_N]

    def experts(self) -> Tensor:
        """Returns the experts as they are now, [E, N]."""
        return self._stack_EM[:, self._places_N]

    def _update(self, num: int) -> None:
        settings = self._settings
        self._num_steps += 1
        adamw(
            self._stack_EM[:num],
            self._grads_EM[:num],
            self._mean_EM[:num],
            self._square_EM[:num],
            decay=1 - settings.learning_rate * settings.weight_decay,
            rate=settings.learning_rate / (1 - BETAS[0] ** self._num_steps),
            root=(1 - BETAS[1] ** self._num_steps) ** 0.5,
            betas=BETAS,
            eps=EPS,
        )
