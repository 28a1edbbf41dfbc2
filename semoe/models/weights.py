"""Reads a decoder's weights from safetensors, whole or sharded, and checks every shape."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.files import read_json
from semoe.models.config import ModelConfig
from semoe.models.decoder import Site, projection_shapes, weight_name

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def load_weights(folder: Path, config: ModelConfig, dtype: torch.dtype, device: str) -> dict[str, Tensor]:
    """Returns the weights under their Hugging Face names; `lm_head.weight` also where it is tied.

    Raises:
        UsageError: the folder holds no safetensors.
        CorruptError: a file is damaged, or a tensor is missing or of another shape.
    """
    loaded: dict[str, Tensor] = {}
    for path in _files(folder):
        try:
            loaded |= load_file(path)
        except SafetensorError as error:
            raise CorruptError(f"{path} is damaged ({error}). Download it again.", kind="corrupt") from error
    if config.tie_word_embeddings:
        loaded.setdefault("lm_head.weight", loaded.get("model.embed_tokens.weight", torch.empty(0)))
    shapes = expected_shapes(config)
    for name, shape in shapes.items():
        if name not in loaded or tuple(loaded[name].shape) != shape:
            found = tuple(loaded[name].shape) if name in loaded else "nothing"
            raise CorruptError(f"{folder}: tensor {name} should be {shape}, found {found}.", kind="model-weights")
    return _place({name: loaded[name] for name in shapes}, dtype, device)


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
        shapes |= {f"model.layers.{layer}.{norm}.weight": (d,) for norm in norms}
        if config.qk_norm:
            shapes |= {f"model.layers.{layer}.self_attn.{n}_norm.weight": (config.head_dim,) for n in "qk"}
    return shapes


def _files(folder: Path) -> list[Path]:
    if (folder / INDEX).exists():
        names = sorted(set(read_json(folder / INDEX)["weight_map"].values()))
        return [folder / Path(name).name for name in names]
    if (folder / WHOLE).exists():
        return [folder / "model.safetensors"]
    pickled = (
        " Its pickled weights are never loaded: convert them to safetensors." if list(folder.glob("*.bin")) else ""
    )
    raise UsageError(f"{folder} holds no {WHOLE} and no {INDEX}.{pickled}", kind="model-weights")


def _place(weights: dict[str, Tensor], dtype: torch.dtype, device: str) -> dict[str, Tensor]:
    placed: dict[int, Tensor] = {}
    # A tied head stays one tensor: the same storage is converted once.
    return {
        name: placed.setdefault(tensor.data_ptr(), tensor.to(device=device, dtype=dtype).contiguous())
        for name, tensor in weights.items()
    }
