"""How the experts of one answer are weighted: from retrieval scores, best first, to weights.

Merging itself is always the sum of weighted deltas (PEFT's `add_weighted_adapter` with `combination_type="cat"`).
"""

import math
from collections.abc import Callable, Sequence

from semoe.registry import Registry

MergeRule = Callable[[Sequence[float]], tuple[float, ...]]
merge_rules: Registry[MergeRule] = Registry("merge rule")


@merge_rules.register("sum")
def weigh_sum(scores: Sequence[float]) -> tuple[float, ...]:
    """Weight 1 each, as published."""
    return (1.0,) * len(scores)


@merge_rules.register("mean")
def weigh_mean(scores: Sequence[float]) -> tuple[float, ...]:
    """Weight 1/k each of k experts."""
    return (1 / len(scores),) * len(scores) if scores else ()


@merge_rules.register("half")
def weigh_half(scores: Sequence[float]) -> tuple[float, ...]:
    """Weight 1/2 each."""
    return (0.5,) * len(scores)


@merge_rules.register("top1")
def weigh_top1(scores: Sequence[float]) -> tuple[float, ...]:
    """The best passage's expert alone."""
    return tuple(float(rank == 0) for rank in range(len(scores)))


@merge_rules.register("score")
def weigh_by_score(scores: Sequence[float]) -> tuple[float, ...]:
    """exp((score − best) / 2): an expert counts as much as its passage."""
    return tuple(math.exp((score - max(scores)) / 2) for score in scores)
