"""Shards are contiguous, whole and about equally heavy."""

from hypothesis import given
from hypothesis import strategies as st

from semoe.datasets import AugmentedPassage, AugmentedQuestion, Task
from semoe.runs import Manifest, ShardSize
from semoe.runs.estimate import Prices, estimate
from semoe.worker.planning import balanced, distinct_passages, slices


@given(st.lists(st.integers(1, 500), min_size=1, max_size=200), st.integers(1, 40))
def test_slices_cover_all_in_order_and_none_is_much_too_heavy(weights: list[int], parts: int) -> None:
    cut = list(balanced(weights, parts))
    assert [start for start, _ in cut] == [0, *(end for _, end in cut[:-1])]
    assert cut[-1][1] == len(weights)
    assert all(start < end for start, end in cut)
    assert len(cut) <= parts
    share = sum(weights) / parts
    assert all(sum(weights[start:end]) <= share + max(weights) for start, end in cut)


@given(st.integers(1, 5000), st.integers(1, 2000))
def test_equal_items_make_equal_slices(count: int, parts: int) -> None:
    sizes = [end - start for start, end in slices(count, parts)]
    assert sum(sizes) == count
    assert len(sizes) == min(parts, count, 512)
    assert max(sizes) - min(sizes) <= 1


def test_a_passage_of_two_questions_is_planned_once() -> None:
    one = AugmentedPassage(pid=0, passage="Ubik is a novel.", title="Ubik", score=2.0)
    same = AugmentedPassage(pid=1, passage="Ubik  is a novel.", title="Ubik")
    other = AugmentedPassage(pid=2, passage="Ubik is a novel.", title="Another")
    tasks = [
        Task(did=did, question=AugmentedQuestion(qid="q", test_id=0, question="?", answers=("a",), passages=passages))
        for did, passages in enumerate([(one, other), (same,)])
    ]
    passages, count = distinct_passages(tasks)
    assert count == 3
    assert [passage.title for passage in passages.values()] == ["Ubik", "Another"]


def test_an_estimate_counts_only_what_was_given() -> None:
    manifest = Manifest(
        num_passages=7200, num_retrieved=9000, num_tokens=1, passage_shards=(ShardSize(num_items=1),) * 8
    )
    prices = Prices(accelerator_hour=3.0, gigabyte_month=0.02)
    unknown = estimate(manifest, bytes_per_expert=10**6, parallelism=4, prices=prices)
    assert (unknown.pods, unknown.num_bytes, unknown.hours, unknown.money) == (4, 7_200_000_000, None, None)
    assert unknown.money_a_month == 7.2 * 0.02
    known = estimate(manifest, bytes_per_expert=1, parallelism=4, prices=prices, experts_per_second=(1.0, 2.0, 4.0))
    assert (known.hours, known.wall_hours, known.money) == ((2.0, 0.5), 0.25, (6.0, 1.5))
