"""The key-value cache: one row a running sequence, grown as prompts and answers get longer.

B rows   G key-value heads   L places   K head size
"""

import torch
from torch import Tensor

from semoe.models.decoder import Decoder

GROWTH = 64


class KeyValueCache:
    """Keys and values of every layer, [layers][B, G, L, K]."""

    def __init__(self, decoder: Decoder, max_rows: int) -> None:
        config = decoder.config
        self._shape = (config.num_hidden_layers, max_rows, config.num_key_value_heads, 0, config.head_dim)
        self.keys = torch.zeros(self._shape, dtype=decoder.dtype, device=decoder.device)
        self.values = torch.zeros_like(self.keys)
        self.lengths: list[int] = []
        """Filled places of each running row."""

    def reserve(self, length: int) -> None:
        """Makes room for `length` places in every row, keeping what is there."""
        have = self.keys.shape[3]
        if length <= have:
            return
        size = max(-(-length // GROWTH) * GROWTH, have + have // 2)
        self.keys, self.values = (_grown(old, size) for old in (self.keys, self.values))

    def store_prompt(self, layer: int, row: int, k_LGK: Tensor, v_LGK: Tensor) -> None:
        """Stores a whole prompt's keys and values."""
        self.keys[layer, row, :, : len(k_LGK)] = k_LGK.transpose(0, 1)
        self.values[layer, row, :, : len(v_LGK)] = v_LGK.transpose(0, 1)

    def store_step(self, layer: int, rows_B: Tensor, places_B: Tensor, k_BGK: Tensor, v_BGK: Tensor) -> None:
        """Stores one more place of each running row."""
        self.keys[layer][rows_B, :, places_B] = k_BGK
        self.values[layer][rows_B, :, places_B] = v_BGK

    def move(self, source: int, target: int) -> None:
        """Copies a row's filled places into another row."""
        length = self.lengths[source]
        for cache in (self.keys, self.values):
            cache[:, target, :, :length] = cache[:, source, :, :length]
        self.lengths[target] = length


def _grown(old: Tensor, size: int) -> Tensor:
    new = old.new_zeros((*old.shape[:3], size, old.shape[4]))
    new[:, :, :, : old.shape[3]] = old
    return new
