"""Model folders as people have them, and names that mean none."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from semoe.errors import UsageError
from semoe.models.model import load_decoder
from semoe.models.names import resolve_model
from semoe.models.weight_files import weight_files
from tests.tiny import tiny_model_folder

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A model in two shards."""
    folder = tiny_model_folder(tmp_path / "m", "llama")
    tensors = load_file(folder / WEIGHTS)
    names = {name: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, name in enumerate(tensors)}
    for shard in set(names.values()):
        save_file({name: tensor for name, tensor in tensors.items() if names[name] == shard}, folder / shard)
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return folder


def shard_of(folder: Path, number: int) -> Path:
    return folder / f"model-0000{number}-of-00002.safetensors"


def test_shards_are_read(sharded: Path) -> None:
    assert len(weight_files(sharded)) == 2
    assert load_decoder(sharded).weights


BROKEN: dict[str, Callable[[Path], object]] = {
    "lacks model-00002-of-00002.safetensors": lambda folder: shard_of(folder, 2).unlink(),
    "model-00001-of-00002.safetensors is a Git LFS pointer": lambda folder: shard_of(folder, 1).write_text(POINTER),
    "index.json is a Git LFS pointer": lambda folder: (folder / INDEX).write_text(POINTER),
    "model.safetensors is a Git LFS pointer": lambda folder: (folder / WEIGHTS).write_text(POINTER),
    "config.json is a Git LFS pointer": lambda folder: (folder / "config.json").write_text(POINTER),
    "names no shards": lambda folder: (folder / INDEX).write_text(json.dumps({"metadata": {}})),
    "index.json names no shards": lambda folder: (folder / INDEX).write_text("[]"),
    "broken JSON": lambda folder: (folder / INDEX).write_text('{"weight_map": {'),
}


@pytest.mark.parametrize(("said", "change"), BROKEN.items(), ids=BROKEN)
def test_what_a_broken_download_left_is_named(sharded: Path, said: str, change: Callable[[Path], object]) -> None:
    change(sharded)
    with pytest.raises(UsageError, match=said):
        load_decoder(sharded)


@pytest.mark.parametrize("with_shards", [False, True])
def test_an_old_index_beside_a_whole_file_is_not_followed(tmp_path: Path, sharded: Path, with_shards: bool) -> None:
    """As in transformers: the file of one piece counts."""
    whole = tiny_model_folder(tmp_path / "whole", "llama", seed=1)
    (whole / INDEX).write_text((sharded / INDEX).read_text())
    if with_shards:
        for number in (1, 2):
            shard_of(whole, number).write_bytes(shard_of(sharded, number).read_bytes())
    assert weight_files(whole) == [whole / WEIGHTS]
    assert load_decoder(whole).weights["lm_head.weight"].equal(load_file(whole / WEIGHTS)["lm_head.weight"])


OTHERS = {
    "pytorch_model.bin": "never loaded", "consolidated.00.pth": "never loaded", "m-q4.gguf": "GGUF",
    "consolidated.safetensors": "consolidated", "adapter_config.json": "is an adapter",
}  # fmt: skip


@pytest.mark.parametrize(("name", "said"), OTHERS.items())
def test_weights_in_another_form_are_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match=said):
        weight_files(tmp_path)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with a folder of models; whoever asks the hub here gets no answer but this one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("semoe.models.names.download", lambda name: Path("the hub was asked for", name))
    (tmp_path / "models/llama-tiny").mkdir(parents=True)
    (tmp_path / "models/m.gguf").write_text("")
    return tmp_path


MISTYPED = [
    "./no_such_model", "no_such_model/", "./models/lama-tiny", "models/lama-tiny", "models/lama-tiny/",
    "../models/llama-tiny", "~/no/such/model", "/no/such/model", "models/llama-tiny/snapshots/abc", ".\\models\\m",
    "models\\llama-tiny", "a/b/c", "models/m.gguf", "https://huggingface.co/someone/model",
]  # fmt: skip


@pytest.mark.parametrize("name", MISTYPED)
def test_a_mistyped_path_is_no_name_on_the_hub(workspace: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"There is no folder|is a file|is an address"):
        resolve_model(name)


def test_what_is_there_instead_is_told(workspace: Path) -> None:
    with pytest.raises(UsageError, match=r"In .*models there are: llama-tiny\. Correct the path"):
        resolve_model("models/lama-tiny")
    with pytest.raises(UsageError, match=r"m\.gguf is a file\. Give the model's folder: models"):
        resolve_model("models/m.gguf")


@pytest.mark.parametrize("name", ["someone/model", "meta-llama/Llama-3.2-1B-Instruct", "llama3.2_1b", "a.b/c_d-1.5"])
def test_names_on_the_hub_are_asked_for_there(workspace: Path, name: str) -> None:
    assert "the hub was asked for" in str(resolve_model(name))


@pytest.mark.parametrize(
    "name", ["models/llama-tiny", "./models/llama-tiny", "models/llama-tiny/", "models/../models/llama-tiny"]
)
def test_a_folder_is_itself(workspace: Path, name: str) -> None:
    assert resolve_model(name).samefile("models/llama-tiny")


@pytest.mark.parametrize("name", ["no_such_model", "lama3.2_1b", "-x/y z", ""])
def test_a_word_is_no_model(workspace: Path, name: str) -> None:
    with pytest.raises(UsageError, match="Unknown model"):
        resolve_model(name)
