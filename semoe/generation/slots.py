"""Each row's own experts while serving: ranks concatenated, deltas added, as PEFT's `cat`.

    B rows   T packed tokens   L layers   R summed rank of a row (padded with zeros)   I, O inputs and outputs of a site

A row's slot holds A [R, I] and B [O, R] of every site, with merge weight and scaling already in B. A module's sites lie
in one table, since a switch that copies each of ninety sites on its own takes longer for that than for the numbers.
`reference.py` holds the plain twin of both linears.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.models import products
from semoe.models.decoder import Decoder, Linear, plain_linear
from semoe.models.sites import Site, projection_shapes


class ExpertSlots:
    """The table of experts of all running rows."""

    def __init__(self, decoder: Decoder, layout: ExpertLayout | None, max_rows: int) -> None:
        self._decoder = decoder
        self._layout = layout
        self._max_rows = max_rows
        self._tables: dict[str, tuple[Tensor, Tensor]] = {}
        """A [L, B, R, I] and B [L, B, O, R] of each module."""
        self._ranks = [0] * max_rows
        self._rank = 0
        """R, the largest so far."""

    def set(self, slot: int, experts: Sequence[Tensor], weights: Sequence[float]) -> None:
        """Loads a row's experts into its slot; the former ones go.

        Raises:
            UsageError: the engine was made without an expert layout.
        """
        if experts and self._layout is None:
            raise UsageError("This engine was made without an expert layout; it cannot load experts.", kind="bad-value")
        rank = len(experts) * (self._layout.lora.rank if self._layout else 0)
        self._reserve(rank)
        self._ranks[slot] = rank
        for module, (a_LBRI, b_LBOR) in self._tables.items():
            # The slot's former row may have had more experts: what is left of them would count for this one.
            a_LBRI[:, slot, rank:] = 0
            b_LBOR[:, slot, :, rank:] = 0
            self._fill(module, a_LBRI[:, slot], b_LBOR[:, slot], experts, weights)

    def move(self, source: int, target: int) -> None:
        """Copies a row's experts to another slot."""
        for a_LBRI, b_LBOR in self._tables.values():
            a_LBRI[:, target] = a_LBRI[:, source]
            b_LBOR[:, target] = b_LBOR[:, source]
        self._ranks[target] = self._ranks[source]

    def linear(self, num_rows: int, slots: Sequence[int], lengths: Sequence[int]) -> Linear:
        """Returns the `Linear` of one token in each of the first slots, and behind them of whole prompts, packed.

        Args:
            num_rows: slots that have one token.
            slots: of the prompts.
            lengths: of the prompts.
        """
        ends = (num_rows + torch.tensor(lengths).cumsum(0)).tolist() if lengths else []
        spans = [(slot, end - n, end) for slot, n, end in zip(slots, lengths, ends, strict=True) if self._ranks[slot]]
        steps = any(self._ranks[:num_rows])
        if not steps and not spans:
            return plain_linear

        def linear(site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
            y_TO = products.linear(x_TI, weight_OI, bias_O)
            if site.module not in self._tables:
                return y_TO
            a_BRI, b_BOR = (table[site.layer] for table in self._tables[site.module])
            if steps:
                u_BR1 = torch.bmm(a_BRI[:num_rows], x_TI[:num_rows, :, None])
                y_TO[:num_rows] += torch.bmm(b_BOR[:num_rows], u_BR1)[:, :, 0]
            for slot, start, end in spans:
                u_TR = x_TI[start:end] @ a_BRI[slot, : self._ranks[slot]].T
                y_TO[start:end].addmm_(u_TR, b_BOR[slot, :, : self._ranks[slot]].T)
            return y_TO

        return linear

    def _fill(
        self, module: str, a_LRI: Tensor, b_LOR: Tensor, experts: Sequence[Tensor], weights: Sequence[float]
    ) -> None:
        """Writes a row's experts one behind the other along R."""
        if self._layout is None:
            return
        each = self._layout.lora.rank
        for place, (expert, weight) in enumerate(zip(experts, weights, strict=True)):
            ranks = slice(place * each, (place + 1) * each)
            a_LrI, b_LOr = self._layout.in_all_layers(expert, module)
            a_LRI[:, ranks] = a_LrI
            b_LOR[:, :, ranks] = b_LOr * (weight * self._layout.lora.scaling)

    def _reserve(self, rank: int) -> None:
        """Widens the tables to `rank`, keeping what is there."""
        if self._layout is None or not rank or rank <= self._rank:
            return
        layers = self._decoder.config.num_hidden_layers
        for module in self._layout.modules:
            outputs, inputs = projection_shapes(self._decoder.config)[module]
            a_LBRI = self._zeros(layers, self._max_rows, rank, inputs)
            b_LBOR = self._zeros(layers, self._max_rows, outputs, rank)
            if module in self._tables:
                old_a, old_b = self._tables[module]
                a_LBRI[:, :, : old_a.shape[2]] = old_a
                b_LBOR[:, :, :, : old_b.shape[3]] = old_b
            self._tables[module] = (a_LBRI, b_LBOR)
        self._rank = rank

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=self._decoder.dtype, device=self._decoder.device)
