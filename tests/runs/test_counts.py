"""Counts go into a report by plain names, and come back."""

import pytest

from semoe.runs.counts import (
    AugmentCounts,
    Counts,
    EncodeCounts,
    InferenceCounts,
    RetrieveCounts,
    RunCounts,
    named_counts,
    read_counts,
    sum_counts,
)
from semoe.runs.totals import run_totals

ALL: list[Counts] = [
    RetrieveCounts(questions=2, retrieved=6),
    AugmentCounts(passages=5, pairs=9, without_pairs=1, rejected={"no-answer": 4, "too-long": 1}),
    EncodeCounts(
        passages=5, found=1, trained=3, published=3, without_pairs=1, tokens=99, bytes=7, training_seconds=0.5
    ),
    InferenceCounts(questions=2, seconds={"token-prag": 1.5, "none": 0.5}),
]


@pytest.mark.parametrize("counts", ALL)
def test_counts_come_back_from_their_names(counts: Counts) -> None:
    assert read_counts(type(counts), named_counts(counts)) == counts


def test_several_things_have_a_name_each() -> None:
    named = named_counts(AugmentCounts(passages=1, rejected={"no-answer": 4}))
    assert named == {"passages": 1, "pairs": 0, "without_pairs": 0, "rejected_no-answer": 4}


def test_a_name_of_another_version_is_left_out() -> None:
    assert read_counts(RetrieveCounts, {"questions": 1, "fetched": 3}) == RetrieveCounts(questions=1)


def test_sums_have_every_name_that_one_shard_has() -> None:
    assert sum_counts([{"a": 1, "b": 2}, {"a": 3, "c": 4}]) == {"a": 4, "b": 2, "c": 4}


def test_a_runs_totals_bear_the_names_of_the_live_metrics() -> None:
    stages = ("retrieve", "augment", "encode", "inference")
    named = {stage: named_counts(one) for stage, one in zip(stages, ALL, strict=True)}
    found = run_totals(RunCounts.of(named), num_published=8)
    assert found['semoe_pairs_rejected_total{reason="no-answer"}'] == 4
    assert found['semoe_questions_answered_total{method="token-prag"}'] == 2
    assert found["inference_seconds_token-prag"] == 1.5
    assert (found["semoe_experts_trained_total"], found["semoe_experts_published_total"]) == (3, 8)
