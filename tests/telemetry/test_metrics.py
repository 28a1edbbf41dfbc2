"""What is declared, and that each part counts what it did; calls of a real S3 server."""

import ast
import math
from importlib import resources
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from semoe.augment.rejection import REASONS
from semoe.errors import SemoeError, TransientError, UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES
from semoe.stages.inference_settings import METHODS
from semoe.store.objects import FolderObjects, MissingObjectError
from semoe.store.objects.s3 import S3Objects
from semoe.telemetry import metrics as declared
from semoe.telemetry.metrics import Metrics
from tests.seaweed import client
from tests.telemetry.scraping import counted, free_port, samples

PACKAGE = Path(str(resources.files("semoe")))
ALL = Metrics(CollectorRegistry()).declared
LABELS = {"stage", "method", "operation", "outcome", "reason", "kind", "gpu"}


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_each_metric_says_what_it_is_and_has_few_series(one) -> None:  # type: ignore[no-untyped-def]
    assert one.name.startswith("semoe_")
    assert one.unit
    assert one.help.endswith(".")
    assert (one.type == "counter") == one.name.endswith("_total")
    # What is measured names its unit; what is counted is named itself.
    if one.type == "histogram" and one.unit != "nats":
        assert one.name.endswith("_seconds")
    if one.unit in ("seconds", "bytes"):
        assert f"_{one.unit}" in one.name
    assert set(one.labels) <= LABELS, "a label with an id makes a series for each piece of work"
    assert math.prod(len(values) or 1 for values in one.labels.values()) <= 60


def test_names_are_told_apart() -> None:
    assert len({one.name for one in ALL}) == len(ALL)
    assert len({one.help for one in ALL}) == len(ALL)


def test_every_series_is_there_at_0_before_anything_happens() -> None:
    registry = CollectorRegistry()
    fresh = Metrics(registry)
    found = {
        name: value for name, value in samples(generate_latest(registry).decode()).items() if "_created" not in name
    }
    assert set(found.values()) == {0}
    names = {name.partition("{")[0] for name in found}
    # Gauges with labels have no value before they are set, and nobody knows the GPUs before the first sample.
    gpu = {one.name for one in fresh.declared if "gpu" in one.labels}
    late = {"semoe_shard_items", "semoe_shard_items_done"} | gpu
    assert len(gpu) == 3
    assert names == {series for one in fresh.declared for series in one.series} - late
    assert 'semoe_questions_answered_total{method="prag_random"}' in found


def test_labels_of_the_work_hold_every_stage_method_and_rejection() -> None:
    assert declared.REJECTIONS == REASONS
    assert declared.STAGES == STAGES
    assert set(METHODS) | {"prag_random", "combine_random"} == set(declared.METHODS)


def test_outcomes_of_s3_hold_every_kind_of_its_errors() -> None:
    objects = PACKAGE / "store" / "objects"
    s3 = _kinds(objects / "s3.py") | _kinds(objects / "s3_errors.py") | _kinds(objects / "s3_client.py")
    assert len(s3) >= 6
    assert s3 | {"ok", "other", "missing-object"} == set(declared.S3_OUTCOMES)


def test_outcomes_of_elasticsearch_hold_every_kind_of_its_errors() -> None:
    elastic = _kinds(PACKAGE / "retrieval" / "elastic" / "errors.py") - {"missing-package"}
    assert len(elastic) >= 6
    assert elastic | {"ok", "other"} == set(declared.ELASTICSEARCH_OUTCOMES)


def test_kinds_of_errors_are_a_closed_list_in_the_code() -> None:
    """`semoe_errors_total{kind}` and S3's outcomes would grow without end if a kind were put together at run time."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.keyword) and node.arg == "kind" else None
            assert not isinstance(value, ast.JoinedStr | ast.BinOp), f"{path}: {ast.unparse(node)}"  # type: ignore[arg-type]


def _kinds(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    values = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "kind"]
    return {str(value.value) for value in values if isinstance(value, ast.Constant)}


def test_calls_to_a_real_s3_server_are_counted_by_what_came_of_them(s3_objects: S3Objects, s3_endpoint: str) -> None:
    with counted() as grown:
        s3_objects.put("a/b", b"12")
        assert s3_objects.create("a/c", b"3")
        assert not s3_objects.create("a/c", b"4")
        assert s3_objects.get("a/b", 1, 1) == b"2"
        with pytest.raises(MissingObjectError):
            s3_objects.get("a/none")
        assert [found.name for found in s3_objects.list("a/")] == ["a/b", "a/c"]
        assert s3_objects.folders("") == ["a"]
        s3_objects.delete("a/b")
        with pytest.raises(UsageError):
            S3Objects("no-such-bucket", client=client(s3_endpoint)).get("a")
        calls = {
            (operation, outcome): grown(f'semoe_s3_requests_total{{operation="{operation}",outcome="{outcome}"}}')
            for operation in declared.S3_OPERATIONS
            for outcome in declared.S3_OUTCOMES
        }
        assert {call: count for call, count in calls.items() if count} == {
            ("put", "ok"): 1, ("create", "ok"): 2, ("get", "ok"): 1, ("get", "missing-object"): 1,
            ("list", "ok"): 2, ("delete", "ok"): 1, ("get", "s3-refused"): 1,
        }  # fmt: skip
        assert grown('semoe_s3_request_seconds_count{operation="get"}') == 3
        assert 0 < grown('semoe_s3_request_seconds_sum{operation="get"}') < 10


def test_a_slow_reader_of_a_listing_is_not_counted_as_a_slow_s3(s3_objects: S3Objects) -> None:
    s3_objects.put("a", b"1")
    with counted() as grown:
        listing = s3_objects.list("")
        next(listing)
        # The call is counted while the listing is still being read.
        assert grown('semoe_s3_request_seconds_count{operation="list"}') == 1
        listing.close()  # type: ignore[attr-defined]
        assert grown('semoe_s3_requests_total{operation="list",outcome="ok"}') == 1


def test_a_server_that_is_not_there_is_counted_as_such() -> None:
    from botocore.config import Config

    once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    away = S3Objects("experts", client=client(f"http://127.0.0.1:{free_port()}", config=once))
    with counted() as grown:
        with pytest.raises(TransientError):
            away.put("a", b"1")
        assert grown('semoe_s3_requests_total{operation="put",outcome="s3-unreachable"}') == 1


def test_a_loss_that_is_not_finite_is_counted_apart_and_leaves_the_mean_alone() -> None:
    registry = CollectorRegistry()
    own = Metrics(registry)
    for loss in (0.5, math.nan, math.inf, 1.5):
        own.expert_trained(loss=loss, num_tokens=10, flops=4e12)
    found = samples(generate_latest(registry).decode())
    assert found["semoe_training_loss_sum"] / found["semoe_training_loss_count"] == 1
    assert (found["semoe_losses_not_finite_total"], found["semoe_experts_trained_total"]) == (2, 4)
    assert (found["semoe_tokens_trained_total"], found["semoe_training_flops_total"]) == (40, 16e12)


def test_an_attempt_that_fails_is_counted_by_kind(tmp_path: Path) -> None:
    with counted() as grown:
        with pytest.raises(SemoeError):
            run_shard(RunFolder(FolderObjects(tmp_path), "none"), "encode", 0)
        assert grown('semoe_errors_total{kind="no-run"}') == 1


def test_the_page_of_metrics_lists_each_as_it_is_declared() -> None:
    page = (PACKAGE.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [
        f"| `{one.name}` | {one.type} | {one.unit} | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
        for one in ALL
    ]
    table = page.split("|---|---|---|---|---|\n")[1].partition("\n\n")[0]
    assert table.splitlines() == rows
    for value in {*declared.LOOKUPS, *declared.METHODS, *declared.STAGES, *declared.S3_OPERATIONS}:
        assert f"`{value}`" in page
