"""Confidence intervals by the bootstrap over questions (Efron, 1979); paired for differences.

Values go in, one a question, in any unit; the interval comes out in the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DRAWS = 5000
_BLOCK = 2**22
"""Values drawn at once: all draws over a whole benchmark would take a gigabyte."""


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
    low, high = np.quantile(_means(data, draws, np.random.default_rng(seed)), (0.025, 0.975))
    return Interval(float(data.mean()), float(low), float(high))


def paired_bootstrap(a: Sequence[float], b: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Returns the mean of a − b over the same questions, with its interval."""
    return interval([x - y for x, y in zip(a, b, strict=True)], draws=draws, seed=seed)


def _means(data: NDArray[np.float64], draws: int, random: np.random.Generator) -> list[float]:
    step = max(1, _BLOCK // data.size)
    means: list[float] = []
    for start in range(0, draws, step):
        picks = random.integers(0, data.size, (min(step, draws - start), data.size))
        means += data[picks].mean(axis=1).tolist()
    return means
