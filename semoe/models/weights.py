"""Reads a decoder's weights from safetensors, whole or sharded.

Every tensor of the files is used, or known not to matter, or refused by its name; every shape is checked.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.files import read_json
from semoe.models.config import ModelConfig
from semoe.models.float8 import unscaled
from semoe.models.identity import Lines, tensor_lines
from semoe.models.quantisation import quantisation_of
from semoe.models.sites import Site, projection_shapes, weight_name
from semoe.models.weight_files import weight_files
from semoe.words import counted

_NOT_USED = (
    "rotary_emb.inv_freq",
    *(".input_scale", ".output_scale", ".activation_scale", ".k_scale", ".v_scale", ".q_scale"),
)


class Weights(NamedTuple):
    """What a model folder holds."""

    tensors: dict[str, Tensor]
    """Under their Hugging Face names; `lm_head.weight` also where it is tied."""
    lines: Lines
    """What every tensor of the files is, for the model's digest."""


def load_weights(folder: Path, config: ModelConfig, dtype: torch.dtype, device: str) -> Weights:
    """Reads the weights, and hashes each tensor as it is read.

    Raises:
        UsageError: the folder holds no safetensors, or they are quantised in a way that is not read, or hold a tensor
            that the configuration has no place for.
        CorruptError: a file is damaged, or a tensor is missing or of another shape.
    """
    stored: dict[str, Tensor] = {}
    lines: dict[str, str] = {}
    scheme = quantisation_of(read_json(folder / "config.json"))
    for path in weight_files(folder):
        _load_file(path, stored, lines)
    stored = _under_full_names({name: tensor for name, tensor in stored.items() if not _matters_not(name)})
    loaded = unscaled(stored, scheme, dtype)
    if config.tie_word_embeddings:
        _tie(loaded)
    return Weights(_place(_checked(folder, loaded, config), dtype, device), lines)


def _checked(folder: Path, loaded: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Returns the tensors that the decoder uses, once all are there in their shapes and none is left over."""
    shapes = expected_shapes(config)
    for name, shape in shapes.items():
        if name not in loaded or tuple(loaded[name].shape) != shape:
            found = tuple(loaded[name].shape) if name in loaded else "nothing"
            raise CorruptError(f"{folder}: tensor {name} should be {shape}, found {found}.", kind="model-weights")
    if left := sorted(loaded.keys() - shapes.keys()):
        raise UsageError(
            f"{folder} holds {counted(len(left), 'tensor')} that a {config.model_type} of its config.json does not "
            f"use, such as {left[0]}: without them it would be another model. Check config.json, or give the "
            "checkpoint of a plain language model.",
            kind="model-weights",
        )
    return {name: loaded[name] for name in shapes}


def _matters_not(name: str) -> bool:
    """Whether a tensor changes nothing here.

    Old checkpoints hold the rotation speeds, which the configuration gives as well. Scales of activations and of a
    quantised cache belong to arithmetic in eight bits; here both stay as they are.
    """
    return name.endswith(_NOT_USED)


def _under_full_names(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """A decoder that was saved without its head has names that lack their first part."""
    if not stored or any(name.startswith("model.") for name in stored):
        return stored
    return {name if name.startswith("lm_head.") else f"model.{name}": tensor for name, tensor in stored.items()}


def _tie(loaded: dict[str, Tensor]) -> None:
    """Gives head and embeddings the one tensor that is there; two of them stay two, as in transformers."""
    head, embeddings = "lm_head.weight", "model.embed_tokens.weight"
    for one, other in ((head, embeddings), (embeddings, head)):
        if one not in loaded and other in loaded:
            loaded[one] = loaded[other]


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
