"""The order in which the kernels want an expert's numbers: every row of A, and every column of B, lies in one piece.

    E experts   N numbers of one expert as it is kept   M numbers in the kernels' order
    R rank   Q = 2 R (gate's rows, then up's)   D hidden size   I inner size

A module that holds no expert has zeros in its place: their gradients are zero, so they stay zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.models.sites import Site

MODULES = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class LayerRows:
    """One layer of all experts, as views."""

    a_EQD: Tensor
    """A of gate and up."""
    b_EQI: Tensor
    """B of gate and up, transposed."""
    a_ERI: Tensor
    """A of down."""
    b_ERD: Tensor
    """B of down, transposed."""


@dataclass(frozen=True)
class RowOrder:
    """Places in the kernels' order."""

    layout: ExpertLayout

    @property
    def layer_size(self) -> int:
        """Numbers of one layer of one expert."""
        config = self.layout.config
        return 3 * self.layout.lora.rank * (config.hidden_size + config.intermediate_size)

    @property
    def size(self) -> int:
        """M."""
        return self.layer_size * self.layout.config.num_hidden_layers

    def layers(self, stack_EM: Tensor) -> list[LayerRows]:
        """Returns each layer of a stack in this order."""
        return [self._layer(one) for one in stack_EM.split(self.layer_size, dim=1)]

    def _layer(self, layer_EM: Tensor) -> LayerRows:
        config, rank = self.layout.config, self.layout.lora.rank
        hidden, inner = config.hidden_size, config.intermediate_size
        sizes = [2 * rank * hidden, 2 * rank * inner, rank * inner, rank * hidden]
        widths = (hidden, inner, inner, hidden)
        parts = layer_EM.split(sizes, dim=1)
        return LayerRows(*(part.unflatten(1, (-1, width)) for part, width in zip(parts, widths, strict=True)))

    def places(self) -> Tensor:
        """Returns where each number of an expert goes, [N]."""
        order_M = torch.arange(self.size)
        places_N = torch.empty(self.layout.size, dtype=torch.long)
        for layer, rows in enumerate(self.layers(order_M[None])):
            for module, a_RI, b_RO in self._modules(rows):
                site = Site(layer, module)
                if site in self.layout.offsets:
                    a, b = self.layout.pair(places_N[None], site)
                    a[0].copy_(a_RI)
                    b[0].copy_(b_RO.T)
        return places_N

    def _modules(self, rows: LayerRows) -> Iterator[tuple[str, Tensor, Tensor]]:
        rank = self.layout.lora.rank
        yield "gate_proj", rows.a_EQD[0, :rank], rows.b_EQI[0, :rank]
        yield "up_proj", rows.a_EQD[0, rank:], rows.b_EQI[0, rank:]
        yield "down_proj", rows.a_ERI[0], rows.b_ERD[0]
