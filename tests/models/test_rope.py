"""Every rotary scaling turns as transformers' own does, with every parameter that it takes, in both spellings."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, Gemma3TextConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from semoe.errors import UsageError
from semoe.models.config import ModelConfig, parse_config
from semoe.models.rope import inverse_frequencies, rotation
from semoe.models.rope_scaling import LongRope, RopeScaling, YarnRope

SHAPE = {
    "vocab_size": 97, "hidden_size": 48, "intermediate_size": 52, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 32,
}  # fmt: skip
SHORT, LONG = [1.0, 1.1, 1.3, 1.4, 1.5, 2.0], [1.0, 2.0, 3.5, 4, 5, 9.5]
LONGROPE = {"short_factor": SHORT, "long_factor": LONG}
LENGTHS = (1, 7, 15, 16, 17, 31, 32, 33, 90)
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "linear": {"factor": 4.0},
    "linear-whole": {"factor": 3},
    "dynamic": {"factor": 2.0},
    "dynamic-odd": {"factor": 1.1},
    "dynamic-other-length": {"factor": 2.0, "original_max_position_embeddings": 8},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 16},
    "yarn-no-length": {"factor": 4.0},
    "yarn-no-factor": {"factor": None, "original_max_position_embeddings": 8},
    "yarn-betas": {"factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4, "beta_slow": 0.5},
    "yarn-null-betas": {"factor": 4.0, "beta_fast": None, "beta_slow": None, "attention_factor": None},
    "yarn-attention": {"factor": 4.0, "original_max_position_embeddings": 16, "attention_factor": 0.7},
    "yarn-mscale": {"factor": 40.0, "original_max_position_embeddings": 16, "mscale": 1.0, "mscale_all_dim": 0.8},
    "yarn-one-mscale": {"factor": 40.0, "original_max_position_embeddings": 16, "mscale": 0.5},
    "yarn-zero-mscale": {"factor": 40.0, "original_max_position_embeddings": 16, "mscale": 0.5, "mscale_all_dim": 0},
    "yarn-fractions": {"factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4, "truncate": False},
    "yarn-step": {"factor": 4.0, "original_max_position_embeddings": 300, "beta_fast": 2, "beta_slow": 2,
                  "truncate": False},
    "longrope": {**LONGROPE, "original_max_position_embeddings": 16},
    "longrope-factor": {**LONGROPE, "original_max_position_embeddings": 16, "factor": 3.0},
    "longrope-attention": {**LONGROPE, "original_max_position_embeddings": 16, "attention_factor": 1.7},
    "longrope-no-length": {**LONGROPE, "factor": 4.0},
    "longrope-small-factor": {**LONGROPE, "original_max_position_embeddings": 16, "factor": 0.5},
    "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    "llama3-no-length": {"factor": 8.0, "low_freq_factor": 1, "high_freq_factor": 4},
}  # fmt: skip


def spelt(kind: str, parameters: dict[str, Any], spelling: str, theta: float) -> dict[str, Any]:
    """The same scaling as older and newer files write it."""
    rope = {"rope_type": kind, **parameters}
    return {
        "rope_parameters": {"rope_parameters": rope | {"rope_theta": theta}},
        "rope_parameters, base outside": {"rope_parameters": rope, "rope_theta": theta},
        "rope_scaling": {"rope_scaling": rope, "rope_theta": theta},
        "rope_scaling with type": {"rope_scaling": {"type": kind, **parameters}, "rope_theta": theta},
    }[spelling]


SPELLINGS = ("rope_parameters", "rope_parameters, base outside", "rope_scaling", "rope_scaling with type")


def turned(head_dim: int, theta: float, scaling: RopeScaling | None, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of one sequence, [T, K]."""
    positions = torch.arange(length)
    factor = scaling.attention_factor if isinstance(scaling, YarnRope | LongRope) else 1.0
    speeds = inverse_frequencies(head_dim, theta, scaling, torch.full_like(positions, length))
    cos, sin = rotation(positions, speeds, factor)
    return cos[:, 0], sin[:, 0]


def read_by_transformers(folder: Path, raw: dict[str, Any]) -> Any:
    (folder / "config.json").write_text(json.dumps(raw))
    return AutoConfig.from_pretrained(folder)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", CASES)
def test_angles_equal_those_of_transformers(tmp_path: Path, case: str, spelling: str) -> None:
    raw = {"model_type": "llama", **SHAPE, **spelt(case.split("-", maxsplit=1)[0], CASES[case], spelling, 500.0)}
    ours, theirs = parse_config(raw), read_by_transformers(tmp_path, raw)
    for length in LENGTHS:
        expected = LlamaRotaryEmbedding(theirs)(torch.zeros(()), torch.arange(length)[None])
        for mine, other in zip(turned(12, ours.rope_theta, ours.rope_scaling, length), expected, strict=True):
            torch.testing.assert_close(mine, other[0], rtol=1e-5, atol=2e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_length_beside_the_section_counts_more_than_inside(tmp_path: Path) -> None:
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
    raw = {"model_type": "llama", **SHAPE, "rope_scaling": rope, "original_max_position_embeddings": 8}
    ours, model = parse_config(raw), LlamaRotaryEmbedding(read_by_transformers(tmp_path, raw))
    torch.testing.assert_close(inverse_frequencies(12, ours.rope_theta, ours.rope_scaling), model.inv_freq)
    assert isinstance(ours.rope_scaling, YarnRope)
    assert ours.rope_scaling.original_max_position_embeddings == 8


@pytest.mark.filterwarnings("ignore")
def test_the_older_section_counts_more_than_the_newer_one(tmp_path: Path) -> None:
    both = {
        "rope_scaling": {"type": "linear", "factor": 2.0},
        "rope_parameters": {"rope_type": "linear", "factor": 9.0},
    }
    raw = {"model_type": "llama", **SHAPE, **both}
    ours, model = parse_config(raw), LlamaRotaryEmbedding(read_by_transformers(tmp_path, raw))
    torch.testing.assert_close(inverse_frequencies(12, ours.rope_theta, ours.rope_scaling), model.inv_freq)


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"rope_theta": 5000.0, "rope_local_base_freq": 300},
        {"rope_theta": 5000.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 70.0}}},
        {"rope_parameters": {"sliding_attention": {"rope_type": "linear", "factor": 2.0}, "full_attention": None}},
        {"rope_parameters": {"full_attention": {"rope_type": "yarn", "factor": 4.0}, "sliding_attention": None}},
        {"rope_parameters": {"full_attention": {"rope_type": "dynamic", "factor": 4.0}}},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_gemmas_two_rotations_equal_those_of_transformers(tmp_path: Path, own: dict[str, Any]) -> None:
    raw = {
        "model_type": "gemma3_text", **SHAPE, "num_hidden_layers": 6, "head_dim": 12, **own,
    }  # fmt: skip
    ours, theirs = parse_config(raw), read_by_transformers(tmp_path, raw)
    assert isinstance(theirs, Gemma3TextConfig)
    assert ours.sliding_rope_theta is not None
    kinds = {
        "full_attention": (ours.rope_theta, ours.rope_scaling),
        "sliding_attention": (ours.sliding_rope_theta, ours.sliding_rope_scaling),
    }
    for kind, (theta, scaling) in kinds.items():
        for length in (5, 32, 40):
            expected = Gemma3RotaryEmbedding(theirs)(torch.zeros(()), torch.arange(length)[None], kind)
            for mine, other in zip(turned(12, theta, scaling, length), expected, strict=True):
                torch.testing.assert_close(mine, other[0], rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("rope", "message"),
    [
        ({"rope_type": "proportional", "factor": 2.0}, "Unknown rope_type 'proportional'.*dynamic"),
        ({"rope_type": "mrope"}, "Unknown rope_type 'mrope'"),
        ({"type": "su", **LONGROPE}, "Unknown rope_type 'su'"),
        ({"rope_type": None}, "rope_type must be a string, not null"),
        ({"rope_type": ["yarn"]}, "rope_type must be a string"),
        ({"rope_type": "linear"}, "rope_scaling lacks factor"),
        ({"rope_type": "linear", "factor": None}, "factor must be a positive number, not null"),
        ({"rope_type": "linear", "factor": "4"}, "factor must be a positive number, not '4'"),
        ({"rope_type": "linear", "factor": 0}, "factor must be a positive number"),
        ({"rope_type": "linear", "factor": True}, "factor must be a positive number, not true"),
        ({"rope_type": "linear", "factor": math.inf}, "factor must be a positive number"),
        ({"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5"),
        ({"rope_type": "default", "partial_rotary_factor": 0.25}, "partial_rotary_factor is 0.25"),
        ({"rope_type": "dynamic"}, "lacks factor"),
        ({"rope_type": "yarn"}, "lacks factor"),
        ({"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": None}, "original_max_position"),
        ({"rope_type": "yarn", "factor": 2.0, "beta_fast": "32"}, "beta_fast must be"),
        ({"rope_type": "yarn", "factor": 2.0, "truncate": "no"}, "truncate must be true or false"),
        ({"rope_type": "longrope", "long_factor": LONG}, "lacks short_factor"),
        ({"rope_type": "longrope", "short_factor": SHORT}, "lacks long_factor"),
        ({"rope_type": "longrope", **LONGROPE, "long_factor": [1.0]}, "long_factor must be a list of 6 positive"),
        ({"rope_type": "llama3", "factor": 8.0, "high_freq_factor": 4.0}, "lacks low_freq_factor"),
        ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4, "high_freq_factor": 4}, "high_freq_factor"),
        ({"rope_theta": None}, "rope_theta must be a positive number, not null"),
        ({"rope_theta": "1e4"}, "rope_theta must be a positive number"),
        ({"full_attention": {"rope_type": "default"}}, "only gemma3_text has"),
        ("linear", "rope_scaling must be an object or null, not 'linear'"),
    ],
)
def test_a_scaling_that_is_wrong_or_unknown_is_named(rope: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_config({"model_type": "llama", **SHAPE, "rope_scaling": rope})


@pytest.mark.parametrize(
    ("rope", "message"),
    [
        ({"rope_type": "default", "rope_theta": 10.0}, "holds 'rope_theta' beside"),
        ({"full_attention": {"rope_type": "yarn", "factor": 2.0, "truncate": False}}, "truncate"),
        ({"sliding_attention": {"rope_type": "linear"}}, "sliding_attention lacks factor"),
        ({"sliding_attention": 3}, "sliding_attention must be an object"),
    ],
)
def test_gemmas_sections_are_checked_too(rope: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_config({"model_type": "gemma3_text", **SHAPE, "rope_parameters": rope})


def test_the_longest_context_is_what_the_scaling_says() -> None:
    def context(rope: dict[str, Any] | None) -> int:
        return parse_config({"model_type": "llama", **SHAPE, "rope_scaling": rope}).context

    assert context(None) == context({"type": "linear", "factor": 2.0}) == 32
    assert context({"type": "dynamic", "factor": 2.0}) == context({"type": "yarn", "factor": 2.0}) == 64
    assert context({"type": "yarn", "factor": 2.0, "original_max_position_embeddings": 16}) == 32


def test_no_two_kinds_have_the_same_fields() -> None:
    """A digest knows them by these alone."""

    def fields(case: str) -> frozenset[str]:
        scaling = config_of(case).rope_scaling
        return frozenset(scaling.__dataclass_fields__) if scaling else frozenset()

    kinds = ("default", "linear", "dynamic", "yarn", "longrope", "llama3")
    assert len({fields(kind) for kind in kinds}) == len(kinds)


def config_of(case: str) -> ModelConfig:
    return parse_config({"model_type": "llama", **SHAPE, "rope_scaling": {"type": case, **CASES[case]}})
