"""The verbs one after the other, as the README has them, on real questions with the real small model."""

import json
import shutil
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.reference import reference
from semoe.store.producer import Producer
from tests.cli.journey import distinct, recipe, weights


def test_encode_makes_the_published_folders(journey: Path) -> None:
    folders = sorted(
        journey.glob("offline/smollm2/rank=2_alpha=32/popqa/lr=0.003_*/aug_model=parse/total/data_*/passage_*")
    )
    assert len(folders) == 6
    assert {path.name for path in folders[0].iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "expert.json",
    }


def test_encode_trains_nothing_twice(journey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["encode", "--dataset", "popqa", "--root_dir", str(journey), *recipe(journey), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_trained"], report["num_found"]) == (0, len(distinct(journey)))


@pytest.mark.parametrize("store", [pytest.param("folder", marks=pytest.mark.slow), "s3"])
def test_what_one_machine_trained_another_fetches(
    journey: Path, tmp_path: Path, store: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    url = str(tmp_path / "store")
    if store == "s3":
        for name, value in request.getfixturevalue("s3_environment").items():
            monkeypatch.setenv(name, value)
        url = f"s3://{request.getfixturevalue('bucket')}/journey"
    other = tmp_path / "other"
    shutil.copytree(journey / "data_aug", other / "data_aug")
    shutil.copytree(journey / "data_aug", tmp_path / "data_aug")
    reports = []
    for place in (tmp_path, other, other):
        assert (
            run(["encode", "--dataset", "popqa", "--root_dir", str(place), *recipe(journey), "--store", url, "--json"])
            == 0
        )
        reports.append(json.loads(capsys.readouterr().out))
    count = len(distinct(journey))
    assert [(r["num_trained"], r["num_found"], r["num_published"], r["num_exported"]) for r in reports] == [
        (count, 0, count, 6), (0, count, 0, 6), (0, count, 0, 6),
    ]  # fmt: skip
    assert len(weights(tmp_path)) == 6
    assert weights(tmp_path) == weights(other)


def test_ctrl_c_in_encode_keeps_what_is_finished_and_the_next_run_goes_on(
    journey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the passages of the first question alone."""
    learnt = Path("data_aug/popqa/parse/total.json")
    (tmp_path / learnt).parent.mkdir(parents=True)
    (tmp_path / learnt).write_text(json.dumps(json.loads((journey / learnt).read_text())[:1]))
    command = ["encode", "--dataset", "popqa", "--root_dir", str(tmp_path), *recipe(journey)]
    add, added = Producer.add, list[str]()

    def stopped_at_the_second(producer: Producer, key: str, *arguments: object) -> None:
        if len(added) == 1:
            raise KeyboardInterrupt
        added.append(key)
        add(producer, key, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Producer, "add", stopped_at_the_second)
    assert run([*command, "--json"]) == 130
    assert "goes on from there" in " ".join(capsys.readouterr().err.split())
    monkeypatch.undo()
    assert run([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_found"], report["num_trained"]) == (1, len(distinct(tmp_path)) - 1)


def inference(root: Path, method: str) -> list[str]:
    place = ["--dataset", "popqa", "--root_dir", str(root)]
    return ["inference", *place, *recipe(root), "--inference_method", method]


@pytest.fixture(scope="module", params=["none", "icl", "prag", "combine"])
def answered(journey: Path, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """An inference method, and the folder of its answers to both questions."""
    method = str(request.param)
    assert run(inference(journey, method)) == 0
    (folder,) = journey.glob(f"output/smollm2/rank=2_alpha=32/popqa/*/aug_model=parse/{method}/total")
    return method, folder


def test_inference_writes_the_published_files(answered: tuple[str, Path]) -> None:
    method, folder = answered
    records = json.loads((folder / "predict.json").read_text())
    assert [record["num_experts"] for record in records] == ([3, 3] if method in ("prag", "combine") else [0, 0])
    assert {"em", "f1", "prec", "recall", "text", "eval_predict"} <= records[0].keys()
    assert (folder / "result.txt").read_text().startswith("em\t")


def test_inference_goes_on_where_it_stopped(journey: Path, answered: tuple[str, Path]) -> None:
    """A stop after the first question: its record is kept as it is, the second is answered again."""
    method, folder = answered
    records = json.loads((folder / "predict.json").read_text())
    (folder / "predict.json").write_text(json.dumps([records[0] | {"text": "kept"}]))
    assert run(inference(journey, method)) == 0
    again = json.loads((folder / "predict.json").read_text())
    assert again[0]["text"] == "kept"
    assert again[1] == records[1]


def test_answers_are_evaluated_beside_the_published_numbers(
    answered: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder = answered
    assert run(["evaluate", str(folder)]) == 0
    assert "published" in capsys.readouterr().out


@pytest.fixture
def published(journey: Path, tmp_path: Path) -> Path:
    """The experts as others published them, in a tree of their own: their folders say nothing more."""
    shutil.copytree(journey / "data_aug", tmp_path / "data_aug")
    (offline,) = journey.glob("offline/smollm2/rank=2_alpha=32/popqa/lr=0.003_*")
    copy = tmp_path / offline.relative_to(journey)
    shutil.copytree(offline, copy)
    for record in copy.glob("**/expert.json"):
        record.unlink()
    return copy


def importing(root: Path, tree: Path) -> list[str]:
    return [
        "experts", "import", "--dataset", "popqa", *recipe(root), "--root_dir", str(tree), "--format", "json",
    ]  # fmt: skip


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_published_tree_is_imported_with_and_without_its_suffix(
    journey: Path, tmp_path: Path, published: Path, is_cut: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    name = published.name.partition("_direct")[0]
    assert name != published.name
    if is_cut:
        published.rename(published.with_name(name))
    assert run(importing(journey, tmp_path)) == 0
    assert json.loads(capsys.readouterr().out)["num_imported"] == len(distinct(journey))


@pytest.mark.usefixtures("published")
def test_a_published_tree_has_no_experts_of_another_rank(
    journey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*importing(journey, tmp_path), "--lora_rank", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["num_absent"] == len(distinct(journey))


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


def test_the_reference_page_is_fresh() -> None:
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    assert page.read_text() == reference() + "\n", "run make docs-cli"
