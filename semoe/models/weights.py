"""Reads a decoder's weights from safetensors, whole or sharded, and checks every shape."""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semoe.errors import CorruptError
from semoe.models.config import ModelConfig
from semoe.models.identity import Lines, tensor_lines
from semoe.models.sites import Site, projection_shapes, weight_name
from semoe.models.weight_files import weight_files


class Weights(NamedTuple):
    """What a model folder holds."""

    tensors: dict[str, Tensor]
    """Under their Hugging Face names; `lm_head.weight` also where it is tied."""
    lines: Lines
    """What every tensor of the files is, for the model's digest."""


def load_weights(folder: Path, config: ModelConfig, dtype: torch.dtype, device: str) -> Weights:
    """Reads the weights, and hashes each tensor as it is read.

    Raises:
        UsageError: the folder holds no safetensors.
        CorruptError: a file is damaged, or a tensor is missing or of another shape.
    """
    loaded: dict[str, Tensor] = {}
    lines: dict[str, str] = {}
    for path in weight_files(folder):
        _load_file(path, loaded, lines)
    if config.tie_word_embeddings:
        loaded.setdefault("lm_head.weight", loaded.get("model.embed_tokens.weight", torch.empty(0)))
    shapes = expected_shapes(config)
    for name, shape in shapes.items():
        if name not in loaded or tuple(loaded[name].shape) != shape:
            found = tuple(loaded[name].shape) if name in loaded else "nothing"
            raise CorruptError(f"{folder}: tensor {name} should be {shape}, found {found}.", kind="model-weights")
    return Weights(_place({name: loaded[name] for name in shapes}, dtype, device), lines)


def _load_file(path: Path, loaded: dict[str, Tensor], lines: dict[str, str]) -> None:
    try:
        with safe_open(path, framework="pt") as file:
            for name, line in tensor_lines(path):
                loaded[name] = file.get_tensor(name)
                lines[name] = line
    except SafetensorError as error:
        raise CorruptError(f"{path} is damaged ({error}). Download it again.", kind="corrupt") from error


def expected_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Returns the name and shape of every weight that the decoder uses."""
    d = config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config.vocab_size, d),
        "lm_head.weight": (config.vocab_size, d),
        "model.norm.weight": (d,),
    }
    biased = {
        "q_proj": config.attention_bias, "k_proj": config.attention_bias, "v_proj": config.attention_bias,
        "o_proj": config.output_bias,
        "gate_proj": config.mlp_bias, "up_proj": config.mlp_bias, "down_proj": config.mlp_bias,
    }  # fmt: skip
    for layer in range(config.num_hidden_layers):
        for module, (outputs, inputs) in projection_shapes(config).items():
            name = weight_name(Site(layer, module))
            shapes[f"{name}.weight"] = (outputs, inputs)
            if biased[module]:
                shapes[f"{name}.bias"] = (outputs,)
        norms = ["input_layernorm", "post_attention_layernorm"]
        if config.sandwich_norm:
            norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        shapes |= {f"model.layers.{layer}.{norm}.weight": (d,) for norm in norms}
        if config.qk_norm:
            shapes |= {f"model.layers.{layer}.self_attn.{n}_norm.weight": (config.head_dim,) for n in "qk"}
    return shapes


def _place(weights: dict[str, Tensor], dtype: torch.dtype, device: str) -> dict[str, Tensor]:
    placed: dict[int, Tensor] = {}
    # A tied head stays one tensor: the same storage is converted once.
    return {
        name: placed.setdefault(tensor.data_ptr(), tensor.to(device=device, dtype=dtype).contiguous())
        for name, tensor in weights.items()
    }
