"""Answers say which state of the space they read; `--snapshot` reads it again while others train into the space."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import find_state
from semoe.store.objects import FolderObjects
from semoe.store.upkeep import withdraw
from tests.demo import DEMO
from tests.published.encoding import PAIRS, encode, encoded, inference

Records = list[dict[str, Any]]


@pytest.fixture
def growing(root: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A question twice, whose passages all have pairs; one of them has an expert so far."""
    (record,) = json.loads((root / PAIRS).read_text())
    poor = json.loads(json.dumps(record))
    for passage in poor["augment"][1:]:
        passage[next(name for name in passage if name.endswith("_qa"))] = []
    (root / PAIRS).write_text(json.dumps([poor]))
    assert encoded(root, capsys)["num_trained"] == 1
    (root / PAIRS).write_text(json.dumps([record, record | {"qid": "again"}]))
    return root


def train_more(root: Path) -> None:
    assert run(encode(root, "--no-export")) == 0


def fold(root: Path) -> None:
    assert run(["experts", "compact", "--root_dir", str(root)]) == 0


def predicted(root: Path) -> Path:
    (found,) = root.glob("output/**/prag/total/predict.json")
    return found


def answers(root: Path, *more: str, method: str = "prag") -> Records:
    assert run([*inference(root, method), *more]) == 0
    (found,) = root.glob(f"output/**/{method}/total/predict.json")
    records: Records = json.loads(found.read_text())
    return records


def test_a_state_answers_alike_whatever_is_trained_and_folded_since(growing: Path) -> None:
    first = answers(growing)
    state = first[0]["state"]
    assert [one["num_experts"] for one in first] == [1, 1]
    assert (state["num_experts"], state["num_commits"], state["snapshot"]) == (1, 1, 0)
    train_more(growing)
    predicted(growing).unlink()
    later = answers(growing)
    assert [one["num_experts"] for one in later] == [3, 3]
    assert later[0]["state"]["digest"] != state["digest"]
    assert answers(growing, "--snapshot", state["digest"]) == first
    fold(growing)
    predicted(growing).unlink()
    assert answers(growing, "--snapshot", state["digest"][:8]) == first
    predicted(growing).unlink()
    assert answers(growing)[0]["state"] == later[0]["state"] | {"snapshot": 1}


def test_answers_that_went_on_in_another_state_say_so_and_can_be_made_one(
    growing: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the first question reads has all its experts from the beginning: its answer stays."""
    whole, again = json.loads((growing / PAIRS).read_text())
    (growing / PAIRS).write_text(json.dumps([whole | {"augment": whole["augment"][:1]}, again]))
    (first,) = answers(growing, "--sample", "1")
    train_more(growing)
    capsys.readouterr()
    with caplog.at_level(logging.WARNING):
        both = answers(growing, "--json")
    digests = [one["state"]["digest"] for one in both]
    assert digests[0] == first["state"]["digest"] != digests[1]
    assert f"{digests[0]} (1 expert), {digests[1]} (3 experts)" in caplog.text
    assert json.loads(capsys.readouterr().out)[0]["state"] == ", ".join(digests)
    predicted(growing).write_text(json.dumps([both[0] | {"text": "kept"}, both[1]]))
    one = answers(growing, "--snapshot", digests[0])
    assert [(record["text"] == "kept", record["state"]["digest"]) for record in one] == [
        (True, digests[0]), (False, digests[0]),
    ]  # fmt: skip


def test_an_answer_that_lacked_experts_is_made_anew_once_they_are_there(
    growing: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert [one["num_experts"] for one in answers(growing)] == [1, 1]
    assert "2 passages with pairs and without an expert in the store" in caplog.text
    train_more(growing)
    assert [one["num_experts"] for one in answers(growing)] == [3, 3]
    assert "2 answers without experts that are there now: answered anew." in caplog.text
    rich = json.loads(predicted(growing).read_text())
    predicted(growing).write_text(json.dumps([one | {"text": "kept"} for one in rich]))
    assert [one["text"] for one in answers(growing)] == ["kept", "kept"]


def test_answers_of_an_earlier_version_are_read_and_taken_for_no_state(growing: Path) -> None:
    first = answers(growing)
    old = [{name: value for name, value in one.items() if name != "state"} | {"text": "old"} for one in first]
    predicted(growing).write_text(json.dumps(old))
    assert run(["evaluate", str(predicted(growing).parent)]) == 0
    assert [one["text"] for one in answers(growing)] == ["old", "old"]
    assert answers(growing, "--snapshot", first[0]["state"]["digest"]) == first


def test_answers_without_experts_name_no_state_and_keep_none(growing: Path) -> None:
    assert all("state" not in one for one in answers(growing, method="icl"))
    assert not list(growing.glob("store/spaces/*/states/*"))


def test_the_states_of_a_space_are_listed_and_looked_at(growing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = answers(growing)[0]["state"]["digest"]
    train_more(growing)
    predicted(growing).unlink()
    second = answers(growing)[0]["state"]["digest"]

    def told(*arguments: str) -> Any:
        capsys.readouterr()
        assert run(["experts", *arguments, "--root_dir", str(growing), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert {(one["state"], one["experts"], one["now"]) for one in told("states")} == {
        (first, 1, False), (second, 3, True),
    }  # fmt: skip
    assert (len(told("ls")), len(told("ls", "--snapshot", first))) == (3, 1)
    assert [told("stats", *more)["state"] for more in ((), ("--snapshot", first))] == [second, first]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == 2
    return " ".join(capsys.readouterr().err.split())


def test_an_unknown_state_ends_with_2_and_the_names_of_those_that_there_are(
    growing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "None was kept yet" in refused(capsys, *inference(growing, "prag"), "--snapshot", "ffff")
    digest = answers(growing)[0]["state"]["digest"]
    said = refused(capsys, *inference(growing, "prag"), "--snapshot", "nope")
    assert "0 states 'nope'" in said
    assert digest in said


def test_a_state_whose_pack_was_withdrawn_is_refused(growing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = answers(growing)[0]["state"]
    store = ExpertStore(FolderObjects(growing / "store"), state["space"])
    withdraw(store, find_state(store.objects, state["space"], state["digest"]).packs[0])
    said = refused(capsys, *inference(growing, "prag"), "--snapshot", state["digest"])
    assert "cannot be read again" in said
    assert "was withdrawn" in said


@pytest.mark.parametrize(
    ("method", "more", "said"),
    [("icl", [], "loads none"), ("prag", ["--method", "token", "--missing", "train"], "--missing train adds experts")],
)
def test_a_state_that_nothing_would_read_or_that_would_grow_is_refused(
    growing: Path, method: str, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, *inference(growing, method), *more, "--snapshot", "ab")


def test_main_reads_a_state_and_says_so(growing: Path) -> None:
    digest = answers(growing)[0]["state"]["digest"]
    train_more(growing)
    config = {
        "model_name_or_path": str(growing / "tiny"), "method": "single-retrieval", "dataset": "popqa", "sample": 1,
        "data_path": str(DEMO / "popqa"), "output_dir": str(growing / "m"), "retriever": "BM25",
        "generate_max_length": 4, "inference_method": "prag", "preset": str(growing / "quick.toml"),
        "store": str(growing / "store"), "query_formulation": "direct",
    }  # fmt: skip
    for number, snapshot in enumerate(("", digest)):
        (growing / "c.json").write_text(json.dumps(config | {"snapshot": snapshot}))
        assert run(["main", "-c", str(growing / "c.json"), "--index_dir", str(growing / "index")]) == 0
        (line,) = map(json.loads, (growing / "m" / str(number) / "output.jsonl").read_text().splitlines())
        assert (line["state"]["digest"] == digest, line["state"]["num_experts"]) == (
            bool(snapshot),
            1 if snapshot else 3,
        )
