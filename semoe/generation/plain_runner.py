"""The runner that runs everywhere, and the reference: one token of every row, and whole prompts of those that begin.

    B rows that go on   T packed tokens   H, G heads   K head size   L places of the cache   V vocabulary

A prompt's last token goes on as the newest tokens of other rows do. Rows lie in slots 0 … n−1 of the cache without a
hole; when one ends, the last one moves into its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.generation.cache import KeyValueCache
from semoe.generation.runner import Choices
from semoe.generation.running import Running
from semoe.generation.shares import attention_shares, hidden_places
from semoe.generation.slots import ExpertSlots
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.decoder import Decoder


@dataclass(frozen=True, slots=True)
class Known:
    """Choices that are there already."""

    choices: Choices

    def wait(self) -> Choices:
        """Returns them."""
        return self.choices


class PlainRunner:
    """A `Runner`."""

    runs_ahead = False

    def __init__(self, decoder: Decoder, layout: ExpertLayout | None, max_rows: int) -> None:
        self._decoder = decoder
        self._cache = KeyValueCache(decoder, max_rows)
        self._slots = ExpertSlots(decoder, layout, max_rows)
        self._rows: list[int] = []
        """The sequence in each slot."""

    def admit(self, sequence: Running, *, must: bool) -> bool:
        """Takes the next slot; the cache grows."""
        request = sequence.request
        self._slots.set(len(self._rows), request.experts, request.weights or [1.0] * len(request.experts))
        self._rows.append(sequence.index)
        return True

    def begin(self, running: Sequence[Running]) -> Known:
        """Computes the next token of each of these rows, which are all that were admitted and not released."""
        sequences = {sequence.index: sequence for sequence in running}
        rows = [sequences[index] for index in self._rows]
        new = rows[len(self._cache.lengths) :]
        logits_BV, looked = self._compute(rows, [sequence.ids for sequence in new])
        found = _choices(logits_BV, looked, wants_entropy=any(one.request.wants_entropy for one in running))
        places = {index: place for place, index in enumerate(self._rows)}
        return Known(_in_order(found, [places[sequence.index] for sequence in running]))

    def release(self, sequence: Running) -> None:
        """Moves the last row into the slot that is left."""
        slot = self._rows.index(sequence.index)
        last = self._rows.pop()
        if slot < len(self._rows):
            self._rows[slot] = last
            self._cache.move(len(self._rows), slot)
            self._slots.move(len(self._rows), slot)
        del self._cache.lengths[len(self._rows) :]

    def _compute(
        self, rows: Sequence[Running], prompts: Sequence[Sequence[int]]
    ) -> tuple[Tensor, list[Tensor | None] | None]:
        """Returns the next token's logits of all rows, [B, V], and what they looked at.

        A prompt's last token is the newest of its row, and goes on as those of the other rows do.
        """
        device = self._decoder.device
        lengths = [length + 1 for length in self._cache.lengths] + [len(prompt) for prompt in prompts]
        self._cache.lengths = lengths
        self._cache.reserve(max(lengths))
        places_B = torch.tensor(lengths, device=device) - 1
        before = [
            (slot, prompt[:-1]) for slot, prompt in enumerate(prompts, len(rows) - len(prompts)) if len(prompt) > 1
        ]
        slots, packed = [slot for slot, _ in before], [len(prompt) for _, prompt in before]
        tokens = [sequence.ids[-1] for sequence in rows] + [token for _, prompt in before for token in prompt]
        looking = any(sequence.request.wants_attention for sequence in rows)
        last_layer = self._decoder.config.num_hidden_layers - 1
        attend = _Attention(self._cache, places_B, slots, packed, keep_layer=last_layer if looking else None)
        # Angles that go by the length of a sequence go by the whole prompt's.
        whole_T = torch.cat([torch.full((n,), n + 1) for n in packed]) if packed else places_B[:0]
        hidden_TD = self._decoder.hidden(
            torch.tensor(tokens, device=device),
            torch.cat([places_B, positions_of(packed).to(device)]),
            attend,
            self._slots.linear(len(rows), slots, packed),
            lengths_T=torch.cat([places_B + 1, whole_T.to(device)]),
        )
        return self._decoder.logits(hidden_TD[: len(rows)]), attend.kept() if looking else None


def _choices(logits_BV: Tensor, looked: list[Tensor | None] | None, *, wants_entropy: bool) -> Choices:
    """Takes the most probable token of each row; of equals the one with the lowest id."""
    logprobs_BV = logits_BV.float().log_softmax(-1)
    best_B = logits_BV.argmax(-1)
    entropies_B = torch.zeros(len(best_B))
    if wants_entropy:
        # 0 · log 0 counts as 0 in an entropy; in floating point it is NaN.
        entropies_B = -(logprobs_BV.exp() * logprobs_BV).nan_to_num().sum(-1)
    chosen_B = logprobs_BV.gather(1, best_B[:, None])[:, 0]
    return Choices(best_B.tolist(), chosen_B.tolist(), entropies_B.tolist(), looked)


def _in_order(found: Choices, order: Sequence[int]) -> Choices:
    looked = found.looked
    return Choices(
        [found.tokens[place] for place in order],
        [found.logprobs[place] for place in order],
        [found.entropies[place] for place in order],
        None if looked is None else [looked[place] for place in order],
    )


class _Attention:
    """One query of each row over its own filled places, after attention within each prompt, which fills some."""

    def __init__(
        self,
        cache: KeyValueCache,
        places_B: Tensor,
        slots: Sequence[int],
        lengths: Sequence[int],
        keep_layer: int | None = None,
    ) -> None:
        self._num_rows = len(places_B)
        self._step = _StepAttention(cache, places_B, keep_layer)
        self._prompts = _PromptAttention(cache, slots, lengths, places_B.device) if lengths else None

    def __call__(
        self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, window: int | None, scale: float | None
    ) -> Tensor:
        num = self._num_rows
        within = self._prompts(layer, q_THK[num:], k_TGK[num:], v_TGK[num:], window, scale) if self._prompts else None
        newest = self._step(layer, q_THK[:num], k_TGK[:num], v_TGK[:num], window, scale)
        return newest if within is None else torch.cat([newest, within])

    def kept(self) -> list[Tensor | None]:
        """What each row's query looked at in the layer that is kept, [H, L]."""
        return [] if self._step.kept_BHL is None else list(self._step.kept_BHL)


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
        shares = attention_shares(q_BHK, keys, self._hidden_from(window), scale or q_BHK.shape[-1] ** -0.5)
        if layer == self._keep_layer:
            self.kept_BHL = shares.flatten(1, 2)
        mixed_BHK: Tensor = (shares @ values).flatten(1, 2)
        return mixed_BHK

    def _hidden_from(self, window: int | None) -> Tensor:
        if window not in self._hidden:
            self._hidden[window] = hidden_places(self._places_B, self._width, window)
        return self._hidden[window]
