"""Serving: each row's most probable token, its log-probability, and the entropy, in one pass over the logits.

B rows   V vocabulary   S slots
"""

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _choose(
    logits_ptr,
    slot_ptr,
    token_ptr,
    position_ptr,
    chosen_ptr,
    logprob_ptr,
    entropy_ptr,
    num_slots,
    VOCABULARY: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    slot = tl.load(slot_ptr + row)
    top = tl.full([COLUMNS], -1e30, tl.float32)
    total = tl.zeros([COLUMNS], tl.float32)
    weighted = tl.zeros([COLUMNS], tl.float32)
    best = tl.zeros([COLUMNS], tl.int32)
    for start in range(0, VOCABULARY, COLUMNS):
        c = start + tl.arange(0, COLUMNS)
        x = tl.load(logits_ptr + row * VOCABULARY + c, mask=c < VOCABULARY, other=-1e30).to(tl.float32)
        best = tl.where(x > top, c, best)
        higher = tl.maximum(top, x)
        shrink = tl.exp(top - higher)
        share = tl.where(c < VOCABULARY, tl.exp(x - higher), 0.0)
        total = total * shrink + share
        weighted = weighted * shrink + share * tl.where(share > 0, x, 0.0)  # 0 · log 0 counts as 0
        top = higher
    highest = tl.max(top, 0)
    shrink = tl.exp(top - highest)
    log_sum = tl.log(tl.sum(total * shrink, 0))
    # Of equals the one with the lowest id.
    token = tl.min(tl.where(top == highest, best, VOCABULARY), 0)
    tl.store(chosen_ptr + row, token)
    tl.store(logprob_ptr + row, -log_sum)
    tl.store(entropy_ptr + row, highest + log_sum - tl.sum(weighted * shrink, 0) / tl.sum(total * shrink, 0))
    if slot < num_slots:
        tl.store(token_ptr + slot, token)
        tl.store(position_ptr + slot, tl.load(position_ptr + slot) + 1)


def choose(
    logits_BV: Tensor,
    slots_B: Tensor,
    tokens_S: Tensor,
    positions_S: Tensor,
    chosen_B: Tensor,
    logprobs_B: Tensor,
    entropies_B: Tensor,
) -> None:
    """Chooses greedily, and moves each slot on by a place.

    Args:
        logits_BV: of the next token.
        slots_B: of each row; one that is not among the slots is room that no row uses.
        tokens_S: what is filled: each slot's newest token.
        positions_S: its place, which becomes the next one.
        chosen_B: what is filled: the token.
        logprobs_B: what is filled: natural logarithm of its probability.
        entropies_B: what is filled: of the distribution, in nats.
    """
    vocabulary = logits_BV.shape[1]
    _choose[(len(logits_BV),)](
        logits_BV,
        slots_B,
        tokens_S,
        positions_S,
        chosen_B,
        logprobs_B,
        entropies_B,
        len(tokens_S) - 1,
        vocabulary,
        min(2048, triton.next_power_of_2(vocabulary)),
        num_warps=8,
    )
