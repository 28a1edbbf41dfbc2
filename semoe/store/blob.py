"""One expert as bytes: a safetensors file that carries its own record."""

from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from semoe.errors import CorruptError
from semoe.experts.layout import ExpertLayout
from semoe.store.record import HEADER_BYTES

FLOAT32_BYTES = 4
ALIGNMENT = 8


def tensor_file(layout: ExpertLayout, flat_N: Tensor, metadata: dict[str, str]) -> bytes:
    """Returns an expert as a safetensors file with PEFT's tensor names, float32, in the layout's order.

    Written here and not by the library, which copies each of a hundred tensors: the numbers lie in their order already,
    so a header before them is all that lacks. It is read by the library (`from_bytes`).
    """
    text = orjson.dumps({"__metadata__": {"format": "pt"} | metadata} | _places(layout))
    # Numbers begin at a multiple of their size: blanks behind the JSON are allowed.
    text += b" " * (-len(text) % ALIGNMENT)
    numbers = flat_N.to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False)
    return b"".join((len(text).to_bytes(HEADER_BYTES, "little"), text, numbers.data))


@lru_cache
def _places(layout: ExpertLayout) -> dict[str, Any]:
    """Returns where each tensor lies, as the header of an expert's file says it."""
    header: dict[str, Any] = {}
    at = 0
    for name, tensor in layout.split(torch.empty(layout.size, device="meta")).items():
        end = at + tensor.numel() * FLOAT32_BYTES
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    return header


def to_bytes(layout: ExpertLayout, flat_N: Tensor, record: dict[str, Any]) -> bytes:
    """Returns an expert and its record as one safetensors file."""
    return tensor_file(layout, flat_N, {"expert": orjson.dumps(record).decode()})


def from_bytes(layout: ExpertLayout, data: bytes) -> Tensor:
    """Returns the flat vector, [N] float32.

    Raises:
        CorruptError: not such a file, or another layout's tensors.
    """
    found = _in_one_piece(layout, data)
    if found is not None:
        return found
    try:
        return layout.join(load(data))
    except SafetensorError as error:
        raise CorruptError(f"These bytes are no expert ({error}). Train it again.", kind="corrupt") from error


def _in_one_piece(layout: ExpertLayout, data: bytes) -> Tensor | None:
    """Reads a file that `tensor_file` wrote: its numbers lie in their order. None: it is another one's."""
    start = HEADER_BYTES + int.from_bytes(data[:HEADER_BYTES], "little")
    if len(data) != start + FLOAT32_BYTES * layout.size:
        return None
    try:
        header = orjson.loads(data[HEADER_BYTES:start])
    except ValueError:
        return None
    if not isinstance(header, dict) or header | {"__metadata__": None} != _places(layout) | {"__metadata__": None}:
        return None
    return torch.from_numpy(np.frombuffer(data, "<f4", offset=start).astype(np.float32))
