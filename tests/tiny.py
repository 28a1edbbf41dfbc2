"""Tiny real models with odd shapes, made by transformers itself, for the equality tests."""

import copy
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from semoe.models.smollm2 import smollm2_folder

SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "initializer_range": 0.3,
    "dtype": "float32",
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
ROPES: dict[str, dict[str, Any]] = {
    "linear": {"factor": 4.0},
    "dynamic": {"factor": 3.0},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 17, "beta_fast": 3.0, "beta_slow": 0.5},
    "longrope": {
        "factor": 4.0,
        "original_max_position_embeddings": 17,
        "short_factor": [1.0, 1.1, 1.3],
        "long_factor": [1.0, 2.5, 7.0],
    },
}
"""Scalings of the tiny Llama, whose head_dim is 6."""
GEMMA_ROPE = {
    "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
}
WINDOW = 7
PLAIN_FAMILIES = ("llama", "llama3-rope", "llama-bias", "qwen2", "qwen3", "mistral")
STRETCHED_FAMILIES = tuple(f"{kind}-rope" for kind in ROPES)
WINDOWED_FAMILIES = ("mistral-window", "qwen2-window", "gemma3")
FAMILIES = PLAIN_FAMILIES + STRETCHED_FAMILIES + WINDOWED_FAMILIES


def tiny_config(family: str, *, tied: bool = False) -> Any:
    shape = SHAPE | {"tie_word_embeddings": tied}
    makers = {
        "llama": lambda: LlamaConfig(**shape),
        "llama-bias": lambda: LlamaConfig(**shape, attention_bias=True, mlp_bias=True),
        "llama3-rope": lambda: LlamaConfig(**shape, rope_parameters=LLAMA3_ROPE),
        "qwen2": lambda: Qwen2Config(**shape),
        "qwen3": lambda: Qwen3Config(**shape, head_dim=10),
        "mistral": lambda: MistralConfig(**shape, sliding_window=None),
        "mistral-window": lambda: MistralConfig(**shape, sliding_window=WINDOW),
        # The last layer slides, the first does not; in Gemma it is the other way round, as in its own pattern.
        "qwen2-window": lambda: Qwen2Config(
            **shape, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1
        ),
        "gemma3": lambda: Gemma3TextConfig(
            **(shape | {"hidden_size": 42}),
            head_dim=10,
            query_pre_attn_scalar=13,
            sliding_window=WINDOW,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters=copy.deepcopy(GEMMA_ROPE),
        ),
    }
    # `dynamic` measures lengths by max_position_embeddings.
    short = {"max_position_embeddings": 17}
    for kind, rope in ROPES.items():
        own = shape | (short if kind == "dynamic" else {})
        makers[f"{kind}-rope"] = partial(LlamaConfig, **own, rope_parameters={"rope_type": kind, **rope})
    return makers[family]()


def tiny_model(family: str, *, tied: bool = False, seed: int = 0) -> PreTrainedModel:
    """A model whose biases and norms are random too, so that leaving one out shows."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(tiny_config(family, tied=tied), attn_implementation="eager").float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.2)
            if "norm" in name:
                parameter.uniform_(0.5, 1.5)
    return model.requires_grad_(False).eval()


def tiny_model_folder(folder: Path, family: str, *, tied: bool = False, seed: int = 0) -> Path:
    """Saves a tiny model as a Hugging Face folder (without a tokenizer)."""
    tiny_model(family, tied=tied, seed=seed).save_pretrained(folder)
    return folder


def chatting_model_folder(folder: Path) -> Path:
    """Saves a tiny Llama with the real small model's tokenizer and chat template: it speaks nonsense, fast."""
    config = LlamaConfig(
        **(SHAPE | {"vocab_size": 49152, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 2048})
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).float().save_pretrained(folder)
    for path in smollm2_folder().iterdir():
        if path.name.startswith("token") or path.suffix == ".jinja":
            shutil.copyfile(path, folder / path.name)
    return folder
