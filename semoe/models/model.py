"""A base model ready for use: decoder and tokenizer of one folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from semoe.models.config import read_config
from semoe.models.decoder import Decoder
from semoe.models.dtypes import torch_device
from semoe.models.identity import model_digest
from semoe.models.names import resolve_model
from semoe.models.tokenizer import Tokenizer
from semoe.models.weights import load_weights


@dataclass(frozen=True)
class Model:
    """A loaded base model."""

    name: str
    """As the user gave it."""
    folder: Path
    decoder: Decoder
    tokenizer: Tokenizer
    digest: str
    """Of all that decides what it computes; see `identity`."""


def load_decoder(folder: Path, *, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Decoder:
    """Loads the decoder of a model folder."""
    config = read_config(folder)
    return Decoder(config, load_weights(folder, config, dtype, str(torch_device(device))).tensors)


def load_model(
    name_or_path: str,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "auto",
    template_arguments: Mapping[str, Any] | None = None,
) -> Model:
    """Loads a model by folder, short name or hub name.

    Args:
        name_or_path: which one.
        dtype: of weights and activations.
        device: where it computes; `auto` is the GPU where there is one.
        template_arguments: values for its chat template, such as `enable_thinking`.

    Raises:
        UsageError: no such model, or a folder without weights.
        TransientError: the hub cannot be reached.
        CorruptError: the weights are damaged.

    Example:
        >>> import semoe
        >>> model = semoe.load_model("smollm2", device="cpu")
        >>> model.decoder.config.num_hidden_layers, model.tokenizer.decode(model.tokenizer.encode("Turku"))
        (30, 'Turku')
    """
    folder = resolve_model(name_or_path)
    config = read_config(folder)
    tokenizer = Tokenizer(
        folder, config.eos_token_ids, num_embeddings=config.vocab_size, template_arguments=template_arguments
    )
    weights = load_weights(folder, config, dtype, str(torch_device(device)))
    return Model(
        name=name_or_path,
        folder=folder,
        decoder=Decoder(config, weights.tensors),
        tokenizer=tokenizer,
        digest=model_digest(weights.lines, folder, config, tokenizer.changes()),
    )
