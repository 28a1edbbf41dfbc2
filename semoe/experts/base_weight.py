"""The base weight: the adapter from which every expert of a space starts; untrained, where none is given.

A step of its own (never a by-product of training the first expert), so that a restart finds the same numbers. One that
is given is kept by `semoe.store.base_weights`.
"""

import math
import re

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout

_KEY = re.compile("[0-9a-f]{32}")


def is_key(name: str) -> bool:
    """Whether a text can be the key of a base weight that was given: a hash of its numbers."""
    return bool(_KEY.fullmatch(name))


def base_weight(layout: ExpertLayout, seed: int = 42) -> Tensor:
    """Draws PEFT's initial adapter: A Kaiming-uniform (a = √5), B zero; returns [N], float32.

    Source: `init_lora_weights=True` of PEFT's LoRA layer.
    """
    generator = torch.Generator().manual_seed(seed)
    flat_N = torch.zeros(layout.size)
    for site in layout.sites:
        a_ERI, _ = layout.pair(flat_N[None], site)
        bound = 1 / math.sqrt(a_ERI.shape[-1])
        a_ERI.uniform_(-bound, bound, generator=generator)
    return flat_N
