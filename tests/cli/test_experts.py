"""`semoe experts` on experts that nobody would wish for: odd titles, a training that ran away."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from semoe.cli.app import run
from semoe.datasets.keys import passage_key
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.experts.space import ExpertSpace
from semoe.models.model import load_model
from semoe.stages.recipe import Recipe
from semoe.store.objects import FolderObjects
from semoe.store.opened import make_space
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord
from tests.tiny import chatting_model_folder

TITLE, PASSAGE = (
    "Mena [/ˈmɛna/] :bug:",
    "Mena (Spanish: [ˈmena]) was a botanist [sic]. She wrote [/x] :warning: in 1911.",
)


def described_by(store: Path) -> tuple[ExpertSpace, ExpertLayout]:
    """The space of the model beside a store, and its experts' shape."""
    model = load_model(str(store.parent / "tiny"), device="cpu")
    recipe = Recipe(model_name="tiny", preset=load_preset("semoe"), augmented_by="parse")
    return recipe.space(model), recipe.layout(model)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One expert whose training left all numbers behind."""
    root = tmp_path_factory.mktemp("ran-away")
    chatting_model_folder(root / "tiny")
    space, layout = described_by(root / "store")
    record = ExpertRecord(
        key=passage_key(TITLE, PASSAGE), space=space.name, title=TITLE, passage=PASSAGE, loss=math.nan, num_tokens=9
    )
    # An earlier version published what training had left without numbers.
    with Producer(make_space(FolderObjects(root / "store"), space, layout), layout, run="r") as producer:
        producer.add(torch.full((layout.size,), math.nan), record)
    return root / "store"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["experts", *arguments]) == 0
    return capsys.readouterr().out


def bare(text: str) -> str:
    return "".join(text.replace("│", "").split())


def test_an_expert_with_a_loss_that_is_not_finite_is_listed_and_shown(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "notfinite" in bare(told(capsys, "ls", "--store", str(store)))
    listed: list[dict[str, Any]] = json.loads(told(capsys, "ls", "--store", str(store), "--format", "json"))
    assert [one["loss"] for one in listed] == [None]
    key = listed[0]["key"]
    assert "loss: not finite" in told(capsys, "show", key, "--store", str(store))
    assert json.loads(told(capsys, "show", key, "--store", str(store), "--format", "json"))["loss"] is None


@pytest.mark.parametrize("least", ["0", "3", "1e9"])
def test_it_is_found_whatever_the_least_loss_asked_for(
    store: Path, least: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "ls", "--store", str(store), "--min_loss", least, "--format", "json")
    assert len(json.loads(found)) == 1


def test_brackets_and_colons_of_a_passage_are_shown_as_they_are(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bare(TITLE) in bare(told(capsys, "ls", "--store", str(store)))
    key = passage_key(TITLE, PASSAGE)
    assert f"passage: {PASSAGE}\n" in told(capsys, "show", key, "--store", str(store))


@pytest.mark.parametrize("name", ["space.json", "adapter_config.json", "base.safetensors"])
def test_what_describes_a_space_is_verified_and_named_where_it_is_broken(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copytree(store, tmp_path / "store")
    place = ["--store", str(tmp_path / "store")]
    assert run(["experts", "verify", *place]) == 0
    (file,) = tmp_path.glob(f"store/spaces/*/{name}")
    file.write_bytes(file.read_bytes()[:50])
    capsys.readouterr()
    assert run(["experts", "verify", *place]) == 1
    assert f"/{name} is broken (" in bare_of_lines(capsys.readouterr().err)
    (key,) = (one["key"] for one in json.loads(told(capsys, "ls", *place, "--format", "json")))
    reads_it = ["stats"] if name == "space.json" else ["export", key, "--to", str(tmp_path / "out")]
    if name != "base.safetensors":
        assert run(["experts", *reads_it, *place]) == 1
        assert f"/{name} is broken (" in bare_of_lines(capsys.readouterr().err)
    # The cure, and what `encode` begins with.
    for one in {name, "space.json"}:
        file.with_name(one).unlink()
    make_space(FolderObjects(tmp_path / "store"), *described_by(store))
    assert run(["experts", "verify", *place]) == 0
    assert file.read_bytes() == next(store.glob(f"spaces/*/{name}")).read_bytes()


def bare_of_lines(text: str) -> str:
    return " ".join(text.split())
