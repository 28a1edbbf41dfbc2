"""A whole run counts what its report tells."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES, shard_items
from semoe.telemetry import metrics as declared
from tests.demo import quick
from tests.small_run import planned
from tests.telemetry.scraping import here

STEPS, SHARDS, QUESTIONS = 3, 2, 8
TOTALS = {
    "semoe_retrievals_total", "semoe_passages_retrieved_total", "semoe_passages_augmented_total",
    "semoe_pairs_made_total", "semoe_pairs_rejected_total", "semoe_experts_trained_total",
    "semoe_tokens_trained_total", "semoe_experts_published_total", "semoe_published_bytes_total",
    "semoe_questions_answered_total",
}  # fmt: skip


@dataclass(frozen=True)
class Whole:
    """A run that was done in this process, from its plan to its report."""

    grown: Callable[[str], float]
    """By how much a series grew from before the plan until after the report."""
    totals: dict[str, float]
    """As they were written for the run."""
    items: dict[str, tuple[int, float, float]]
    """Of each stage's last shard: its items, what the gauge said there are, and what the gauge said are done."""
    topk: int
    num_answered: float


@pytest.fixture(scope="module")
def whole(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    place, before = tmp_path_factory.mktemp("whole"), here()
    (place / "recipe.toml").write_text(quick(STEPS))
    folder = planned(small_root, place, "--preset", str(place / "recipe.toml"), shards=SHARDS)
    plan, manifest, items = folder.plan(), folder.manifest(), {}
    for stage in STAGES:
        of_shards = shard_items(stage, plan, manifest)
        for shard in range(len(of_shards)):
            report = run_shard(folder, stage, shard)
        there, done = (here()[f'semoe_shard_{what}{{stage="{stage}"}}'] for what in ("items", "items_done"))
        items[stage] = (of_shards[-1], there, done)
    make_report(folder)
    after = here()
    return Whole(
        grown=lambda series: after[series] - before.get(series, 0),
        totals=folder.read("metrics.json", dict[str, float]),
        items=items,
        topk=plan.topk,
        num_answered=report.counts["questions"],
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_how_much_a_shard_has_and_that_all_is_done(whole: Whole, stage: str) -> None:
    items, there, done = whole.items[stage]
    assert there == items
    assert done == pytest.approx(items)


def test_the_last_stage_answered_questions(whole: Whole) -> None:
    assert whole.num_answered > 0


def test_the_totals_of_a_run_are_what_its_workers_counted(whole: Whole) -> None:
    live = {name: value for name, value in whole.totals.items() if name.startswith("semoe_")}
    assert {name.partition("{")[0] for name in live} == TOTALS
    assert {name: whole.grown(name) for name in live} == live


def test_every_expert_trained_has_a_loss(whole: Whole) -> None:
    trained = whole.totals["semoe_experts_trained_total"]
    assert trained > 20
    assert whole.grown("semoe_training_loss_count") == trained
    assert 0 < whole.grown("semoe_training_loss_sum") / trained < 20


def test_each_shard_published_once(whole: Whole) -> None:
    assert whole.grown("semoe_publish_seconds_count") == SHARDS


def test_every_step_of_every_batch_is_timed(whole: Whole) -> None:
    """Several batches of experts a shard."""
    assert whole.grown("semoe_step_seconds_count") % STEPS == 0
    assert whole.grown("semoe_step_seconds_count") >= 12
    assert 0 < whole.grown("semoe_step_seconds_sum") <= whole.totals["encode_training_seconds"]


def test_an_expert_that_was_asked_for_is_counted_once_by_where_it_lay(whole: Whole) -> None:
    """A question with experts asks for each of its own; what was prefetched is counted once too."""
    asked = {lay: whole.grown(f'semoe_cache_lookups_total{{outcome="{lay}"}}') for lay in declared.LOOKUPS}
    trained = whole.totals["semoe_experts_trained_total"]
    assert asked["disk"] == 0
    assert trained <= asked["store"] <= SHARDS * trained  # each of two workers has a cache of its own
    assert asked["memory"] > 0
    assert sum(asked.values()) == 2 * QUESTIONS * whole.topk  # two methods load experts
