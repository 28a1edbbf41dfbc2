import errno
import os
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from semoe.errors import CorruptError, TransientError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.reference import reference_linear
from semoe.generation.sequence import Request
from semoe.models import PackedAttention, load_decoder, positions_of
from semoe.models.decoder import Decoder
from semoe.store import OfflineName, find_experts, link_expert, read_expert, write_expert
from tests.tiny import tiny_model, tiny_model_folder

RECORD = {"key": "ab12", "space": "s1", "title": "T", "qa": [], "loss": 0.5}


def made(tmp_path: Path) -> tuple[Decoder, ExpertLayout, torch.Tensor, Path]:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"))
    layout = ExpertLayout(decoder.config, LoraSettings(rank=3, alpha=6))
    flat = torch.randn(layout.size, generator=torch.Generator().manual_seed(0)) * 0.1
    folder = tmp_path / "experts" / "e"
    write_expert(folder, layout, flat, base_model="org/tiny", record=RECORD)
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
    with pytest.raises(UsageError, match="base model tiny, but large"):
        read_expert(folder, layout, base_model="org/large")
    with pytest.raises(UsageError, match="expert space s1, but s2"):
        read_expert(folder, layout, base_model="org/tiny", space="s2")


def test_an_expert_without_effect_damaged_or_missing_is_refused(tmp_path: Path) -> None:
    _, layout, flat, folder = made(tmp_path)
    for site in layout.sites:
        layout.pair(flat[None], site)[1].zero_()
    write_expert(folder, layout, flat, base_model="org/tiny", record=RECORD)
    with pytest.raises(CorruptError, match="B = 0 everywhere"):
        read_expert(folder, layout, base_model="org/tiny")
    write_expert(folder, layout, flat.fill_(torch.nan), base_model="org/tiny", record=RECORD)
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
        write_expert(tmp_path / "new" / "e", layout, flat, base_model="org/tiny", record=RECORD)
    assert list((tmp_path / "new").iterdir()) == []


def test_published_names_and_their_home(tmp_path: Path) -> None:
    name = OfflineName(
        model="smollm2", rank=2, alpha=32, dataset="popqa", learning_rate=3e-4, epochs=1, cot=False,
        augment_model="smollm2", data_type="total",
    )  # fmt: skip
    path = "offline/smollm2/rank=2_alpha=32/popqa/lr=0.0003_epoch=1_direct/aug_model=smollm2/total"
    assert name.passage(tmp_path, 4, 1) == tmp_path / path / "data_4" / "passage_1"
    _, layout, flat, _ = made(tmp_path)
    write_expert(name.by_key(tmp_path, "s1", "ab12"), layout, flat, base_model="smollm2", record=RECORD)
    assert [(row.key, row.model, row.title) for row in find_experts(tmp_path)] == [("ab12", "smollm2", "T")]


def test_a_name_cannot_leave_the_tree(tmp_path: Path) -> None:
    name = OfflineName(
        model="..", rank=2, alpha=32, dataset="popqa", learning_rate=3e-4, epochs=1, cot=False,
        augment_model="x", data_type="total",
    )  # fmt: skip
    with pytest.raises(UsageError, match="cannot name a folder"):
        name.folder(tmp_path)
