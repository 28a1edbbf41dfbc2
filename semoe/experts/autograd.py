"""The road that runs everywhere: the decoder under autograd, with the experts' gradients gathered on the way.

E experts   N numbers of one expert   M learnt tokens   D hidden size   V vocabulary
"""

from collections.abc import Callable

import torch
from torch import Tensor

from semoe.experts.adamw import StackedAdamW
from semoe.experts.grouped import Segments, grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.loss import cross_entropy
from semoe.experts.packing import PackedStep
from semoe.experts.settings import TrainingSettings
from semoe.models.attention import PackedAttention, lengths_of, positions_of
from semoe.models.decoder import Decoder, Linear

MakeLinear = Callable[[ExpertLayout, Tensor, Tensor, Segments], Linear]
CPU_TOKENS = 2048
"""Tokens of a step beyond which a CPU gains nothing."""
GPU_TOKENS = 16384


class AutogradRoad:
    """A `Road`."""

    name = "autograd"

    def __init__(
        self,
        decoder: Decoder,
        layout: ExpertLayout,
        base_N: Tensor,
        settings: TrainingSettings,
        make_linear: MakeLinear = grouped_linear,
    ) -> None:
        self._decoder = decoder
        self._layout = layout
        self._base_N = base_N.to(decoder.device)
        self._settings = settings
        self._make_linear = make_linear

    def stack(self, num_experts: int, num_tokens: int) -> "AutogradStack":
        """Begins some experts."""
        stack_EN = self._base_N.repeat(num_experts, 1)
        return AutogradStack(self._decoder, self._layout, stack_EN, self._settings, self._make_linear)

    def tokens_per_step(self, tokens_per_expert: int) -> int:
        """Returns what pays; how much memory autograd takes is not known beforehand."""
        return CPU_TOKENS if self._decoder.device.type == "cpu" else GPU_TOKENS

    def give_back(self) -> None:
        """Gives back what torch keeps of a GPU's memory."""
        torch.cuda.empty_cache()


class AutogradStack:
    """A `Stack`."""

    def __init__(
        self,
        decoder: Decoder,
        layout: ExpertLayout,
        stack_EN: Tensor,
        settings: TrainingSettings,
        make_linear: MakeLinear,
    ) -> None:
        self._decoder = decoder
        self._layout = layout
        self._make_linear = make_linear
        self._stack_EN = stack_EN
        self._grads_EN = torch.empty_like(stack_EN)
        self._optimiser = StackedAdamW(stack_EN, settings.learning_rate, settings.weight_decay)

    def step(self, packed: PackedStep) -> Tensor:
        """Takes one optimiser step; returns the losses, [E]."""
        num = len(packed.segments)
        grads_EN = self._grads_EN[:num].zero_()
        linear = self._make_linear(self._layout, self._stack_EN[:num], grads_EN, packed.segments)
        losses_E = losses_and_gradients(self._decoder, linear, packed.to(self._decoder.device))
        self._optimiser.step(grads_EN)
        return losses_E

    def experts(self) -> Tensor:
        """Returns the experts, [E, N]."""
        return self._stack_EN


def losses_and_gradients(decoder: Decoder, linear: Linear, packed: PackedStep) -> Tensor:
    """Runs forward and backward; returns each expert's loss, [E]. Gradients land where `linear` keeps them."""
    attend = PackedAttention(packed.lengths, decoder.device)
    positions_T = positions_of(packed.lengths).to(decoder.device)
    lengths_T = lengths_of(packed.lengths).to(decoder.device)
    with torch.enable_grad():
        hidden_TD = decoder.hidden(packed.tokens_T, positions_T, attend, linear, lengths_T=lengths_T)
        learnt_MD = hidden_TD.index_select(0, packed.learnt_M)
        losses_M = cross_entropy(learnt_MD, decoder.weights["lm_head.weight"], packed.labels_M, packed.weights_M)
        losses_M.sum().backward()
    return losses_M.detach().new_zeros(len(packed.segments)).index_add(0, packed.expert_M, losses_M.detach())
