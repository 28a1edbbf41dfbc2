"""Checkpoints whose weights are stored in fewer bits: what their configuration says of it, and which are read.

Read are weights in eight-bit floating point with a scale beside each (`float8.py`). What only a library's own kernels
understand (packed integers, codebooks, four-bit floats) is refused by name, before gigabytes are read.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from semoe.errors import UsageError

READABLE = ("fp8", "fbgemm_fp8", "compressed-tensors", "modelopt")
"""Methods, as `quant_method` in config.json names them, that may store plain scaled float8 weights."""
CURE = "Give the model as it was before it was quantised, or save it in bfloat16 first."


class Float8(NamedTuple):
    """How a checkpoint's scales lie over its weights."""

    block: tuple[int, int] | None
    """Outputs and inputs that share a scale, where the configuration says so."""


def quantisation_of(config: Mapping[str, Any]) -> Float8 | None:
    """Returns how a `config.json` says that the weights are quantised; None where it says nothing.

    Raises:
        UsageError: by a method that is not read; the message names it.
    """
    section = config.get("quantization_config") or config.get("compression_config")
    if not section:
        return None
    method = str(section.get("quant_method") or "of no name") if isinstance(section, Mapping) else "of no name"
    if method not in READABLE:
        raise _refused(method)
    if method == "compressed-tensors":
        return _compressed_tensors(section)
    if method == "modelopt" and section.get("quant_algo") != "FP8":
        raise _refused(f"{method} ({section.get('quant_algo')})")
    return Float8(_block(section.get("weight_block_size")))


def _compressed_tensors(section: Mapping[str, Any]) -> Float8:
    groups = [group.get("weights") or {} for group in (section.get("config_groups") or {}).values()]
    plain = section.get("format") in ("float-quantized", "naive-quantized", None)
    if not plain or not groups or any((one.get("type"), one.get("num_bits")) != ("float", 8) for one in groups):
        raise _refused(f"compressed-tensors ({section.get('format')})")
    blocks = {_block(one.get("block_structure")) for one in groups}
    return Float8(blocks.pop() if len(blocks) == 1 else None)


def _block(found: Any) -> tuple[int, int] | None:
    if isinstance(found, list) and len(found) == len(("outputs", "inputs")):
        return int(found[0]), int(found[1])
    return None


def _refused(method: str) -> UsageError:
    return UsageError(
        f"The model is quantised (quantization_config in its config.json: {method}), which is not read; weights in "
        f"float8 with plain scales are. {CURE} If its weights are plain already, remove that section.",
        kind="model-quantised",
    )
