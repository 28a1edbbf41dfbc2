"""One step of the hand-written pass: what both directions need to know."""

from dataclasses import dataclass

from torch import Tensor

from semoe.experts.fused.buffers import Buffers
from semoe.experts.fused.products import Products
from semoe.experts.fused.rows import LayerRows
from semoe.experts.fused.tables import Tables
from semoe.experts.fused.weights import BaseWeights, LayerWeights
from semoe.kernels.gated import BACKWARD, FORWARD, num_partials
from semoe.kernels.heads import Angles
from semoe.models.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Step:
    """The base model, the experts, the tokens, and room to compute in."""

    config: ModelConfig
    weights: BaseWeights
    products: Products
    scaling: float
    rank: int
    experts: list[LayerRows]
    gradients: list[LayerRows]
    tables: Tables
    buffers: Buffers

    @property
    def num_tokens(self) -> int:
        """T."""
        return len(self.tables.tokens_T)

    def angles(self, layer: LayerWeights) -> Angles:
        """Returns those that a layer rotates by."""
        return self.tables.sliding if layer.slides else self.tables.full

    def act_parts(self) -> Tensor:
        """Room for A·act in parts, [P, T, R]."""
        return self._parts(num_partials(FORWARD, self.rank, self.config.intermediate_size), self.rank)

    def gradient_parts(self) -> Tensor:
        """Room for B·(dgate, dup) in parts, [P, T, Q]."""
        return self._parts(num_partials(BACKWARD, self.rank, self.config.intermediate_size), 2 * self.rank)

    def _parts(self, num_parts: int, width: int) -> Tensor:
        size = num_parts * self.num_tokens * width
        return self.buffers.passing.partial[:size].view(num_parts, self.num_tokens, width)
