"""One expert as bytes: a safetensors file that carries its own record."""

from typing import Any

import orjson
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from semoe.errors import CorruptError
from semoe.experts.layout import ExpertLayout


def tensor_file(layout: ExpertLayout, flat_N: Tensor, metadata: dict[str, str]) -> bytes:
    """Returns an expert as a safetensors file with PEFT's tensor names, float32."""
    tensors = {name: tensor.contiguous().clone() for name, tensor in layout.split(flat_N.float()).items()}
    made: bytes = save(tensors, metadata={"format": "pt"} | metadata)
    return made


def to_bytes(layout: ExpertLayout, flat_N: Tensor, record: dict[str, Any]) -> bytes:
    """Returns an expert and its record as one safetensors file."""
    return tensor_file(layout, flat_N, {"expert": orjson.dumps(record).decode()})


def from_bytes(layout: ExpertLayout, data: bytes) -> Tensor:
    """Returns the flat vector, [N] float32.

    Raises:
        CorruptError: not such a file, or another layout's tensors.
    """
    try:
        return layout.join(load(data))
    except SafetensorError as error:
        raise CorruptError(f"These bytes are no expert ({error}). Train it again.", kind="corrupt") from error
