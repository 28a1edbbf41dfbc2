"""Models of real shapes with random weights, and work of real sizes: speed does not ask what a model knows."""

import random
from typing import Any

import torch
from torch import Tensor

from semoe.experts.settings import TrainingSettings
from semoe.models.config import parse_config
from semoe.models.decoder import Decoder
from semoe.models.sites import Site, projection_shapes, weight_name
from semoe.prompts.rendering import TrainingSequence

LLAMA_1B: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "max_position_embeddings": 131072,
}
"""Llama 3.2 1B."""
SMOLLM2_135M: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "max_position_embeddings": 2048,
}
PUBLISHED = TrainingSettings()
"""The published recipe: one pass over five sequences, one at a time, all tokens learnt."""
SEMOE = TrainingSettings(
    num_steps=24, batch_size=2, loss="answer", reduction="sequence", learning_rate=1e-3, weight_decay=0.0
)
"""The preset `semoe` as far as speed goes by it."""


def random_decoder(shape: dict[str, Any], dtype: torch.dtype, device: str, seed: int = 0) -> Decoder:
    """Returns a decoder of a shape; norms lie about 1, all else about 0."""
    config = parse_config(shape)
    generator = torch.Generator(device=device).manual_seed(seed)

    def drawn(*size: int, about: float = 0.0, spread: float = 0.02) -> Tensor:
        return (about + spread * torch.randn(*size, generator=generator, device=device)).to(dtype)

    embedding = drawn(config.vocab_size, config.hidden_size)
    weights = {"model.embed_tokens.weight": embedding, "lm_head.weight": embedding}
    weights["model.norm.weight"] = drawn(config.hidden_size, about=1.0, spread=0.1)
    for layer in range(config.num_hidden_layers):
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{name}.weight"] = drawn(config.hidden_size, about=1.0, spread=0.1)
        for module, size in projection_shapes(config).items():
            weights[f"{weight_name(Site(layer, module))}.weight"] = drawn(*size)
    return Decoder(config, weights)


def published_work(num_experts: int, vocab_size: int, seed: int = 0) -> list[list[TrainingSequence]]:
    """Five sequences an expert, of 213 tokens ± 15 %, as augmented passages of Wikipedia have."""
    chooser = random.Random(seed)
    return [[_sequence(chooser, vocab_size, (181, 245), None) for _ in range(5)] for _ in range(num_experts)]


def semoe_work(num_experts: int, vocab_size: int, seed: int = 0) -> list[list[TrainingSequence]]:
    """Nine or ten sequences an expert, of 60 tokens ± 20 %, of which the answer is learnt."""
    chooser = random.Random(seed)
    return [
        [_sequence(chooser, vocab_size, (48, 72), (3, 12)) for _ in range(chooser.choice((9, 10)))]
        for _ in range(num_experts)
    ]


def _sequence(
    chooser: random.Random, vocab_size: int, length: tuple[int, int], learnt: tuple[int, int] | None
) -> TrainingSequence:
    count = chooser.randint(*length)
    tokens = tuple(chooser.randrange(vocab_size) for _ in range(count))
    return TrainingSequence(tokens, 1 if learnt is None else count - chooser.randint(*learnt))
