"""The base model: one decoder for four families, its weights and tokenizer."""

from semoe.models.attention import PackedAttention, positions_of
from semoe.models.config import ModelConfig
from semoe.models.decoder import Decoder, Linear, Site
from semoe.models.model import Model, load_decoder, load_model
from semoe.models.names import resolve_model
from semoe.models.tokenizer import Tokenizer

__all__ = [
    "Decoder",
    "Linear",
    "Model",
    "ModelConfig",
    "PackedAttention",
    "Site",
    "Tokenizer",
    "load_decoder",
    "load_model",
    "positions_of",
    "resolve_model",
]
