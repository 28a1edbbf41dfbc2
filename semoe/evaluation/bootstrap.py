"""Confidence intervals by the bootstrap over questions (Efron, 1979); paired for differences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 5000


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Returns the mean of one value a question, with its interval; the same seed gives the same interval."""
    data = np.asarray(values, dtype=float)
    if data.size == 0:
        return Interval(0.0, 0.0, 0.0)
    picks = np.random.default_rng(seed).integers(0, data.size, (draws, data.size))
    low, high = np.quantile(data[picks].mean(axis=1), (0.025, 0.975))
    return Interval(float(data.mean()), float(low), float(high))


def paired_bootstrap(a: Sequence[float], b: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Returns the mean of a − b over the same questions, with its interval."""
    return interval([x - y for x, y in zip(a, b, strict=True)], draws=draws, seed=seed)
