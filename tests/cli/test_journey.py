"""The verbs one after the other, as the README has them, on real questions with the real small model."""

import json
import shutil
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.reference import reference
from semoe.store.objects import FolderObjects
from semoe.store.producer import Producer
from tests.demo import DEMO, PASSAGES, quick


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two questions of two datasets, taken through index, retrieve, augment and encode."""
    root = tmp_path_factory.mktemp("root")
    (root / "quick.toml").write_text(quick())
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    place = ["--dataset", "popqa", "--root_dir", str(root)]
    found = ["--data_path", str(DEMO / "popqa"), "--index_dir", str(root / "index"), "--sample", "2"]
    assert run(["retrieve", *place, *found]) == 0
    assert run(["augment", *place]) == 0
    assert run(["encode", *place, *recipe(root)]) == 0
    return root


def recipe(root: Path) -> list[str]:
    return ["--model_name", "smollm2", "--preset", str(root / "quick.toml")]


def test_encode_makes_the_published_folders_and_trains_nothing_twice(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = sorted(
        root.glob("offline/smollm2/rank=2_alpha=32/popqa/lr=0.003_*/aug_model=parse/total/data_*/passage_*")
    )
    assert len(folders) == 6
    assert {path.name for path in folders[0].iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "expert.json",
    }
    assert run(["encode", "--dataset", "popqa", "--root_dir", str(root), *recipe(root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_trained"], report["num_found"]) == (0, len(distinct(root)))


@pytest.mark.parametrize("store", ["folder", "s3"])
def test_what_one_machine_trained_another_fetches(
    root: Path, tmp_path: Path, store: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    url = str(tmp_path / "store")
    if store == "s3":
        for name, value in request.getfixturevalue("s3_environment").items():
            monkeypatch.setenv(name, value)
        url = f"s3://{request.getfixturevalue('bucket')}/journey"
    other = tmp_path / "other"
    shutil.copytree(root / "data_aug", other / "data_aug")
    shutil.copytree(root / "data_aug", tmp_path / "data_aug")
    reports = []
    for place in (tmp_path, other, other):
        assert (
            run(["encode", "--dataset", "popqa", "--root_dir", str(place), *recipe(root), "--store", url, "--json"])
            == 0
        )
        reports.append(json.loads(capsys.readouterr().out))
    count = len(distinct(root))
    assert [(r["num_trained"], r["num_found"], r["num_published"], r["num_exported"]) for r in reports] == [
        (count, 0, count, 6), (0, count, 0, 6), (0, count, 0, 6),
    ]  # fmt: skip
    assert len(weights(tmp_path)) == 6
    assert weights(tmp_path) == weights(other)


def weights(root: Path) -> dict[Path, bytes]:
    """Every exported expert's weights."""
    return {path.relative_to(root): path.read_bytes() for path in root.glob("offline/**/lr=0.003_*/**/*.safetensors")}


def distinct(root: Path) -> set[str]:
    records = json.loads((root / "data_aug/popqa/parse/total.json").read_text())
    return {passage["passage"] for record in records for passage in record["augment"]}


def test_ctrl_c_in_encode_keeps_what_is_finished_and_the_next_run_goes_on(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["encode", "--dataset", "popqa", "--root_dir", str(root), *recipe(root), "--learning_rate", "0.004"]
    add, added = Producer.add, list[str]()

    def stopped_at_the_third(producer: Producer, key: str, *arguments: object) -> None:
        if len(added) == 2:
            raise KeyboardInterrupt
        added.append(key)
        add(producer, key, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Producer, "add", stopped_at_the_third)
    assert run([*command, "--json"]) == 130
    assert "goes on from there" in " ".join(capsys.readouterr().err.split())
    monkeypatch.undo()
    assert run([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_found"], report["num_trained"]) == (2, len(distinct(root)) - 2)


@pytest.mark.parametrize("method", ["none", "icl", "prag", "combine"])
def test_inference_writes_the_published_files_and_goes_on_where_it_stopped(
    root: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "inference",
        "--dataset",
        "popqa",
        "--root_dir",
        str(root),
        *recipe(root),
        "--inference_method",
        method,
    ]
    assert run(command) == 0
    (folder,) = root.glob(f"output/smollm2/rank=2_alpha=32/popqa/*/aug_model=parse/{method}/total")
    records = json.loads((folder / "predict.json").read_text())
    assert [record["num_experts"] for record in records] == ([3, 3] if method in ("prag", "combine") else [0, 0])
    assert {"em", "f1", "prec", "recall", "text", "eval_predict"} <= records[0].keys()
    assert (folder / "result.txt").read_text().startswith("em\t")
    # A stop after the first question: its record is kept as it is, the second is answered again.
    records[0]["text"] = "kept"
    (folder / "predict.json").write_text(json.dumps(records[:1]))
    assert run(command) == 0
    again = json.loads((folder / "predict.json").read_text())
    assert again[0]["text"] == "kept"
    assert again[1] == records[1]
    assert run(["evaluate", str(folder)]) == 0
    assert "published" in capsys.readouterr().out


def test_experts_are_listed_shown_exported_and_looked_after(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *_ = FolderObjects(root / "store").folders("spaces/")
    place = ["--space", first, "--root_dir", str(root)]
    assert run(["experts", "ls", *place, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(distinct(root))
    assert run(["experts", "ls", *place, "--title", rows[0]["title"], "--limit", "1", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows[:1]
    key = rows[0]["key"]
    assert run(["experts", "show", key[:10], *place, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["key"] == key
    assert run(["experts", "export", key, *place, "--to", str(root / "out")]) == 0
    assert (root / "out" / "adapter_model.safetensors").exists()
    capsys.readouterr()
    assert run(["experts", "stats", *place, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["experts"] == len(rows)
    for verb in ("verify", "gc", "compact", "gc"):
        assert run(["experts", verb, *place]) == 0
    assert "0 of" in capsys.readouterr().out
    pack = next((root / "store" / "spaces" / first).glob("segments/*/*.pack"))
    pack.write_bytes(b"x" + pack.read_bytes()[1:])
    assert run(["experts", "verify", *place]) == 1
    assert run(["experts", "verify", "--withdraw", *place]) == 0
    capsys.readouterr()
    assert run(["experts", "stats", *place, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["experts"] < len(rows)


def test_a_published_tree_is_imported_with_and_without_its_suffix(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(root / "data_aug", tmp_path / "data_aug")
    (offline,) = root.glob("offline/smollm2/rank=2_alpha=32/popqa/lr=0.003_*")
    copy = tmp_path / offline.relative_to(root)
    shutil.copytree(offline, copy)
    for record in copy.glob("**/expert.json"):
        record.unlink()
    command = [
        "experts",
        "import",
        "--dataset",
        "popqa",
        *recipe(root),
        "--root_dir",
        str(tmp_path),
        "--format",
        "json",
    ]
    count = len(distinct(root))
    for name in (copy.name, copy.name.partition("_direct")[0]):
        copy = copy.rename(copy.with_name(name))
        assert run([*command, "--store", str(tmp_path / name)]) == 0
        assert json.loads(capsys.readouterr().out)["num_imported"] == count
    assert run([*command, "--lora_rank", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["num_absent"] == count


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["encode", "--model_name", "smollm2", "--dataset", "popqa"], "Run `semoe augment` first"),
        (
            ["encode", "--model_name", "nope", "--dataset", "popqa", "--preset", "semo"],
            "Did you mean 'semoe'",
        ),
        (
            ["encode", "--model_name", "smollm2", "--dataset", "popqa", "--lora_rank", "0"],
            "must be 1 or more",
        ),
        (
            ["inference", "--model_name", "smollm2", "--dataset", "popqa", "--inference_method", "pragg"],
            "'prag'",
        ),
        (["retrieve", "--dataset", "popqaa", "--data_path", "."], "No index"),
        (["index", "--data_path", "none.tsv"], "File not found"),
        (["experts", "show", "ff"], "run `semoe encode`"),
        (["encode", "--nope"], "No such option"),
    ],
)
def test_a_users_mistake_ends_with_2_and_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert words in " ".join(captured.err.split())
    assert "Traceback" not in captured.err


def test_a_published_config_runs_and_its_mistakes_are_named(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {
        "model_name_or_path": "smollm2", "method": "single-retrieval", "dataset": "popqa",
        "fewshot": 0, "sample": 2,
        "data_path": str(DEMO / "popqa"), "output_dir": str(tmp_path / "r"), "generate_max_length": 4,
        "retriever": "BM25", "es_index_name": "wiki", "retrieve_topk": 3,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert run(["main", "-c", str(path), "--index_dir", str(root / "index")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "0" / "output.jsonl").read_text().splitlines()]
    assert [len(line["rel_psgs"]) for line in lines] == [3, 3]
    for change, words in (
        ({"method": "tokn"}, "Did you mean 'token'"),
        ({"method": "token", "query_formulation": "real_words"}, "makes no sense"),
        ({"inference_method": "pragg"}, "Did you mean 'prag'"),
        ({"retrieve_topkk": 3}, "Did you mean 'retrieve_topk'"),
    ):
        path.write_text(json.dumps(config | change))
        assert run(["main", "-c", str(path)]) == 2
        assert words in " ".join(capsys.readouterr().err.split())


def test_the_reference_page_is_fresh() -> None:
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    assert page.read_text() == reference() + "\n", "run make docs-cli"
