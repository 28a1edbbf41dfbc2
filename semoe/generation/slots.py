"""Each row's own experts while serving: ranks concatenated, deltas added, as PEFT's `cat`.

    B rows   T packed tokens   R summed rank of a row (padded with zeros)   I, O inputs and outputs of a site

A row's slot holds A [R, I] and B [O, R], with merge weight and scaling already in B. `reference.py` holds the plain
twin of both linears.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.models import products
from semoe.models.decoder import Decoder, Linear, plain_linear
from semoe.models.sites import Site


class ExpertSlots:
    """The table of experts of all running rows."""

    def __init__(self, decoder: Decoder, layout: ExpertLayout | None, max_rows: int) -> None:
        self._decoder = decoder
        self._layout = layout
        self._max_rows = max_rows
        self._tables: dict[Site, tuple[Tensor, Tensor]] = {}
        self._ranks = [0] * max_rows

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
        for site, (a_BRI, b_BOR) in self._tables.items():
            # The slot's former row may have had more experts: what is left of them would count for this one.
            a_BRI[slot] = 0
            b_BOR[slot] = 0
            if self._layout is not None and experts:
                a_RI, b_OR = concatenate(self._layout, site, experts, weights)
                a_BRI[slot, :rank] = a_RI
                b_BOR[slot, :, :rank] = b_OR

    def move(self, source: int, target: int) -> None:
        """Copies a row's experts to another slot."""
        for a_BRI, b_BOR in self._tables.values():
            a_BRI[target] = a_BRI[source]
            b_BOR[target] = b_BOR[source]
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
            if site not in self._tables:
                return y_TO
            a_BRI, b_BOR = self._tables[site]
            if steps:
                u_BR1 = torch.bmm(a_BRI[:num_rows], x_TI[:num_rows, :, None])
                y_TO[:num_rows] += torch.bmm(b_BOR[:num_rows], u_BR1)[:, :, 0]
            for slot, start, end in spans:
                u_TR = x_TI[start:end] @ a_BRI[slot, : self._ranks[slot]].T
                y_TO[start:end].addmm_(u_TR, b_BOR[slot, :, : self._ranks[slot]].T)
            return y_TO

        return linear

    def _reserve(self, rank: int) -> None:
        """Widens the tables to `rank`, keeping what is there."""
        if self._layout is None or (self._tables and rank <= next(iter(self._tables.values()))[0].shape[1]) or not rank:
            return
        for site, (_, _, inputs, outputs) in self._layout.offsets.items():
            a = torch.zeros(self._max_rows, rank, inputs, dtype=self._decoder.dtype, device=self._decoder.device)
            b = torch.zeros(self._max_rows, outputs, rank, dtype=a.dtype, device=a.device)
            if site in self._tables:
                old_a, old_b = self._tables[site]
                a[:, : old_a.shape[1]] = old_a
                b[:, :, : old_b.shape[2]] = old_b
            self._tables[site] = (a, b)


def concatenate(
    layout: ExpertLayout, site: Site, experts: Sequence[Tensor], weights: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Returns A [R, I] and B [O, R] of a site, ranks concatenated, weight · scaling multiplied into B."""
    pairs = [layout.pair(expert[None], site) for expert in experts]
    a_RI = torch.cat([a[0] for a, _ in pairs])
    b_OR = torch.cat([b[0] * (w * layout.lora.scaling) for (_, b), w in zip(pairs, weights, strict=True)], dim=1)
    return a_RI, b_OR
