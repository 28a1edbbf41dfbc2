"""Several experts as one adapter: the same logits as PEFT's own sum of them, and as our engine's."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.reference import reference_linear
from semoe.generation.request import Request
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.model import load_decoder
from semoe.store.blob import to_bytes
from semoe.store.merged import SERVED_RANKS, merge, served_rank
from semoe.store.peft_folder import adapter_config, write_expert
from tests.tiny import tiny_model, tiny_model_folder

TOKENS = torch.arange(2, 19)
WEIGHTS = (0.5, 1.0, -0.25)


@pytest.fixture(params=[("gate_proj", "up_proj", "down_proj"), ("q_proj", "o_proj")], ids=["mlp", "attention"])
def layout(tmp_path: Path, request: pytest.FixtureRequest) -> ExpertLayout:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"))
    return ExpertLayout(decoder.config, LoraSettings(rank=3, alpha=7, target_modules=request.param))


@pytest.fixture
def experts(layout: ExpertLayout) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(layout.size, generator=generator) * 0.1 for _ in WEIGHTS]


def as_peft_adds_them(layout: ExpertLayout, experts: list[torch.Tensor], place: Path) -> torch.Tensor:
    for number, expert in enumerate(experts):
        record = {"key": str(number), "space": "s", "title": "T", "qa": [], "loss": 0.5}
        write_expert(place / str(number), to_bytes(layout, expert, record), adapter_config(layout, "org/tiny"))
    model = PeftModel.from_pretrained(tiny_model("llama"), place / "0", adapter_name="e0")
    for number in (1, 2):
        model.load_adapter(place / str(number), adapter_name=f"e{number}")
    model.add_weighted_adapter(["e0", "e1", "e2"], [*WEIGHTS], "all", combination_type="cat")
    model.set_adapter("all")
    return model(TOKENS[None]).logits[0]


def as_one_adapter(layout: ExpertLayout, experts: list[torch.Tensor], place: Path, **how: object) -> torch.Tensor:
    scaling = layout.lora.scaling
    made = merge([layout.split(one) for one in experts], WEIGHTS, scaling, **how)  # type: ignore[arg-type]
    place.mkdir()
    save_file(dict(made.tensors), place / "adapter_model.safetensors", metadata={"format": "pt"})
    config = adapter_config(layout, "org/tiny") | {"r": made.rank, "lora_alpha": made.rank}
    (place / "adapter_config.json").write_text(json.dumps(config))
    return PeftModel.from_pretrained(tiny_model("llama"), place)(TOKENS[None]).logits[0]


@pytest.mark.filterwarnings("ignore")
def test_side_by_side_they_are_what_peft_and_the_engine_make_of_them(
    layout: ExpertLayout, experts: list[torch.Tensor], tmp_path: Path
) -> None:
    ours = as_one_adapter(layout, experts, tmp_path / "cat")
    theirs = as_peft_adds_them(layout, experts, tmp_path)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    decoder = load_decoder(tmp_path / "m")
    request = Request(prompt=tuple(TOKENS.tolist()), experts=tuple(experts), weights=WEIGHTS)
    hidden = decoder.hidden(
        TOKENS, positions_of([17]), PackedAttention([17]), reference_linear(layout, [request], [17])
    )
    torch.testing.assert_close(decoder.logits(hidden), ours, rtol=1e-4, atol=1e-4)
    alone = decoder.hidden(TOKENS, positions_of([17]), PackedAttention([17]))
    assert not torch.allclose(decoder.logits(alone), ours, atol=1e-2)


@pytest.mark.filterwarnings("ignore")
def test_by_svd_all_of_it_is_exact_and_less_is_the_nearest(
    layout: ExpertLayout, experts: list[torch.Tensor], tmp_path: Path
) -> None:
    whole = as_one_adapter(layout, experts, tmp_path / "cat")
    full = as_one_adapter(layout, experts, tmp_path / "svd", way="svd", rank=9)
    torch.testing.assert_close(full, whole, rtol=1e-3, atol=1e-3)
    tensors = [layout.split(one) for one in experts]
    exact = merge(tensors, WEIGHTS, 2.0)
    errors = [merge(tensors, WEIGHTS, 2.0, way="svd", rank=rank) for rank in (1, 4, 8, 9)]
    assert errors[0].error > errors[1].error > errors[2].error > errors[3].error == pytest.approx(0, abs=1e-6)
    for made in errors:
        left = norm = 0.0
        for name in (name for name in exact.tensors if "lora_A" in name):
            b = name.replace("lora_A", "lora_B")
            delta = exact.tensors[b] @ exact.tensors[name]
            left += float((delta - made.tensors[b] @ made.tensors[name]).square().sum())
            norm += float(delta.square().sum())
        assert made.error == pytest.approx((left / norm) ** 0.5, abs=1e-4)


@pytest.mark.parametrize(("rank", "served"), [(1, 8), (8, 8), (9, 16), (33, 64), (257, 512), (512, 512)])
def test_a_rank_is_padded_to_what_servers_make_room_for(rank: int, served: int) -> None:
    assert served_rank(rank) == served
    assert served in SERVED_RANKS


def test_ranks_that_do_not_fit_are_refused_with_a_cure(layout: ExpertLayout, experts: list[torch.Tensor]) -> None:
    tensors = [layout.split(one) for one in experts]
    with pytest.raises(UsageError, match="have rank 9, more than --rank 8"):
        merge(tensors, WEIGHTS, 1.0, rank=8)
    with pytest.raises(UsageError, match="svd needs --rank"):
        merge(tensors, WEIGHTS, 1.0, way="svd")
    with pytest.raises(UsageError, match="larger than servers take"):
        served_rank(513)
    padded = merge(tensors, WEIGHTS, 1.0, rank=20)
    assert (padded.rank, padded.num_used) == (32, 9)


@pytest.mark.filterwarnings("ignore")
def test_the_folder_keeps_servers_rules(layout: ExpertLayout, experts: list[torch.Tensor], tmp_path: Path) -> None:
    """As vLLM checks an adapter: its rank, what it must not have, and a pair of A and B of that rank for each site."""
    as_one_adapter(layout, experts, tmp_path / "cat")
    config = json.loads((tmp_path / "cat/adapter_config.json").read_text())
    tensors = load_file(tmp_path / "cat/adapter_model.safetensors")
    assert config["r"] in SERVED_RANKS
    assert (config["bias"], config["modules_to_save"], config["use_dora"]) == ("none", None, False)
    named = {name.rpartition(".lora_")[0] for name in tensors}
    assert {name.rpartition(".")[2] for name in named} == set(config["target_modules"])
    for name in named:
        assert tensors[f"{name}.lora_A.weight"].shape[0] == tensors[f"{name}.lora_B.weight"].shape[1] == config["r"]


def test_by_svd_a_rank_may_be_more_than_a_site_has_inputs_or_outputs() -> None:
    """Grouped heads are narrow: 3 outputs here, of experts with 8 ranks together."""
    a_KI, b_OK = torch.randn(4, 6), torch.randn(3, 4)
    made = merge([{"k.lora_A.weight": a_KI, "k.lora_B.weight": b_OK}] * 2, (1.0, 1.0), 1.0, way="svd", rank=7)
    torch.testing.assert_close(made.tensors["k.lora_B.weight"] @ made.tensors["k.lora_A.weight"], 2 * b_OK @ a_KI)
