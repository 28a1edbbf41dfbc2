"""What an expert says of itself, read from its bytes without its tensors."""

import math
from typing import Any

import orjson

from semoe.errors import CorruptError

HEADER_BYTES = 8
"""A safetensors file begins with the length of its JSON header, little-endian."""


def read_record(data: bytes) -> dict[str, Any]:
    """Returns the record that an expert carries; a loss that was not finite, null in JSON, is NaN.

    Raises:
        CorruptError: it carries none.
    """
    try:
        length = int.from_bytes(data[:HEADER_BYTES], "little")
        header = orjson.loads(data[HEADER_BYTES : HEADER_BYTES + length])
        record: dict[str, Any] = {} | orjson.loads(header["__metadata__"]["expert"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"These bytes are no expert ({error}). Train it again.", kind="corrupt") from error
    return record | ({"loss": math.nan} if record.get("loss", 0.0) is None else {})
