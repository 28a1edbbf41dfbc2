"""Runs the decoder for the engine: whole prompts, then one token of every running row.

    B rows   T packed tokens   H, G heads   K head size   L places of the cache   V vocabulary

Knows the cache and the expert slots; knows neither scheduling nor when an answer ends.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.generation.cache import KeyValueCache
from semoe.generation.running import Running
from semoe.generation.slots import ExpertSlots
from semoe.models.attention import PackedAttention, lengths_of, positions_of
from semoe.models.decoder import Decoder


class Runner:
    """Holds the device state of the running rows."""

    def __init__(self, decoder: Decoder, layout: ExpertLayout | None, max_rows: int) -> None:
        self._decoder = decoder
        self._cache = KeyValueCache(decoder, max_rows)
        self._slots = ExpertSlots(decoder, layout, max_rows)

    def prefill(self, admitted: Sequence[Running], first_slot: int) -> Tensor:
        """Computes whole prompts into the slots from `first_slot` on; returns the next token's logits, [B, V]."""
        lengths = [len(sequence.request.prompt) for sequence in admitted]
        slots = range(first_slot, first_slot + len(admitted))
        self._cache.lengths += lengths
        self._cache.reserve(max(lengths) + 1)
        for slot, sequence in zip(slots, admitted, strict=True):
            request = sequence.request
            self._slots.set(slot, request.experts, request.weights or [1.0] * len(request.experts))
        device = self._decoder.device
        tokens_T = torch.tensor([t for s in admitted for t in s.request.prompt], device=device)
        attend = _PromptAttention(self._cache, slots, lengths, device)
        linear = self._slots.prompts(slots, lengths)
        positions_T = positions_of(lengths).to(device)
        lengths_T = lengths_of(lengths).to(device)
        hidden_TD = self._decoder.hidden(tokens_T, positions_T, attend, linear, lengths_T=lengths_T)
        last_B = torch.tensor(lengths, device=device).cumsum(0) - 1
        return self._decoder.logits(hidden_TD[last_B])

    def step(self, running: Sequence[Running]) -> Tensor:
        """Computes the newest token of every running row; returns the next token's logits, [B, V]."""
        device = self._decoder.device
        places_B = torch.tensor(self._cache.lengths, device=device)
        self._cache.reserve(max(self._cache.lengths) + 1)
        tokens_B = torch.tensor([sequence.tokens[-1] for sequence in running], device=device)
        looking = any(sequence.request.wants_attention for sequence in running)
        attend = _StepAttention(
            self._cache, places_B, keep_layer=self._decoder.config.num_hidden_layers - 1 if looking else None
        )
        linear = self._slots.step(len(running))
        hidden_BD = self._decoder.hidden(tokens_B, places_B, attend, linear, lengths_T=places_B + 1)
        if attend.kept_BHL is not None:
            for sequence, shares_HL in zip(running, attend.kept_BHL, strict=True):
                if sequence.request.wants_attention:
                    sequence.look(shares_HL)
        self._cache.lengths = [length + 1 for length in self._cache.lengths]
        return self._decoder.logits(hidden_BD)

    def compact(self, moves: Sequence[tuple[int, int]], num_running: int) -> None:
        """Moves rows into the slots that finished sequences left."""
        for source, target in moves:
            self._cache.move(source, target)
            self._slots.move(source, target)
        del self._cache.lengths[num_running:]


class _PromptAttention:
    """Attention within each prompt; stores its keys and values on the way."""

    def __init__(
        self, cache: KeyValueCache, slots: Sequence[int], lengths: Sequence[int], device: torch.device
    ) -> None:
        self._cache = cache
        self._slots = slots
        self._lengths = list(lengths)
        self._packed = PackedAttention(lengths, device)

    def __call__(
        self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, window: int | None, scale: float | None
    ) -> Tensor:
        rows = zip(self._slots, k_TGK.split(self._lengths), v_TGK.split(self._lengths), strict=True)
        for slot, k_LGK, v_LGK in rows:
            self._cache.store_prompt(layer, slot, k_LGK, v_LGK)
        return self._packed(layer, q_THK, k_TGK, v_TGK, window, scale)


class _StepAttention:
    """One query of each row over its own filled places, or the nearest ones of them."""

    def __init__(self, cache: KeyValueCache, places_B: Tensor, keep_layer: int | None = None) -> None:
        self._cache = cache
        self._places_B = places_B
        self._keep_layer = keep_layer
        self.kept_BHL: Tensor | None = None
        """What each query looked at in the layer that is kept."""
        self._rows_B = torch.arange(len(places_B), device=places_B.device)
        self._width = int(places_B.max()) + 1
        self._hidden: dict[int | None, Tensor] = {}
        """Places that the queries do not see, [B, 1, 1, L], for each window that a layer has."""

    def __call__(
        self, layer: int, q_BHK: Tensor, k_BGK: Tensor, v_BGK: Tensor, window: int | None, scale: float | None
    ) -> Tensor:
        self._cache.store_step(layer, self._rows_B, self._places_B, k_BGK, v_BGK)
        keys = self._cache.keys[layer, : len(q_BHK), :, : self._width]
        values = self._cache.values[layer, : len(q_BHK), :, : self._width]
        q_BGQK = q_BHK.unflatten(1, (k_BGK.shape[1], -1))
        scores = (q_BGQK @ keys.transpose(-1, -2)) * (scale or q_BHK.shape[-1] ** -0.5)
        # masked_fill also hides places that hold whatever an earlier row left.
        shares = (
            scores.masked_fill(self._hidden_from(window), -torch.inf).softmax(-1, dtype=torch.float32).to(values.dtype)
        )
        if layer == self._keep_layer:
            self.kept_BHL = shares.flatten(1, 2)
        mixed_BHK: Tensor = (shares @ values).flatten(1, 2)
        return mixed_BHK

    def _hidden_from(self, window: int | None) -> Tensor:
        if window not in self._hidden:
            places_L = torch.arange(self._width, device=self._places_B.device)
            here_B1 = self._places_B[:, None]
            hidden_BL = places_L > here_B1
            if window is not None:
                hidden_BL |= places_L <= here_B1 - window
            self._hidden[window] = hidden_BL[:, None, None, :]
        return self._hidden[window]
