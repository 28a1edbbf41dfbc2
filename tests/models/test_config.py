"""A configuration means what transformers takes it for; what lacks, is wrong, or is not computed is named."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from blake3 import blake3
from transformers import AutoConfig

from semoe.errors import UsageError
from semoe.models.config import parse_config, read_config
from semoe.models.families import FAMILIES
from semoe.models.windows import SLIDING
from semoe.records import without_defaults
from tests.tiny import FAMILIES as TINY
from tests.tiny import tiny_config

SHAPE: dict[str, Any] = {
    "vocab_size": 97, "hidden_size": 64, "intermediate_size": 52, "num_hidden_layers": 31, "num_attention_heads": 32,
}  # fmt: skip
MESSAGE = "must be a positive whole number"
FAMILIES_OF_TRANSFORMERS = sorted(FAMILIES)


def write(folder: Path, raw: Any, name: str = "config.json") -> Path:
    (folder / name).write_text(json.dumps(raw))
    return folder


def same_as_transformers(folder: Path, raw: dict[str, Any]) -> None:
    """Compares every value that both have, under the name that transformers gives it."""
    theirs, ours = AutoConfig.from_pretrained(write(folder, raw)), read_config(folder)
    for name in (*SHAPE, "num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings"):
        assert getattr(ours, name) == getattr(theirs, name), name
    head_dim = getattr(theirs, "head_dim", None) or theirs.hidden_size // theirs.num_attention_heads
    assert ours.head_dim == head_dim
    rope = theirs.rope_parameters
    assert ours.rope_theta == rope.get("full_attention", rope)["rope_theta"]
    assert ours.hidden_act == (getattr(theirs, "hidden_act", None) or theirs.hidden_activation)
    ends = theirs.eos_token_id
    assert ours.eos_token_ids == (() if ends is None else tuple(ends) if isinstance(ends, list) else (ends,))
    window = getattr(theirs, "sliding_window", None)
    types = getattr(theirs, "layer_types", None) or [SLIDING if window else "full_attention"] * theirs.num_hidden_layers
    for layer, kind in enumerate(types):
        assert ours.window(layer) == (window if kind == SLIDING else None), layer
    if ours.sliding_rope_theta is not None:
        assert ours.sliding_rope_theta == rope[SLIDING]["rope_theta"]
    if ours.query_pre_attn_scalar is not None:
        assert ours.query_pre_attn_scalar == theirs.query_pre_attn_scalar


@pytest.mark.parametrize("family", FAMILIES_OF_TRANSFORMERS)
def test_what_a_file_leaves_out_is_what_transformers_takes_for_it(tmp_path: Path, family: str) -> None:
    same_as_transformers(tmp_path, {"model_type": family, **SHAPE})


@pytest.mark.parametrize(
    ("family", "own"),
    [
        ("llama", {"head_dim": None, "num_key_value_heads": None, "eos_token_id": [3, 4]}),
        ("llama", {"head_dim": 6, "num_key_value_heads": 4, "tie_word_embeddings": True, "eos_token_id": None}),
        ("llama", {"sliding_window": None, "layer_types": ["full_attention"] * 31, "hidden_act": "gelu_pytorch_tanh"}),
        ("mistral", {"sliding_window": None, "head_dim": None, "use_sliding_window": True}),
        ("mistral", {"sliding_window": 12, "layer_types": [SLIDING] * 31}),
        ("qwen2", {"num_key_value_heads": None, "use_sliding_window": True}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 0}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 99}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": None, "max_window_layers": 3}),
        ("qwen2", {"use_sliding_window": False, "sliding_window": 9, "max_window_layers": 3, "head_dim": 8}),
        ("qwen3", {"use_sliding_window": True, "layer_types": [SLIDING] * 3 + ["full_attention"] * 28}),
        ("qwen3", {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 2, "head_dim": 4}),
        ("gemma3_text", {"sliding_window_pattern": 3, "sliding_window": 9, "rope_theta": 7.0}),
        ("gemma3_text", {"_sliding_window_pattern": 3}),
        ("gemma3_text", {"layer_types": [SLIDING] * 30 + ["full_attention"], "query_pre_attn_scalar": 168}),
        ("gemma3_text", {"sliding_window_pattern": 1, "sliding_window": None, "tie_word_embeddings": False}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_a_file_says_is_read_as_transformers_does(tmp_path: Path, family: str, own: dict[str, Any]) -> None:
    same_as_transformers(tmp_path, {"model_type": family, **SHAPE, **own})


@pytest.mark.parametrize("name", ["silu", "swish"])
def test_an_activation_is_known_by_each_of_its_names(name: str) -> None:
    assert parse_config({"model_type": "llama", **SHAPE, "hidden_act": name}).hidden_act == "silu"


@pytest.mark.parametrize("family", FAMILIES_OF_TRANSFORMERS)
@pytest.mark.parametrize("key", SHAPE)
@pytest.mark.parametrize("value", ["lacking", None, "64", -64, 0, 64.0, True, [64]])
def test_a_shape_that_lacks_or_is_wrong_is_named(family: str, key: str, value: Any) -> None:
    raw = {"model_type": family, **SHAPE, key: value}
    if value == "lacking":
        del raw[key]
    with pytest.raises(UsageError, match=f"lacks {key}" if value == "lacking" else f"{key} {MESSAGE}"):
        parse_config(raw)


@pytest.mark.parametrize("family", FAMILIES_OF_TRANSFORMERS)
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("num_key_value_heads", "8", MESSAGE),
        ("num_key_value_heads", 5, r"num_attention_heads \(32\) must be a multiple of num_key_value_heads \(5\)"),
        ("num_key_value_heads", -1, MESSAGE),
        ("head_dim", 0, MESSAGE),
        ("head_dim", 7, "must be even"),
        ("head_dim", "8", MESSAGE),
        ("max_position_embeddings", None, MESSAGE),
        ("rms_norm_eps", "1e-6", "rms_norm_eps must be a number"),
        ("rms_norm_eps", None, "rms_norm_eps must be a number"),
        ("rms_norm_eps", -1e-6, "rms_norm_eps must be a number"),
        ("rope_theta", None, "rope_theta must be a positive number"),
        ("rope_theta", 1, "rope_theta must be above 1"),
        ("tie_word_embeddings", "false", "tie_word_embeddings must be true or false"),
        ("tie_word_embeddings", None, "tie_word_embeddings must be true or false, not null"),
        ("eos_token_id", "2", "eos_token_id must be"),
        ("eos_token_id", [1, None], "eos_token_id must be"),
        ("eos_token_id", -1, "eos_token_id must be"),
        ("partial_rotary_factor", 0.5, "partial_rotary_factor is 0.5"),
        ("rope_parameters", [], "rope_parameters must be an object"),
        ("layer_types", "full_attention", "layer_types must be a list"),
        ("layer_types", ["full_attention"], "layer_types must be a list of num_hidden_layers"),
        ("layer_types", ["chunked_attention"] * 31, "layer_types holds 'chunked_attention'"),
        ("layer_types", [["x"]] * 31, "layer_types holds"),
        ("quantization_config", {"quant_method": "gptq"}, "quantised"),
        ("use_bidirectional_attention", True, "look ahead"),
        ("is_causal", False, "look ahead"),
        ("attn_logit_softcapping", 50.0, "attn_logit_softcapping is set"),
        ("final_logit_softcapping", 30.0, "final_logit_softcapping is set"),
    ],
)
def test_a_value_that_is_wrong_or_not_computed_is_named(family: str, key: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_config({"model_type": family, **SHAPE, key: value})


@pytest.mark.parametrize(
    ("family", "own", "message"),
    [
        ("llama", {"hidden_act": "relu"}, "hidden_act 'relu'"),
        ("llama", {"hidden_act": None}, "hidden_act must be a string"),
        ("gemma3_text", {"hidden_activation": "gelu"}, "hidden_activation 'gelu'"),
        ("llama", {"hidden_size": 65}, "hidden_size must be a multiple of num_attention_heads"),
        ("llama", {"sliding_window": 7}, "asks for a sliding window"),
        ("llama", {"layer_types": [SLIDING] * 31}, "asks for a sliding window"),
        ("mistral", {"num_attention_heads": 4}, "default of this family"),
        ("mistral", {"num_key_value_heads": None}, MESSAGE),
        ("mistral", {"attention_bias": True}, "attention_bias is on"),
        ("mistral", {"sliding_window": 0}, "sliding_window must be"),
        ("mistral", {"layer_types": ["full_attention"] * 31}, "layer_types differs from sliding_window"),
        ("qwen2", {"mlp_bias": True}, "mlp_bias is on"),
        ("qwen2", {"use_sliding_window": 1}, "use_sliding_window must be true or false"),
        ("qwen2", {"use_sliding_window": True, "max_window_layers": -1}, "max_window_layers must be"),
        ("qwen2", {"layer_types": [SLIDING] * 31}, "no sliding_window is switched on"),
        ("qwen3", {"head_dim": None}, "head_dim must be"),
        ("gemma3_text", {"sliding_window": None}, "no sliding_window is switched on"),
        ("gemma3_text", {"sliding_window_pattern": 0}, "sliding_window_pattern must be"),
        ("gemma3_text", {"query_pre_attn_scalar": "256"}, "query_pre_attn_scalar must be"),
        ("gemma3_text", {"rope_local_base_freq": None}, "rope_local_base_freq must be"),
    ],
)
def test_what_one_family_cannot_have_is_named(family: str, own: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_config({"model_type": family, **SHAPE, **own})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"model_type": "mixtral"}, "mixture of experts"),
        ({"model_type": "qwen3_moe"}, "mixture of experts"),
        ({"model_type": "gemma3", "text_config": {}, "vision_config": {}}, "image part.*gemma3_text"),
        ({"model_type": "gemma2"}, "softcapping"),
        ({"model_type": "qwen2_5_vl", "vision_config": {}}, "several media"),
        ({"model_type": "phi3"}, "'phi3' are not supported"),
        ({}, "model_type is missing"),
        ({"model_type": None}, "model_type must be a string, not null"),
        ({"model_type": ["llama"]}, "model_type must be a string"),
    ],
)
def test_another_family_is_refused_with_its_reason(raw: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_config({**SHAPE, **raw})


def test_the_families_are_listed() -> None:
    with pytest.raises(UsageError, match="gemma3_text, llama, mistral, qwen2, qwen3"):
        parse_config({"model_type": "phi3"})


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_a_file_that_is_no_object_is_named(tmp_path: Path, name: str) -> None:
    write(write(tmp_path, {"model_type": "llama", **SHAPE}), [1], name)
    with pytest.raises(UsageError, match=f"{name} must hold a JSON object"):
        read_config(tmp_path)


def test_end_tokens_of_the_generation_config_come_first(tmp_path: Path) -> None:
    write(write(tmp_path, {"model_type": "llama", **SHAPE}), {"eos_token_id": [7, 8]}, "generation_config.json")
    assert read_config(tmp_path).eos_token_ids == (7, 8)
    write(tmp_path, {"eos_token_id": "7"}, "generation_config.json")
    with pytest.raises(UsageError, match="eos_token_id must be"):
        read_config(tmp_path)


TINY_SHAPE = {
    "vocab_size": 97, "hidden_size": 36, "intermediate_size": 52, "num_hidden_layers": 2, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "eos_token_id": 1,
}  # fmt: skip
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}


def digest(raw: dict[str, Any]) -> str:
    """The configuration's part of a model's digest."""
    shape = {name: value for name, value in without_defaults(parse_config(raw)).items() if name != "eos_token_ids"}
    return blake3(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@pytest.mark.parametrize(
    ("own", "known"),
    [
        ({"model_type": "llama"}, "1c44df14e6f1fd2c"),
        ({"model_type": "llama", "tie_word_embeddings": True, "rope_theta": 100000}, "e8b780ce977f8713"),
        ({"model_type": "llama", "attention_bias": True, "mlp_bias": True}, "833a1c21f45cb2ed"),
        (
            {"model_type": "llama", "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
            "ea0eaec9235610a9",
        ),
        (
            {"model_type": "qwen2", "sliding_window": 9, "use_sliding_window": False, "max_window_layers": 28},
            "1cb3a2ea6ca806c1",
        ),
        ({"model_type": "qwen3", "head_dim": 10}, "38fb5225d5ec2d7b"),
        ({"model_type": "mistral", "sliding_window": None}, "115c1679f14939da"),
    ],
)
def test_models_that_were_known_before_keep_their_digest(own: dict[str, Any], known: str) -> None:
    """As version 0.1.0 computed them: another digest would part users from the experts that they trained."""
    assert digest(TINY_SHAPE | own) == known


def test_every_family_and_feature_has_a_digest_of_its_own() -> None:
    digests = [digest(tiny_config(family).to_dict()) for family in TINY]
    assert len(set(digests)) == len(digests)
