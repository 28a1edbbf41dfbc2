"""An expert's record: what a folder from elsewhere says is kept, and what is none is named."""

import math
from typing import Any

import pytest

from semoe.errors import CorruptError
from semoe.store.record import ExpertRecord

WHOLE = {
    "format": 1, "key": "ab", "space": "s", "preset": "semoe", "title": "T", "passage": "P", "num_tokens": 3,
    "qa": [{"question": "q", "answer": "a"}], "loss": 0.5, "learnt": "l",
}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"imported": True}, {"by": "me", "format": 7}])
def test_a_record_comes_back_as_it_was(more: dict[str, Any]) -> None:
    assert ExpertRecord.from_json(WHOLE | more).to_json() == WHOLE | more


def test_a_loss_that_was_not_finite_is_not_a_number() -> None:
    assert math.isnan(ExpertRecord.from_json(WHOLE | {"loss": None}).loss)


def test_pairs_may_be_missing() -> None:
    assert ExpertRecord.from_json(WHOLE | {"qa": None}).pairs == ()


@pytest.mark.parametrize("record", [{"key": "ab"}, WHOLE | {"qa": [{"question": "q"}]}, WHOLE | {"qa": [1]}])
def test_what_is_no_record_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(CorruptError, match="cannot be read"):
        ExpertRecord.from_json(record)
