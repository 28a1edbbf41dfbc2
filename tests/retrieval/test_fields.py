"""What of a record becomes a passage: no text that Python would print, and no number that stands for another."""

import math
from typing import Any

import pytest

from semoe.errors import UsageError
from semoe.retrieval.fields import passage_of


@pytest.mark.parametrize(
    ("title", "wanted"),
    [("A", "A"), (7, "7"), (["A", ["B "]], "A B"), (None, ""), ("", ""), ([], ""), (math.nan, "")],
    ids=repr,
)
def test_a_title_is_a_text_or_the_parts_of_one(title: Any, wanted: str) -> None:
    assert passage_of({"id": "1", "text": "fox", "title": title}, "c").title == wanted


@pytest.mark.parametrize("title", [{"en": "A"}, False, [1]], ids=repr)
def test_a_title_of_another_kind_is_refused(title: Any) -> None:
    with pytest.raises(UsageError, match="c: the title must be a text, not "):
        passage_of({"id": "1", "text": "fox", "title": title}, "c")


@pytest.mark.parametrize(("found", "wanted"), [(3, "3"), (2**64 - 1, str(2**64 - 1)), (1.0, "1"), ("1.0", "1.0")])
def test_a_whole_number_is_an_id_in_a_column_of_any_type(found: Any, wanted: str) -> None:
    assert passage_of({"id": found, "text": "fox"}, "c").id == wanted


@pytest.mark.parametrize("found", [True, 1.5, math.nan, 1.2345678901234568e29, {"$oid": "1"}, ["1"]], ids=repr)
def test_an_id_that_others_would_share_is_refused(found: Any) -> None:
    with pytest.raises(UsageError, match=r"c: expected an id .* write it as a text"):
        passage_of({"id": found, "text": "fox"}, "c")
