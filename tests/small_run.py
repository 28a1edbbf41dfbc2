"""A run that is small enough to be done in a test: the demo's eight questions of PopQA and a tiny model."""

from pathlib import Path

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.manifest import items_of
from semoe.runs.report import RunReport
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES
from semoe.store.objects import FolderObjects
from tests.demo import DEMO, PASSAGES, quick
from tests.tiny import chatting_model_folder


def prepare(root: Path) -> Path:
    """Makes what plans share: an index, a recipe of two steps, and a tiny model with a real tokenizer."""
    (root / "quick.toml").write_text(quick())
    chatting_model_folder(root / "tiny")
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    return root


def plan(root: Path, store: str, *more: str, name: str = "r") -> list[str]:
    """The command that plans one."""
    return [
        "plan", "--run", name, "--store", store, "--dataset", "popqa", "--data_path", str(DEMO / "popqa"),
        "--model_name", str(root / "tiny"), "--preset", str(root / "quick.toml"), "--index_dir", str(root / "index"),
        "--tokens_per_step", "256", "--inference_method", "none,combine,prag_random", *more,
    ]  # fmt: skip


def planned(root: Path, place: Path, *more: str, shards: int = 3) -> RunFolder:
    """Plans one over the store in a folder."""
    store = place / "store"
    assert run(plan(root, str(store), "--shards", str(shards), *more)) == 0
    return RunFolder(FolderObjects(store), "r")


def finish(folder: RunFolder) -> RunReport:
    """Does what is left, in this process."""
    for stage in STAGES:
        for shard in range(len(items_of(folder, stage))):
            run_shard(folder, stage, shard)
    return make_report(folder)


def is_whole(report: RunReport) -> bool:
    """Every passage has an expert, or gave nothing to learn, and none was published twice."""
    experts = report.experts
    return (
        experts.planned > 20
        and experts.in_store + experts.without_pairs == experts.planned
        and experts.committed == experts.committed_distinct == experts.in_store
        and all(one.num_questions == 8 for one in report.overall)
    )
