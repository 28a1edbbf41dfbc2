import numpy as np
import pytest

from semoe.evaluation import bootstrap
from semoe.evaluation.bootstrap import interval, paired_bootstrap

VALUES = [float(i % 7) for i in range(200)]


def test_a_constant_difference_has_no_width() -> None:
    assert paired_bootstrap(VALUES, [x - 1 for x in VALUES]) == (1.0, 1.0, 1.0)


def test_the_interval_holds_the_mean_and_repeats_with_its_seed() -> None:
    found = interval(VALUES)
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(np.mean(VALUES))
    assert found == interval(VALUES)
    assert found != interval(VALUES, seed=1)


def test_its_width_is_that_of_the_normal_approximation() -> None:
    found = interval(VALUES)
    width = 2 * 1.96 * float(np.std(VALUES)) / len(VALUES) ** 0.5
    assert found.high - found.low == pytest.approx(width, rel=0.1)


def test_blocks_draw_what_one_block_would(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = interval(VALUES, draws=101)
    monkeypatch.setattr(bootstrap, "_BLOCK", 3 * len(VALUES))
    assert interval(VALUES, draws=101) == pytest.approx(whole)


def test_nothing_has_the_mean_nought_and_pairs_must_be_pairs() -> None:
    assert interval([]) == (0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="shorter"):
        paired_bootstrap([1.0, 2.0], [1.0])
