"""A run over a whole corpus: every passage that has pairs gets an expert, and later questions answer with them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.augment.contract import Augmentation
from semoe.augment.parse_augmenter import ParseAugmenter
from semoe.cli.app import run
from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.augmented_file import read_augmented
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.models.model import Model
from semoe.prompts.rendering import TrainingSequence
from semoe.retrieval.passage import Passage
from semoe.runs.folder import RunFolder
from semoe.runs.manifest import items_of
from semoe.runs.reporting import make_report
from semoe.runs.shard import do_shard, run_shard
from semoe.runs.shard_items import STAGES
from semoe.stages.corpus import open_corpus
from semoe.stages.recipe import Recipe
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from tests.demo import PASSAGES
from tests.runs.killing import run_while_killing
from tests.small_corpus import corpus, planned
from tests.small_run import plan as plan_of_questions
from tests.stages.corpora import write


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
    with pytest.raises(UsageError, match="no manifest yet"):
        run_shard(folder, "encode", 0)
    finish(folder)
    manifest = folder.settled_manifest()
    assert manifest.starts != plan.corpus.bounds[:-1], "a shard that began within a record was read again"
    whole = {passage_key(one.title, one.text) for one in open_corpus(str(path)).passages()}
    assert set(folder.keys()) == whole
    report = make_report(folder)
    assert report.experts.planned == len(whole) == 40
    assert manifest.num_passages == 44
    assert folder.names("augmented/") == [], "whoever trains augments"
    assert report.experts.in_store > 30
    assert report.experts.in_store == report.experts.planned - report.experts.without_pairs
    capsys.readouterr()
    assert run(["report", "--run", "wiki", "--store", str(tmp_path / "store")]) == 0
    assert "40 distinct passages" in capsys.readouterr().out
    answer_with(small_root, tmp_path)


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
    assert run(["export", "--run", "dev", "--store", store, "--to", str(place / "published")]) == 0
    (written,) = (place / "published" / "data_aug").rglob("*.json")
    exported = [one for question in read_augmented(written) for one in question.passages]
    assert len(exported) > 5
    assert all(one.qa for one in exported), "a corpus's run keeps no pairs: rules make them again"
    other = plan_of_questions(root, store, "--experts_of", "wiki", "--lora_rank", "3", name="other")
    assert run(other) == 2


def failing(passage_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the parser meet one passage that it cannot read."""
    made = ParseAugmenter.augment

    def fails(self: ParseAugmenter, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        if any(one.id == passage_id for one in passages):
            raise IndexError("list index out of range")
        return made(self, passages, rejected)

    monkeypatch.setattr(ParseAugmenter, "augment", fails)


@pytest.mark.parametrize("how", [(), ("--augment_apart",)])
def test_a_passage_that_cannot_be_augmented_is_set_aside(
    small_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: Sequence[str],
) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 12), "--shards", "1", *how)
    failing("3", monkeypatch)
    finish(folder)
    assert bool(folder.names("augmented/")) == bool(how)
    assert [(one.id, one.why) for one in folder.aside()] == [("3", "IndexError: list index out of range")]
    capsys.readouterr()
    assert run(["status", "--run", "wiki", "--store", str(tmp_path / "store")]) == 0
    assert "passage 3 " in capsys.readouterr().err
    report = make_report(folder)
    assert [one.id for one in report.aside] == ["3"]
    experts = report.experts
    assert experts.in_store + experts.without_pairs == experts.planned - 1 == 11
    counted = report.counts["augment" if how else "encode"]
    assert counted["pairs"] > experts.in_store


def test_a_passage_that_cannot_be_trained_is_set_aside(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 12), "--shards", "1")
    written = Recipe.whole_sequences

    def fails(self: Recipe, model: Model, passage: AugmentedPassage) -> list[TrainingSequence]:
        if passage.id == "4":
            raise IndexError("list index out of range")
        found = written(self, model, passage)
        return [replace(one, tokens=[10**9, *one.tokens[1:]]) for one in found] if passage.id == "6" else found

    monkeypatch.setattr(Recipe, "whole_sequences", fails)
    finish(folder)
    aside = {one.id: one.why for one in folder.aside()}
    assert set(aside) == {"4", "6"}
    assert aside["4"].startswith("IndexError")
    experts = make_report(folder).experts
    assert experts.in_store + experts.without_pairs == experts.planned - 2
    assert experts.committed == experts.committed_distinct == experts.in_store


def test_what_another_run_knows_is_not_done_again(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = corpus(tmp_path, 24)
    asked: list[str] = []
    made = ParseAugmenter.augment

    def noted(self: ParseAugmenter, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        asked.extend(one.id for one in passages)
        found = made(self, passages, rejected)
        return [replace(new, qa=()) if one.id == "5" else new for one, new in zip(passages, found, strict=True)]

    monkeypatch.setattr(ParseAugmenter, "augment", noted)
    first = planned(small_root, tmp_path, path, "--shards", "2")
    finish(first)
    report = make_report(first)
    assert report.experts.without_pairs == 1
    assert len(asked) == 24, "the first passages, and the trap; not what comes once more"
    asked.clear()
    grown = tmp_path / "grown.tsv"
    grown.write_text(path.read_text(encoding="utf-8") + "902\tTurku is a city in Finland.\tTurku\n", encoding="utf-8")
    again = planned(small_root, tmp_path, grown, "--shards", "3", run_name="later")
    finish(again)
    assert asked == ["902"]
    later = make_report(again)
    assert later.experts.committed == 1
    assert later.experts.in_store == report.experts.in_store + 1
    assert later.experts.without_pairs == report.experts.without_pairs


def test_experts_learn_the_same_whoever_augments(small_root: Path, tmp_path: Path) -> None:
    path = corpus(tmp_path, 10)
    learnt: list[dict[str, str]] = []
    for number, (how, processes) in enumerate([((), 0), ((), 1), (("--augment_apart",), None)]):
        place = tmp_path / str(number)
        folder = planned(small_root, place, path, "--shards", "1", *how)
        for stage in STAGES[:-1]:
            for shard in range(len(items_of(folder, stage))):
                do_shard(folder, stage, shard, augment_processes=processes)
        learnt.append({one.key: one.learnt for one in ExpertStore(folder.objects, folder.plan().space).entries()})
    assert len(learnt[0]) == 10
    assert learnt[0] == learnt[1] == learnt[2]


def test_a_part_that_another_kept_first_is_gone_on_from(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 12), "--shards", "1", "--augment_apart")
    do_shard(folder, "retrieve", 0)
    items_of(folder, "augment")
    made = ParseAugmenter.augment
    kept = "augmented/00000/00000000.json"

    def meanwhile(self: ParseAugmenter, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        found = made(self, passages, rejected)
        first = AugmentedPassage(pid=0, passage=passages[0].text, title=passages[0].title, id=passages[0].id)
        folder.create(kept, [replace(first, qa=found[0].qa)], list[AugmentedPassage])
        return found

    monkeypatch.setattr(ParseAugmenter, "augment", meanwhile)
    report = do_shard(folder, "augment", 0)
    parts = [
        folder.read(f"augmented/00000/{name}", list[AugmentedPassage]) for name in folder.names("augmented/00000/")
    ]
    assert [len(part) for part in parts] == [1, report.counts["passages"] - 1]
    together = [one.id for part in parts for one in part]
    whole = [one.id for one in open_corpus(str(tmp_path / "corpus.tsv")).passages()]
    assert together == whole


@pytest.mark.parametrize("how", [(), ("--augment_apart",)])
def test_a_probe_says_hours_and_money_as_intervals(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: Sequence[str]
) -> None:
    planned(
        small_root, tmp_path, corpus(tmp_path, 30), "--shards", "2", "--probe", "--gpu_price", "36000", "--json", *how
    )
    output = capsys.readouterr()
    assert "keeps none of their experts" in output.err
    assert "probe of 6 of 34 passages (augmented, then trained): 12 of 12 steps" in output.err
    told = json.loads(output.out)
    assert "on one machine" in told["experts a second"]
    least, most = (float(one.replace(",", "")) for one in told["money"].split(" to "))
    assert 0 < least <= most
    assert " to " in told["requests"]


def test_fewer_shards_than_were_asked_for_are_told(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "c.parquet", [Passage(str(n), f"Door {n}", f"Door {n} is blue.") for n in range(1, 9)], group=4)
    planned(small_root, tmp_path, tmp_path / "c.parquet", "--shards", "8")
    assert "2 shards of passages, and not the 8 asked for" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_workers_that_die_leave_no_passage_out(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 300), "--shards", "8")
    assert run_while_killing(folder, 15) > 3
    report = make_report(folder)
    assert report.experts.planned == 300
    assert report.experts.in_store == 300 - report.experts.without_pairs


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--corpus"),
        (["--corpus", "nowhere.tsv"], "File not found"),
        (["--corpus", "x.tsv", "--with_cot"], "--with_cot takes worked examples"),
        (["--corpus", "x.tsv", "--sample", "3"], "--sample is for questions"),
        (["--corpus", "x.tsv", "--experts_of", "r"], "--experts_of is for questions"),
        (["--corpus", "x.tsv", "--retrieve_later"], "--retrieve_later is for questions"),
        (["--dataset", "popqa", "--data_path", "x", "--augment_apart"], "--augment_apart is for a corpus"),
    ],
)
def test_what_cannot_be_planned_is_told(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    model = ["--model_name", str(small_root / "tiny"), "--store", str(tmp_path / "s")]
    assert run(["plan", "--run", "w", *model, *more]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
