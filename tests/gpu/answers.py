"""Answers of experts, and whether two answers differ for a reason."""

from collections.abc import Sequence

import torch
from torch import Tensor

from semoe.experts.grouped import grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.decoder import Decoder

MAX_NEW_TOKENS = 24
CLOSE = 1e-4
"""Logits that lie nearer than this are as good as equal."""


def answers_of(
    decoder: Decoder,
    layout: ExpertLayout,
    experts: Sequence[Tensor],
    prompts: Sequence[Sequence[int]],
    ends: frozenset[int],
) -> list[list[int]]:
    """Each prompt's answer with its own expert."""
    engine = Engine(decoder, layout, eos_ids=ends)
    requests = [
        Request(prompt=tuple(prompt), experts=(expert,), max_new_tokens=MAX_NEW_TOKENS)
        for prompt, expert in zip(prompts, experts, strict=True)
    ]
    return [list(answer.tokens) for answer in engine.generate(requests)]


def clear_differences(
    decoder: Decoder,
    layout: ExpertLayout,
    experts: Sequence[Tensor],
    prompts: Sequence[Sequence[int]],
    ours: Sequence[Sequence[int]],
    theirs: Sequence[Sequence[int]],
) -> list[int]:
    """The prompts whose answers differ at a token where the two best logits are not close."""
    found = []
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if list(one) != list(other):
            same = _num_same(one, other)
            if _margin(decoder, layout, experts[number], [*prompts[number], *one[:same]]) >= CLOSE:
                found.append(number)
    return found


def _num_same(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens until the first that differs."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


@torch.inference_mode()
def _margin(decoder: Decoder, layout: ExpertLayout, flat_N: Tensor, ids: Sequence[int]) -> float:
    """How far the best next token is before the second."""
    device = decoder.device
    stack_EN = flat_N[None].to(device)
    linear = grouped_linear(layout, stack_EN, torch.zeros_like(stack_EN), [(0, len(ids))])
    tokens_T = torch.tensor(list(ids), device=device)
    positions_T = positions_of([len(ids)]).to(device)
    hidden_TD = decoder.hidden(tokens_T, positions_T, PackedAttention([len(ids)], device), linear)
    best = decoder.logits(hidden_TD[-1:])[0].topk(2).values
    return float(best[0] - best[1])
