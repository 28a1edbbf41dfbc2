"""A model is known by all that decides what it computes, wherever its files lie."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.models import identity
from semoe.models.identity import difference, digest_of_folder
from semoe.models.model import load_model
from semoe.models.smollm2 import smollm2_folder
from semoe.models.tokenizer import Tokenizer
from tests.tiny import chatting_model_folder

WEIGHTS, MIDDLE = "model.safetensors", "model.layers.1.mlp.up_proj.weight"
Change = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model; nothing is remembered of it."""
    made = chatting_model_folder(tmp_path / "m")
    monkeypatch.setenv("SEMOE_CACHE", str(tmp_path / "cache"))
    return made


def edit(folder: Path, change: Change) -> None:
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, metadata={"format": "pt"})


def edit_json(path: Path, **new: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | new))


def test_a_loaded_model_knows_its_digest(folder: Path) -> None:
    assert load_model(str(folder), device="cpu").digest == digest_of_folder(folder)


def test_shards_and_folders_do_not_matter(folder: Path, tmp_path: Path) -> None:
    other, tensors = shutil.copytree(folder, tmp_path / "elsewhere"), load_file(folder / WEIGHTS)
    (other / WEIGHTS).unlink()
    shards: dict[str, dict[str, Tensor]] = {"model-2.safetensors": {}, "model-1.safetensors": {}}
    for number, (name, tensor) in enumerate(tensors.items()):
        list(shards.values())[number % 2][name] = tensor
    for name, own in shards.items():
        save_file(own, other / name)
    names = {tensor: name for name, own in shards.items() for tensor in own}
    (other / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert digest_of_folder(other) == digest_of_folder(folder) == load_model(str(other), device="cpu").digest
    (other / "model-1.safetensors").unlink()
    with pytest.raises(UsageError, match=r"lacks model-1\.safetensors"):
        digest_of_folder(other)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("bytes", lambda found: found | {MIDDLE: found[MIDDLE].flip(0)}),
        ("type", lambda found: found | {MIDDLE: found[MIDDLE].view(torch.int32)}),
        ("shape", lambda found: found | {MIDDLE: found[MIDDLE].reshape(36, 52)}),
        ("name", lambda found: {f"{name}s" if name == MIDDLE else name: one for name, one in found.items()}),
        ("one more", lambda found: found | {"extra": torch.zeros(())}),
        ("one of no numbers", lambda found: found | {"extra": torch.zeros(0)}),
    ],
)
def test_every_tensor_decides(folder: Path, what: str, change: Change) -> None:
    before = digest_of_folder(folder)
    edit(folder, change)
    assert difference(digest_of_folder(folder), before) == "weights", what


def test_tokenizer_template_and_configuration_decide_end_tokens_do_not(folder: Path) -> None:
    before = digest_of_folder(folder)
    edit_json(folder / "config.json", eos_token_id=[2, 3], transformers_version="9.9")
    assert digest_of_folder(folder) == before
    edit_json(folder / "config.json", rms_norm_eps=1e-3)
    assert difference(digest_of_folder(folder), before) == "configuration"
    edit_json(folder / "tokenizer_config.json", model_max_length=7, is_local=True)
    assert difference(digest_of_folder(folder), before) == "configuration", "the library's own notes say nothing"
    edit_json(folder / "tokenizer_config.json", eos_token="<|endoftext|>")
    assert difference(digest_of_folder(folder), before) == "tokenizer and configuration"
    edit_json(folder / "tokenizer_config.json", eos_token="<|im_end|>")
    assert difference(digest_of_folder(folder), before) == "configuration"
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert difference(digest_of_folder(folder), before) == "tokenizer and configuration"


def test_a_number_is_the_same_however_it_is_written(folder: Path) -> None:
    edit_json(folder / "config.json", rope_parameters={"rope_type": "default", "rope_theta": 10000})
    before = digest_of_folder(folder)
    edit_json(folder / "config.json", rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    assert digest_of_folder(folder) == before


def test_what_is_remembered_is_not_read_again_and_a_file_written_in_place_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "SETTLED_NS", 0)
    path, before = folder / WEIGHTS, digest_of_folder(folder)
    (memory,) = (tmp_path / "cache" / "digests").iterdir()
    lines, stat = orjson.loads(memory.read_bytes()), path.stat()
    memory.write_bytes(orjson.dumps(lines | {MIDDLE: "F32 [1] 00"}))
    assert digest_of_folder(folder) != before, "the memory is believed"
    # Same folder, name, size and time: what an adapter merged in place leaves.
    with path.open("r+b") as file:
        file.seek(stat.st_size // 2)
        file.write(b"\x01\x02\x03\x04")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert difference(digest_of_folder(folder), before) == "weights"
    assert load_model(str(folder), device="cpu").digest == digest_of_folder(folder)


def test_a_memory_that_is_broken_is_made_anew(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "SETTLED_NS", 0)
    before = digest_of_folder(folder)
    (memory,) = (tmp_path / "cache" / "digests").iterdir()
    for broken in (b"[1]", b"{", b""):
        memory.write_bytes(broken)
        assert digest_of_folder(folder) == before


def test_a_file_that_just_changed_is_not_remembered(folder: Path, tmp_path: Path) -> None:
    os.utime(folder / WEIGHTS)
    digest_of_folder(folder)
    assert not (tmp_path / "cache" / "digests").exists()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "SETTLED_NS", 0)
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert digest_of_folder(folder) == digest_of_folder(folder)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-4])
    with pytest.raises(CorruptError, match=r"model\.safetensors is damaged"):
        digest_of_folder(folder)


def test_the_real_small_model_is_the_same_each_time() -> None:
    assert digest_of_folder(smollm2_folder()) == digest_of_folder(smollm2_folder())


def test_a_model_that_is_read_as_its_files_say_has_no_further_mark() -> None:
    """Experts of such models stay where they were when reading tokenizers got better."""
    assert Tokenizer(smollm2_folder()).changes() == {}


MARKS: dict[str, Callable[[Path], object]] = {
    "a token that another file adds": lambda folder: (folder / "added_tokens.json").write_text('{"<new>": 49152}'),
    "an end token that another file names": lambda folder: (folder / "special_tokens_map.json").write_text(
        '{"eos_token": "<|endoftext|>"}'
    ),
    "a template that may ask for thoughts": lambda folder: (folder / "chat_template.jinja").write_text(
        "{{ messages[0].content }}{% if enable_thinking %}{% endif %}"
    ),
    "special tokens in pieces": lambda folder: edit_json(folder / "tokenizer_config.json", split_special_tokens=True),
    "a space before a text": lambda folder: edit_json(
        folder / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer", add_prefix_space=True
    ),
}


@pytest.mark.parametrize("change", MARKS.values(), ids=MARKS)
def test_what_changes_ids_or_prompts_makes_another_tokenizer(folder: Path, change: Callable[[Path], object]) -> None:
    before = digest_of_folder(folder)
    change(folder)
    assert Tokenizer(folder).changes()
    assert difference(digest_of_folder(folder), before) == "tokenizer"
    assert load_model(str(folder), device="cpu").digest == digest_of_folder(folder)


def test_other_template_arguments_make_another_tokenizer(folder: Path) -> None:
    asked = {"enable_thinking": True}
    found = load_model(str(folder), device="cpu", template_arguments=asked).digest
    assert found == digest_of_folder(folder, asked)
    assert difference(found, digest_of_folder(folder)) == "tokenizer"
    assert digest_of_folder(folder, {}) == digest_of_folder(folder)
