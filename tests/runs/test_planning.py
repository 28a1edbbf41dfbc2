"""Shards are contiguous, whole and about equally heavy."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, Task
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.experts.preset import load_preset
from semoe.runs.cutting import balanced, num_shards_for, slices
from semoe.runs.estimate import Prices, estimate
from semoe.runs.folder import RunFolder
from semoe.runs.manifest import distinct_passages, items_of, provisional_manifest
from semoe.runs.plan import Manifest, Plan, ShardSize
from semoe.runs.planning import make_plan
from semoe.runs.records import ShardReport
from semoe.runs.retrieving import retrieve_and_cut
from semoe.store.objects import FolderObjects


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


PLANNED = Manifest(num_passages=7200, num_retrieved=9000, num_tokens=1, passage_shards=(ShardSize(num_items=1),) * 8)
PRICES = Prices(accelerator_hour=3.0, gigabyte_month=0.02)
REQUESTS = Prices(accelerator_hour=3.0, thousand_requests=1.0)
SPEEDS = (1.0, 4.0)


def test_without_a_speed_an_estimate_is_of_pods_and_bytes() -> None:
    unknown = estimate(PLANNED, bytes_per_expert=10**6, parallelism=4, prices=PRICES)
    assert (unknown.pods, unknown.num_bytes, unknown.hours, unknown.money) == (4, 7_200_000_000, None, None)
    assert unknown.money_a_month == 7.2 * 0.02


def test_with_a_speed_an_estimate_is_of_hours_and_money_too() -> None:
    known = estimate(PLANNED, bytes_per_expert=1, parallelism=4, prices=PRICES, experts_per_second=SPEEDS)
    assert (known.hours, known.wall_hours, known.money) == ((0.5, 2.0), (0.125, 0.5), (1.5, 6.0))
    assert known.passages == (7200, 7200)


@pytest.mark.parametrize(("gpus", "wall"), [(0, 0.125), (8, 0.125), (4, 0.125), (2, 0.25), (1, 0.5)])
def test_workers_that_share_gpus_are_no_faster_than_the_gpus(gpus: int, wall: float) -> None:
    known = estimate(PLANNED, bytes_per_expert=1, parallelism=4, prices=PRICES, experts_per_second=SPEEDS, gpus=gpus)
    assert (known.pods, known.wall_hours) == (4, (wall, 4 * wall))
    assert (known.hours, known.money) == ((0.5, 2.0), (1.5, 6.0))


def test_what_is_not_known_for_sure_widens_every_figure() -> None:
    sure, about = (
        estimate(
            PLANNED, bytes_per_expert=10**6, parallelism=4, prices=REQUESTS, experts_per_second=SPEEDS, error=error
        )
        for error in (0.0, 0.25)
    )
    assert about.passages == (5400, 9000)
    assert about.hours == (0.375, 2.5)
    assert sure.requests is not None
    # Two hours of workers: a commit of a pack and its index each minute, and a heartbeat with its log every 5 seconds.
    assert sure.requests[1] == pytest.approx(120 * 3 + 2 * 1440)
    assert about.money == pytest.approx(
        (3 * 0.375 + (3 * 5.4e9 / (64 << 20) + 2 * 270) / 1000, 7.5 + (150 * 3 + 3600) / 1000), rel=1e-3
    )


def test_there_are_no_more_pods_than_shards_and_without_prices_no_money() -> None:
    few = estimate(PLANNED, bytes_per_expert=1, parallelism=9, prices=Prices(), experts_per_second=SPEEDS)
    assert (few.pods, few.wall_hours, few.money, few.money_a_month) == (8, (0.0625, 0.25), (0.0, 0.0), 0.0)


def test_nothing_takes_no_time() -> None:
    nothing = Manifest(num_passages=0, num_retrieved=0, num_tokens=0, passage_shards=())
    none = estimate(nothing, bytes_per_expert=1, parallelism=9, prices=PRICES, experts_per_second=SPEEDS)
    assert (none.pods, none.wall_hours) == (0, (0.0, 0.0))


def tasks(count: int) -> list[Task]:
    return [
        Task(did=did, question=AugmentedQuestion(qid=str(did), test_id=did, question=f"{did}?", answers=("a",)))
        for did in range(count)
    ]


def settings(**more: object) -> Plan:
    return Plan(
        run="r", model_name="smollm2", preset=load_preset("semoe"), augmented_by="parse", sets=(), question_shards=(),
        topk=3, retriever="bm25", index_dir="i", index_name="wiki", methods=("prag",), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_plan_is_made_once(tmp_path: Path) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    made = make_plan(folder, settings(), tasks(7), 3)
    assert made == folder.plan() == make_plan(folder, settings(), tasks(7), 3)


def test_a_plans_questions_lie_in_order_in_about_equal_shards(tmp_path: Path) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    made = make_plan(folder, settings(), tasks(7), 3)
    assert [size.num_items for size in made.question_shards] == [3, 2, 2]
    questions = [folder.questions(shard) for shard in range(3)]
    assert [task.did for own in questions for task in own] == list(range(7))
    assert [len(own) for own in questions] == [3, 2, 2]


@pytest.mark.parametrize(
    ("changed", "shards", "name"), [({"topk": 4}, 3, "topk"), ({}, 2, "question_shards")], ids=["topk", "shards"]
)
def test_a_plan_with_other_settings_is_refused_and_changes_nothing(
    tmp_path: Path, changed: dict[str, int], shards: int, name: str
) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    made = make_plan(folder, settings(), tasks(7), 3)
    with pytest.raises(UsageError, match=f"another {name}"):
        make_plan(folder, replace(settings(), **changed), tasks(7), shards)  # type: ignore[arg-type]
    assert folder.plan() == made


def test_a_plan_that_was_stopped_half_way_is_made_to_its_end(tmp_path: Path) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    folder.write("questions/00000.json", tasks(1), list[Task])
    make_plan(folder, settings(), tasks(300))
    assert [len(folder.questions(shard)) for shard in range(2)] == [150, 150]


@pytest.mark.parametrize(("items", "shards"), [(0, 0), (1, 1), (256, 1), (257, 2), (512, 2), (513, 3)])
def test_a_shard_holds_256_where_nobody_says_it(items: int, shards: int) -> None:
    assert num_shards_for(items) == shards


def test_before_retrieval_a_manifest_is_what_there_is_at_most() -> None:
    plan = replace(settings(), question_shards=(ShardSize(num_items=100), ShardSize(num_items=71)))
    found = provisional_manifest(plan)
    assert (found.num_passages, found.num_retrieved, found.num_tokens) == (513, 513, 0)
    assert [size.num_items for size in found.passage_shards] == [171] * 3
    assert len(provisional_manifest(replace(plan, num_passage_shards=5)).passage_shards) == 5


TEXTS = ("word " * 90, "short one", "short one", "", "another one")


@pytest.fixture
def retrieved(tmp_path: Path) -> tuple[RunFolder, Plan]:
    """Two questions with the passages of `TEXTS`, of which one comes twice; retrieval is done."""
    folder = RunFolder(FolderObjects(tmp_path), "r")
    plan = make_plan(folder, settings(num_passage_shards=3), tasks(2), 2)
    passages = [AugmentedPassage(pid=pid, passage=text, title="", score=9.0 - pid) for pid, text in enumerate(TEXTS)]
    for shard, own in enumerate((passages[:2], passages[2:])):
        (task,) = folder.questions(shard)
        found = replace(task, question=replace(task.question, passages=tuple(own)))
        folder.write(f"retrieved/{shard:05}.json", [found], list[Task])
        folder.write_report(ShardReport(stage="retrieve", shard=shard, seconds=1.0, time=1.0))
    return folder, plan


def written(folder: RunFolder, made: Manifest) -> list[list[AugmentedPassage]]:
    """The passages of each shard."""
    return [list(folder.passages(shard)) for shard in range(len(made.passage_shards))]


def test_the_manifest_holds_each_passage_once(retrieved: tuple[RunFolder, Plan]) -> None:
    """Without what a question said of it: its place and its score."""
    folder, made = retrieved[0], retrieve_and_cut(*retrieved)
    assert (made.num_passages, made.num_retrieved) == (4, 5)
    found = [passage for own in written(folder, made) for passage in own]
    assert [passage.passage for passage in found] == [TEXTS[n] for n in (0, 1, 3, 4)]
    assert {(passage.pid, passage.score) for passage in found} == {(0, 0.0)}
    assert folder.keys() == [passage_key("", TEXTS[n]) for n in (0, 1, 3, 4)]


def test_shards_of_passages_have_about_equal_tokens(retrieved: tuple[RunFolder, Plan]) -> None:
    """A long passage fills a shard alone, and an empty one counts as something."""
    folder, made = retrieved[0], retrieve_and_cut(*retrieved)
    assert [len(own) for own in written(folder, made)] == [size.num_items for size in made.passage_shards] == [1, 3]
    assert made.num_tokens == sum(size.num_tokens for size in made.passage_shards)
    assert made.passage_shards[0].num_tokens > 80 > made.passage_shards[1].num_tokens > 3
    assert (items_of(folder, "encode"), items_of(folder, "inference")) == ([1, 3], [1, 1])


def test_a_manifest_is_made_once(retrieved: tuple[RunFolder, Plan]) -> None:
    folder, made = retrieved[0], retrieve_and_cut(*retrieved)
    folder.objects.delete("runs/r/retrieved/00000.json")
    assert retrieve_and_cut(*retrieved) == made
    assert items_of(folder, "encode") == [1, 3]


def test_no_stage_has_more_shards_than_a_workflow_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.runs.cutting.MAX_SHARDS", 2)
    folder = RunFolder(FolderObjects(tmp_path), "r")
    plan = make_plan(folder, settings(num_passage_shards=4), tasks(4), 4)
    assert len(plan.question_shards) == 2
    for shard in range(2):
        found = [
            replace(
                task, question=replace(task.question, passages=(AugmentedPassage(pid=0, passage=f"of {task.did}"),))
            )
            for task in folder.questions(shard)
        ]
        folder.write(f"retrieved/{shard:05}.json", found, list[Task])
        folder.write_report(ShardReport(stage="retrieve", shard=shard, seconds=1.0, time=1.0))
    assert [size.num_items for size in retrieve_and_cut(folder, plan).passage_shards] == [2, 2]


def test_passages_that_weigh_nothing_are_cut_all_the_same() -> None:
    assert list(balanced([0, 0, 0], 2))[-1][1] == 3
    assert list(balanced([], 2)) == list(slices(0, 3)) == []
