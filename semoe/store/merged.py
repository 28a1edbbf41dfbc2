"""Several experts as one adapter, for PEFT and for servers that give a request one adapter alone.

    R rank of an expert   K rank of all together   I, O inputs and outputs of a site

`cat` puts them side by side, which is exact: B·A of the whole is the weighted sum of theirs. `svd` is the nearest
adapter of a lower rank (Eckart and Young), by site.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from semoe.errors import UsageError

Way = Literal["cat", "svd"]
SERVED_RANKS = (8, 16, 32, 64, 128, 256, 512)
"""Ranks that servers make room for: all are values of vLLM's `--max-lora-rank`. No server is run by our tests."""
A = "lora_A.weight"
B = "lora_B.weight"


@dataclass(frozen=True, slots=True)
class Merged:
    """An adapter whose `lora_alpha` is its rank: what B·A is multiplied by is in B."""

    tensors: Mapping[str, Tensor]
    """Under PEFT's names, A [rank, I] and B [O, rank], float32."""
    rank: int
    num_used: int
    """Of its rank; the rest are zeros."""
    error: float
    """What was left out, relative to the whole sum: Frobenius norms over all sites; 0 for `cat`."""


def merge(
    experts: Sequence[Mapping[str, Tensor]],
    weights: Sequence[float],
    scaling: float,
    *,
    way: Way = "cat",
    rank: int | None = None,
) -> Merged:
    """Makes one adapter of experts of one space.

    Args:
        experts: each under PEFT's tensor names.
        weights: one an expert.
        scaling: what an expert's B·A is multiplied by: alpha / R.
        way: `cat` or `svd`.
        rank: for `svd` the rank that is kept, for `cat` the least that it is padded to; None: what `cat` needs.

    Raises:
        UsageError: a rank that is too small for `cat`, missing for `svd`, or larger than servers take.
    """
    names = sorted(name.removesuffix(A) for name in experts[0] if name.endswith(A))
    wide = {
        name: (
            torch.cat([one[name + A].float() for one in experts]),
            torch.cat(
                [weight * scaling * one[name + B].float() for weight, one in zip(weights, experts, strict=True)], 1
            ),
        )
        for name in names
    }
    num_used = max(len(a_KI) for a_KI, _ in wide.values())
    error = 0.0
    if way == "svd":
        if rank is None:
            raise UsageError("--merge svd needs --rank: how much of the sum is kept.", kind="options")
        wide, error = _lowered(wide, rank)
        num_used = min(rank, num_used)
    elif rank is not None and rank < num_used:
        raise UsageError(
            f"{len(experts)} experts side by side have rank {num_used}, more than --rank {rank}. Give a larger one, or "
            "--merge svd, which leaves something out.",
            kind="bad-value",
        )
    served = served_rank(max(num_used, rank or 1))
    tensors: dict[str, Tensor] = {}
    for name, (a_KI, b_OK) in wide.items():
        tensors[name + A] = torch.nn.functional.pad(a_KI, (0, 0, 0, served - len(a_KI))).contiguous()
        tensors[name + B] = torch.nn.functional.pad(b_OK, (0, served - b_OK.shape[1])).contiguous()
    return Merged(tensors, served, num_used, error)


def served_rank(rank: int) -> int:
    """Returns the least rank that servers make room for and that is not less.

    Raises:
        UsageError: none is as large.
    """
    for served in SERVED_RANKS:
        if rank <= served:
            return served
    raise UsageError(
        f"An adapter of rank {rank} is larger than servers take (at most {SERVED_RANKS[-1]}). Merge fewer experts, or "
        "with --merge svd and a smaller --rank.",
        kind="bad-value",
    )


def _lowered(wide: Mapping[str, tuple[Tensor, Tensor]], rank: int) -> tuple[dict[str, tuple[Tensor, Tensor]], float]:
    """Keeps the largest singular values of each site's B·A; returns what was left out, relative to all."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    left = whole = 0.0
    for name, (a_KI, b_OK) in wide.items():
        # B·A has rank K at most: its singular values are those of the small K × K matrix between two orthogonal ones.
        q_OK, r_KK = torch.linalg.qr(b_OK.double())
        p_IK, s_KK = torch.linalg.qr(a_KI.double().T)
        u_KK, values_K, v_KK = torch.linalg.svd(r_KK @ s_KK.T, full_matrices=False)
        roots_R = values_K[:rank].sqrt()
        b_OR = q_OK @ u_KK[:, :rank] * roots_R
        a_RI = roots_R[:, None] * (v_KK[:rank] @ p_IK.T)
        found[name] = a_RI.float(), b_OR.float()
        left += float(values_K[rank:].square().sum())
        whole += float(values_K.square().sum())
    return found, math.sqrt(left / whole) if whole else 0.0
