"""A run over a whole corpus: every passage that has pairs gets an expert, and later questions answer with them."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.augment.contract import Augmentation
from semoe.augment.parse_augmenter import ParseAugmenter
from semoe.cli.app import run
from semoe.datasets.keys import passage_key
from semoe.errors import TransientError
from semoe.retrieval.passage import Passage
from semoe.runs.folder import RunFolder
from semoe.runs.manifest import items_of
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES
from semoe.stages.corpus import open_corpus
from semoe.store.objects import FolderObjects
from tests.demo import PASSAGES
from tests.runs.killing import run_while_killing
from tests.small_run import plan as plan_of_questions


def corpus(folder: Path, count: int = 40) -> Path:
    """The demo's first passages, one with a text like a record in it, and some once more at the end."""
    lines = PASSAGES.read_text(encoding="utf-8").splitlines(keepends=True)
    trap = (
        '900\t"The lighthouse stands in Rauma. It was built in 1857.\n' + "79\tlike\trecord\n" * 400 + '"\tLighthouse\n'
    )
    path = folder / "corpus.tsv"
    path.write_text("".join([*lines[: count // 2], trap, *lines[count // 2 : count], *lines[1:5]]), encoding="utf-8")
    return path


def planned(root: Path, place: Path, path: Path, *more: str) -> RunFolder:
    store = str(place / "store")
    assert run([
        "plan", "--run", "wiki", "--store", store, "--corpus", str(path), "--model_name", str(root / "tiny"),
        "--preset", str(root / "quick.toml"), "--tokens_per_step", "256", *more,
    ]) == 0  # fmt: skip
    return RunFolder(FolderObjects(Path(store)), "wiki")


def finish(folder: RunFolder) -> None:
    for stage in STAGES:
        for shard in range(len(items_of(folder, stage))):
            run_shard(folder, stage, shard)


def test_every_passage_gets_an_expert_and_questions_answer_with_them(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path)
    folder = planned(small_root, tmp_path, path, "--shards", "7", "--json")
    plan = folder.plan()
    assert plan.corpus is not None
    assert len(plan.corpus.bounds) > 5
    told = json.loads(capsys.readouterr().out)
    assert told["passages"].startswith("about ")
    planned(small_root, tmp_path, path, "--shards", "7")  # once more: the same plan
    other = ["--corpus", str(PASSAGES), "--model_name", str(small_root / "tiny"), "--store", str(tmp_path / "store")]
    assert run(["plan", "--run", "wiki", *other]) == 2
    with pytest.raises(TransientError, match="not augmented yet"):
        run_shard(folder, "encode", 0)
    finish(folder)
    assert folder.names("starts/"), "a shard that began within a record was read again"
    whole = {passage_key(one.title, one.text) for one in open_corpus(str(path)).passages()}
    assert set(folder.keys()) == whole
    report = make_report(folder)
    assert report.experts.planned == len(whole) == 40
    assert report.counts["augment"]["passages"] == 44
    assert report.experts.in_store > 30
    assert report.experts.in_store == report.experts.planned - _without_pairs(folder)
    capsys.readouterr()
    assert run(["report", "--run", "wiki", "--store", str(tmp_path / "store")]) == 0
    assert "40 distinct passages" in capsys.readouterr().out
    answer_with(small_root, tmp_path)


def _without_pairs(folder: RunFolder) -> int:
    made = [json.loads(folder.read_text(f"augmented/{name}")) for name in folder.names("augmented/")]
    return len({passage_key(one["title"], one["passage"]) for part in made for one in part if not one["qa"]})


def answer_with(root: Path, place: Path) -> None:
    store = str(place / "store")
    index = ["--index_dir", str(place / "index")]
    assert run(["index", "--data_path", str(place / "corpus.tsv"), *index]) == 0
    assert run(plan_of_questions(root, store, "--experts_of", "wiki", *index, name="dev")) == 0
    folder = RunFolder(FolderObjects(Path(store)), "dev")
    assert items_of(folder, "encode") == items_of(folder, "augment") == []
    finish(folder)
    report = make_report(folder)
    assert report.experts.committed == 0
    assert report.experts.in_store == report.experts.planned > 5
    assert {one.method: one.num_experts > 0 for one in report.overall}["combine"]
    other = plan_of_questions(root, store, "--experts_of", "wiki", "--lora_rank", "3", name="other")
    assert run(other) == 2


def test_a_passage_that_fails_twice_is_set_aside(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 12), "--shards", "1")
    made = ParseAugmenter.augment

    def fails(self: ParseAugmenter, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        if any(one.id == "3" for one in passages):
            raise IndexError("list index out of range")
        return made(self, passages, rejected)

    monkeypatch.setattr(ParseAugmenter, "augment", fails)
    run_shard(folder, "augment", 0)
    assert [(one.id, one.why) for one in folder.aside()] == [("3", "IndexError: list index out of range")]
    report = folder.find_report("augment", 0)
    assert report is not None
    assert report.counts["passages"] == 16
    capsys.readouterr()
    assert run(["status", "--run", "wiki", "--store", str(tmp_path / "store")]) == 0
    assert "passage 3 " in capsys.readouterr().err
    finish(folder)
    assert [one.id for one in make_report(folder).aside] == ["3"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_workers_that_die_leave_no_passage_out(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 300), "--shards", "8")
    assert run_while_killing(folder, 15) > 3
    report = make_report(folder)
    assert report.experts.planned == 300
    assert report.experts.in_store == 300 - _without_pairs(folder)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--corpus"),
        (["--corpus", "nowhere.tsv"], "File not found"),
        (["--corpus", "x.tsv", "--with_cot"], "--with_cot takes worked examples"),
        (["--corpus", "x.tsv", "--sample", "3"], "--sample is for questions"),
        (["--corpus", "x.tsv", "--experts_of", "r"], "--experts_of is for questions"),
        (["--corpus", "x.tsv", "--retrieve_later"], "--retrieve_later is for questions"),
    ],
)
def test_what_cannot_be_planned_is_told(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    model = ["--model_name", str(small_root / "tiny"), "--store", str(tmp_path / "s")]
    assert run(["plan", "--run", "w", *model, *more]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
