"""Checkpoints that are not what they seem: read as transformers reads them, or refused by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, FineGrainedFP8Config

from semoe.errors import CorruptError, UsageError
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.config import read_config
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import tiny_model_folder

WEIGHTS = "model.safetensors"
HEAD, EMBEDDINGS = "lm_head.weight", "model.embed_tokens.weight"
TOKENS = torch.arange(17)
LARGEST = 448.0
"""Of float8 with four bits of exponent."""
Scale = Callable[[Tensor], Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_model_folder(tmp_path / "m", "llama")


def edit(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS, metadata={"format": "pt"})


def configure(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def logits(decoder: Decoder) -> Tensor:
    with torch.no_grad():
        return decoder.logits(decoder.hidden(TOKENS, positions_of([17]), PackedAttention([17])))


def per_tensor(weight_OI: Tensor) -> Tensor:
    return weight_OI.abs().max() / LARGEST


def per_output(weight_OI: Tensor) -> Tensor:
    return weight_OI.abs().amax(1, keepdim=True) / LARGEST


def in_blocks(rows: int, columns: int) -> Scale:
    def scale(weight_OI: Tensor) -> Tensor:
        strips = [strip.split(columns, 1) for strip in weight_OI.split(rows)]
        return torch.stack([torch.stack([block.abs().max() for block in strip]) for strip in strips]) / LARGEST

    return scale


def over(scale: Tensor, block: tuple[int, int], shape: torch.Size) -> Tensor:
    """Each block's scale at every place of the block."""
    tall = scale.repeat_interleave(block[0], 0)[: shape[0]]
    return tall.repeat_interleave(block[1], 1)[:, : shape[1]]


def quantise(folder: Path, scale: Scale, ending: str, block: tuple[int, int] | None) -> dict[str, Tensor]:
    """Stores the projections as float8 with scales; returns what they are then, computed here once more."""
    plain: dict[str, Tensor] = {}

    def change(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        stored = dict(tensors)
        for name, weight_OI in tensors.items():
            if name.endswith("proj.weight"):
                own = scale(weight_OI).contiguous()
                spread = own if block is None else over(own, block, weight_OI.shape)
                stored[name] = (weight_OI / spread).to(torch.float8_e4m3fn)
                stored[f"{name}{ending}"] = own
                plain[name] = stored[name].float() * spread
        return stored

    edit(folder, change)
    return plain


WEIGHTS_OF_8 = {"num_bits": 8, "type": "float", "symmetric": True}
SCHEMES: dict[str, tuple[Scale, str, dict[str, Any] | None, tuple[int, int] | None]] = {
    "fp8, a weight": (per_tensor, "_scale_inv", {"quant_method": "fp8"}, None),
    "fp8, blocks": (in_blocks(4, 2), "_scale_inv", {"quant_method": "fp8", "weight_block_size": [4, 2]}, (4, 2)),
    "fp8, blocks that are cut off": (
        in_blocks(16, 10), "_scale_inv", {"quant_method": "fp8", "weight_block_size": [16, 10]}, (16, 10),
    ),
    "fp8 of other tools": (per_tensor, "_scale", {"quant_method": "fp8", "activation_scheme": "static"}, None),
    "compressed-tensors, an output": (
        per_output, "_scale",
        {
            "quant_method": "compressed-tensors", "format": "float-quantized",
            "config_groups": {"group_0": {"weights": {**WEIGHTS_OF_8, "strategy": "channel"}}},
        }, None,
    ),
    "compressed-tensors, blocks": (
        in_blocks(16, 10), "_scale",
        {
            "quant_method": "compressed-tensors", "format": "float-quantized",
            "config_groups": {"group_0": {"weights": {**WEIGHTS_OF_8, "block_structure": [16, 10]}}},
        }, (16, 10),
    ),
    "fbgemm": (per_output, "_scale", {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}, None),
    "modelopt": (per_tensor, "_scale", {"quant_method": "modelopt", "quant_algo": "FP8"}, None),
    "no word of it": (per_tensor, "_scale", None, None),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_float8_weights_are_multiplied_by_their_scales(folder: Path, scheme: Any) -> None:
    scale, ending, section, block = scheme
    plain = quantise(folder, scale, ending, block)
    edit(folder, lambda tensors: tensors | {f"model.layers.0.mlp.up_proj{end}": torch.ones(1) for end in IDLE})
    configure(folder, **({"quantization_config": section} if section else {}))
    ours = load_decoder(folder)
    for name, expected in plain.items():
        torch.testing.assert_close(ours.weights[name], expected, rtol=0, atol=0)
    assert load_decoder(folder, dtype=torch.bfloat16).dtype == torch.bfloat16


IDLE = (".input_scale", ".k_scale")
"""Endings of scales that belong to activations and caches of eight bits."""


@pytest.mark.parametrize("block", [None, [4, 2]])
def test_float8_equals_transformers(folder: Path, block: list[int] | None) -> None:
    quantise(folder, in_blocks(*block) if block else per_tensor, "_scale_inv", (block[0], block[1]) if block else None)
    configure(folder, quantization_config={"quant_method": "fp8", "weight_block_size": block})
    asked = FineGrainedFP8Config(dequantize=True, weight_block_size=block)
    theirs = AutoModelForCausalLM.from_pretrained(folder, quantization_config=asked, dtype=torch.float32)
    with torch.no_grad():
        expected = theirs(TOKENS[None]).logits[0]
    torch.testing.assert_close(logits(load_decoder(folder)), expected, rtol=1e-4, atol=1e-4)


REFUSED: dict[str, dict[str, Any]] = {
    "gptq": {"quant_method": "gptq", "bits": 4},
    "awq": {"quant_method": "awq", "bits": 4},
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "mxfp4": {"quant_method": "mxfp4"},
    "hqq": {"quant_method": "hqq"},
    "torchao": {"quant_method": "torchao", "quant_type": "int4"},
    "pack-quantized": {
        "quant_method": "compressed-tensors", "format": "pack-quantized",
        "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
    },
    "int-quantized": {
        "quant_method": "compressed-tensors", "format": "int-quantized",
        "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "int"}}},
    },
    "NVFP4": {"quant_method": "modelopt", "quant_algo": "NVFP4"},
    "of no name": {"load_in_8bit": True},
}  # fmt: skip


@pytest.mark.parametrize(("name", "section"), REFUSED.items(), ids=REFUSED)
def test_other_methods_are_refused_by_name_before_a_weight_is_read(folder: Path, name: str, section: Any) -> None:
    configure(folder, quantization_config=section)
    with pytest.raises(UsageError, match=f"quantised.*{name}"):
        read_config(folder)


UP = "model.layers.1.mlp.up_proj.weight"
CHANGES: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {
    "float8_e4m3fn without a scale": lambda t: t | {UP: t[UP].to(torch.float8_e4m3fn)},
    "float8_e5m2 without a scale": lambda t: t | {UP: t[UP].to(torch.float8_e5m2)},
    "stored as int8": lambda t: t | {UP: t[UP].to(torch.int8)},
    "stored as int32": lambda t: t | {UP.replace("weight", "qweight"): torch.ones(2, 2, dtype=torch.int32)},
    "stored as uint8": lambda t: t | {f"{UP}.absmax": torch.ones(3), UP: torch.ones(9, 1, dtype=torch.uint8)},
    "stored as float8_e8m0fnu": lambda t: t | {
        UP: t[UP].to(torch.float8_e4m3fn), f"{UP}_scale": torch.ones(2, 2).to(torch.float8_e8m0fnu),
    },
    "does not fit": lambda t: t | {UP: t[UP].to(torch.float8_e4m3fn), f"{UP}_scale": torch.ones(3, 5)},
    "not use, such as model.layers.1.mlp.up_proj.weight_scale": lambda t: t | {f"{UP}_scale": torch.ones(1)},
    "not use, such as model.layers.2": lambda t: t | {UP.replace("1", "2"): t[UP].clone()},
    "not use, such as model.layers.1.mlp.up_proj.bias": lambda t: t | {UP.replace("weight", "bias"): torch.ones(52)},
    "not use, such as model.layers.0.self_attn.q_norm": lambda t: t | {
        "model.layers.0.self_attn.q_norm.weight": torch.ones(6),
    },
    "not use, such as vision_tower": lambda t: t | {"vision_tower.weight": torch.ones(3)},
}  # fmt: skip


@pytest.mark.parametrize(("said", "change"), CHANGES.items(), ids=CHANGES)
def test_what_would_be_another_model_is_named(folder: Path, said: str, change: Any) -> None:
    edit(folder, change)
    with pytest.raises(UsageError, match=said):
        load_decoder(folder)


def test_old_rotation_speeds_change_nothing(folder: Path) -> None:
    expected = logits(load_decoder(folder))
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    edit(folder, lambda tensors: tensors | {name: torch.zeros(3)})
    torch.testing.assert_close(logits(load_decoder(folder)), expected, rtol=0, atol=0)


def test_a_missing_head_is_never_made_up(folder: Path) -> None:
    edit(folder, lambda tensors: {name: tensor for name, tensor in tensors.items() if name != HEAD})
    with pytest.raises(CorruptError, match=r"lm_head\.weight should be \(97, 36\), found nothing"):
        load_decoder(folder)


HEADS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {
    "a head of its own": lambda t: t | {HEAD: t[EMBEDDINGS] * 2},
    "the same once more": lambda t: t | {HEAD: t[EMBEDDINGS].clone()},
    "the head alone": lambda t: {HEAD if name == EMBEDDINGS else name: tensor for name, tensor in t.items()},
    "names without their first part": lambda t: {name.removeprefix("model."): tensor for name, tensor in t.items()},
}


@pytest.mark.parametrize("change", HEADS.values(), ids=HEADS)
def test_heads_and_names_are_read_as_transformers_reads_them(tmp_path: Path, change: Any) -> None:
    folder = tiny_model_folder(tmp_path / "m", "llama", tied=True)
    edit(folder, change)
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(folder)(TOKENS[None]).logits[0]
    torch.testing.assert_close(logits(load_decoder(folder)), expected, rtol=1e-4, atol=1e-4)
