import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from semoe.errors import CorruptError, TransientError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.reference import reference_linear
from semoe.generation.request import Request
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.models.sites import weight_name
from semoe.store.blob import to_bytes
from semoe.store.peft_folder import adapter_config, link_expert, read_expert, write_expert
from tests.tiny import tiny_model, tiny_model_folder

RECORD = {"key": "ab12", "space": "s1", "title": "T", "qa": [], "loss": 0.5}


def made(tmp_path: Path) -> tuple[Decoder, ExpertLayout, torch.Tensor, Path]:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"))
    layout = ExpertLayout(decoder.config, LoraSettings(rank=3, alpha=6))
    flat = torch.randn(layout.size, generator=torch.Generator().manual_seed(0)) * 0.1
    folder = tmp_path / "experts" / "e"
    write_expert(folder, to_bytes(layout, flat, RECORD), adapter_config(layout, "org/tiny"))
    return decoder, layout, flat, folder


@pytest.mark.filterwarnings("ignore")
def test_peft_loads_the_folder_and_gives_our_logits(tmp_path: Path) -> None:
    decoder, layout, flat, folder = made(tmp_path)
    tokens = torch.arange(2, 19)
    theirs = PeftModel.from_pretrained(tiny_model("llama"), folder)(tokens[None]).logits[0]
    linear = reference_linear(layout, [Request(prompt=tuple(tokens.tolist()), experts=(flat,))], [17])
    hidden = decoder.hidden(tokens, positions_of([17]), PackedAttention([17]), linear)
    torch.testing.assert_close(decoder.logits(hidden), theirs, rtol=1e-4, atol=1e-4)
    plain = decoder.hidden(tokens, positions_of([17]), PackedAttention([17]))
    assert not torch.allclose(decoder.logits(plain), theirs, atol=1e-2)


@pytest.mark.filterwarnings("ignore")
def test_peft_adds_alpha_by_rank_times_b_a_to_each_weight(tmp_path: Path) -> None:
    _, layout, flat, folder = made(tmp_path)
    tokens = torch.arange(2, 19)[None]
    theirs = PeftModel.from_pretrained(tiny_model("llama"), folder)(tokens).logits
    merged = tiny_model("llama")
    for site in layout.sites:
        a_ERI, b_EOR = layout.pair(flat[None], site)
        merged.get_parameter(f"{weight_name(site)}.weight").add_(6 / 3 * b_EOR[0] @ a_ERI[0])
    torch.testing.assert_close(merged(tokens).logits, theirs, rtol=1e-4, atol=1e-4)


def test_an_expert_reads_back_bit_by_bit_also_through_a_link(tmp_path: Path) -> None:
    _, layout, flat, folder = made(tmp_path)
    link_expert(folder, tmp_path / "a" / "b")
    for place in (folder, tmp_path / "a" / "b"):
        assert torch.equal(read_expert(place, layout, base_model="org/tiny", space="s1"), flat)


def test_another_rank_model_or_space_is_refused_by_name(tmp_path: Path) -> None:
    decoder, layout, _, folder = made(tmp_path)
    other = ExpertLayout(decoder.config, LoraSettings(rank=2, alpha=6))
    with pytest.raises(UsageError, match="lora_rank 3, but 2"):
        read_expert(folder, other, base_model="org/tiny")
    with pytest.raises(UsageError, match="base model org/tiny, but org/large"):
        read_expert(folder, layout, base_model="org/large")
    with pytest.raises(UsageError, match="expert space s1, but s2"):
        read_expert(folder, layout, base_model="org/tiny", space="s2")


def test_an_expert_without_effect_damaged_or_missing_is_refused(tmp_path: Path) -> None:
    _, layout, flat, folder = made(tmp_path)
    for site in layout.sites:
        layout.pair(flat[None], site)[1].zero_()
    write_expert(folder, to_bytes(layout, flat, RECORD), adapter_config(layout, "org/tiny"))
    with pytest.raises(CorruptError, match="B = 0 everywhere"):
        read_expert(folder, layout, base_model="org/tiny")
    write_expert(folder, to_bytes(layout, flat.fill_(torch.nan), RECORD), adapter_config(layout, "org/tiny"))
    with pytest.raises(CorruptError, match="not finite"):
        read_expert(folder, layout, base_model="org/tiny")
    (folder / "adapter_model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(CorruptError, match="is damaged"):
        read_expert(folder, layout, base_model="org/tiny")
    with pytest.raises(UsageError, match="Run `semoe encode`"):
        read_expert(tmp_path / "none", layout, base_model="org/tiny")


@pytest.mark.parametrize(
    ("failure", "error"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(errno.ENOSPC, "No space left"), TransientError)],
)
def test_a_write_cut_short_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, error: type[BaseException]
) -> None:
    _, layout, flat, _ = made(tmp_path)

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(error):
        write_expert(tmp_path / "new" / "e", to_bytes(layout, flat, RECORD), adapter_config(layout, "org/tiny"))
    assert list((tmp_path / "new").iterdir()) == []


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["semoe.store.peft_folder.write_json", "second rename", "semoe.files.os.fsync"])
def test_an_interrupted_replacement_keeps_the_old_expert_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    _, layout, flat, folder = made(tmp_path)
    if place == "second rename":
        rename, calls = os.rename, iter((False, True, False))
        monkeypatch.setattr(os, "rename", lambda a, b: interrupt() if next(calls) else rename(a, b))
    else:
        monkeypatch.setattr(place, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_expert(folder, to_bytes(layout, flat * 2, RECORD), adapter_config(layout, "org/tiny"))
    assert list(folder.parent.iterdir()) == [folder]
    assert torch.equal(read_expert(folder, layout, base_model="org/tiny", space="s1"), flat)


def test_a_replaced_expert_is_the_new_one_and_its_old_links_keep_the_old(tmp_path: Path) -> None:
    _, layout, flat, folder = made(tmp_path)
    link_expert(folder, tmp_path / "link")
    write_expert(folder, to_bytes(layout, flat * 2, RECORD), adapter_config(layout, "org/tiny"))
    assert list(folder.parent.iterdir()) == [folder]
    assert torch.equal(read_expert(folder, layout, base_model="org/tiny"), flat * 2)
    assert torch.equal(read_expert(tmp_path / "link", layout, base_model="org/tiny"), flat)


def test_a_disk_that_fills_up_under_the_tensors_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, layout, flat, _ = made(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("semoe.files.os.fsync", full)
    with pytest.raises(TransientError, match="free some space"):
        write_expert(tmp_path / "new" / "e", to_bytes(layout, flat, RECORD), adapter_config(layout, "org/tiny"))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_link_shares_the_bytes_or_copies_where_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, layout, flat, folder = made(tmp_path)
    link_expert(folder, tmp_path / "link")
    names = ("adapter_model.safetensors", "adapter_config.json", "expert.json")
    assert all((tmp_path / "link" / name).samefile(folder / name) for name in names)

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    link_expert(folder, tmp_path / "copy")
    assert not (tmp_path / "copy" / names[0]).samefile(folder / names[0])
    assert torch.equal(read_expert(tmp_path / "copy", layout, base_model="org/tiny"), flat)
    with pytest.raises(UsageError, match="none holds no adapter_model"):
        link_expert(tmp_path / "none", tmp_path / "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank_pattern": {"up_proj": 4}}, "rank_pattern .*up_proj"),
        ({"lora_alpha": 8}, "lora_alpha 8, but 6"),
        ({"target_modules": ["q_proj"]}, r"target_modules \['q_proj'\], but"),
    ],
)
def test_a_folder_with_another_scaling_or_target_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    _, layout, _, folder = made(tmp_path)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(UsageError, match=message):
        read_expert(folder, layout, base_model="org/tiny")


def test_tensors_of_another_model_are_refused_by_name(tmp_path: Path) -> None:
    decoder, layout, flat, folder = made(tmp_path)
    fewer = ExpertLayout(decoder.config, LoraSettings(rank=3, alpha=6, target_modules=("up_proj",)))
    write_expert(tmp_path / "up", to_bytes(fewer, flat[: fewer.size], RECORD), adapter_config(fewer, "org/tiny"))
    shutil.copyfile(tmp_path / "up" / "adapter_model.safetensors", folder / "adapter_model.safetensors")
    with pytest.raises(CorruptError, match=r"experts/e: Tensor .*down_proj.* is missing"):
        read_expert(folder, layout, base_model="org/tiny")
