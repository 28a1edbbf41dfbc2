"""The GPU road, where it can be taken: kernels over buffers that are kept from batch to batch.

N numbers of one expert
"""

import torch
from torch import Tensor

from semoe.experts.fused.angles import AngleTable
from semoe.experts.fused.buffers import Buffers, bytes_per_token, make_buffers
from semoe.experts.fused.products import Products
from semoe.experts.fused.rows import RowOrder
from semoe.experts.fused.stack import FusedStack
from semoe.experts.fused.weights import base_weights
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import TrainingSettings
from semoe.kernels.gated import BACKWARD, FORWARD, num_partials
from semoe.models.decoder import Decoder

ENOUGH_TOKENS = 32768
"""Of a step: more make it no faster."""
HOST_BYTES = 1 << 30
"""Of a batch's experts, which are copied to the host at once; two or three batches may lie there."""
COPIES = 6
"""Of an expert's numbers: itself, its gradient, two moments, and twice what is handed out."""
SHARE = 0.8
"""Of the free memory that a batch may take: the rest is the allocator's and the matrix products'."""


class FusedRoad:
    """A `Road`."""

    def __init__(
        self, decoder: Decoder, layout: ExpertLayout, base_N: Tensor, settings: TrainingSettings, products: Products
    ) -> None:
        self.name = f"kernels, products in {products.name}"
        self._decoder = decoder
        self._weights = base_weights(decoder)
        self._products = products
        products.prepare(self._weights)  # before anybody asks how much memory is free
        self._layout = layout
        self._settings = settings
        self._base_N = base_N.to(decoder.device)
        self._places_N = RowOrder(layout).places().to(decoder.device)
        rank, inner = layout.lora.rank, decoder.config.intermediate_size
        self._num_parts = max(num_partials(FORWARD, rank, inner), num_partials(BACKWARD, rank, inner))
        self._angles = AngleTable(decoder)
        self._buffers: Buffers | None = None
        self._room = 0
        """Tokens that the buffers hold."""

    def stack(self, num_experts: int, num_tokens: int) -> FusedStack:
        """Begins some experts; buffers grow where they are too small."""
        if self._buffers is None or num_tokens > self._room:
            self._buffers = None  # given back before more is asked for
            self._room = 0
            self._buffers = make_buffers(self._weights, self._layout.lora.rank, num_tokens, self._num_parts)
            self._room = num_tokens
        return FusedStack(
            self._decoder,
            self._weights,
            self._products,
            self._layout,
            self._settings,
            self._buffers,
            self._angles,
            self._places_N,
            self._base_N.repeat(num_experts, 1),
        )

    def tokens_per_step(self, tokens_per_expert: int) -> int:
        """Returns what pays and fits."""
        per_expert = COPIES * 4 * RowOrder(self._layout).size
        per_token = bytes_per_token(self._weights, self._layout.lora.rank, self._num_parts)
        torch.cuda.empty_cache()  # what torch keeps for itself counts as taken
        free, _ = torch.cuda.mem_get_info(self._decoder.device)
        fitting = SHARE * free / (per_token + per_expert / tokens_per_expert)
        on_the_host = HOST_BYTES / (4 * self._layout.size) * tokens_per_expert
        return max(1, int(min(ENOUGH_TOKENS, fitting, on_the_host)))

    def give_back(self) -> None:
        """Gives back the buffers: they may have left no room for what else a step needs."""
        self._buffers = None
        self._room = 0
        torch.cuda.empty_cache()
