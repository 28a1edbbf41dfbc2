"""The base weight: the untrained adapter from which every expert of a space starts.

A step of its own (never a by-product of training the first expert), so that a restart finds the same numbers.
"""

import math

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout


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
