"""Which runner an engine gets: the kernels on a GPU that runs them, otherwise the plain one; the log says which."""

import logging
from collections.abc import Callable

from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.roads import why_no_float8, why_no_kernels_on, why_not_kernels
from semoe.experts.settings import Quantization
from semoe.generation.plain_runner import PlainRunner
from semoe.generation.runner import Runner
from semoe.models.decoder import Decoder

log = logging.getLogger(__name__)
GPU_ROWS = 512
"""Answered at once: fewer leave a GPU waiting for its memory."""


def runner_for(
    decoder: Decoder, layout: ExpertLayout | None, max_rows: int, quantization: Quantization = "none"
) -> Runner:
    """Returns the fastest runner that the device has.

    Args:
        decoder: the base model.
        layout: the experts' shape; None where no row has any.
        max_rows: rows answered at once.
        quantization: of the products with the base model's weights.

    Raises:
        UsageError: products in float8 are asked for, and cannot be had: answers would be others than those asked for.
    """
    reason = _why_not(decoder, layout)
    if quantization == "float8":
        _require_float8(reason or why_no_float8(decoder))
    if reason:
        if decoder.device.type == "cuda":
            log.info("Answering without kernels: %s", reason)
        return PlainRunner(decoder, layout, max_rows)
    # Imported here: Triton is there on GPUs alone.
    from semoe.generation.fused.runner import FusedRunner  # noqa: PLC0415

    return FusedRunner(decoder, layout, max_rows, quantization)


def _require_float8(reason: str | None) -> None:
    if reason:
        raise UsageError(
            f"--quantization float8 is for kernels on a GPU since Hopper with a model in bfloat16, and here {reason}. "
            "Leave it out; where a preset or a plan says it, answer with another.",
            kind="quantization",
        )


def _why_not(decoder: Decoder, layout: ExpertLayout | None) -> str | None:
    if decoder.device.type != "cuda":
        return f"the device is {decoder.device.type}"
    if decoder.config.rotates_by_length:
        return "the angles of this model's positions depend on how long a sequence is"
    return why_no_kernels_on(decoder.device) if layout is None else why_not_kernels(decoder, layout)


def rows_for(decoder: Decoder, layout: ExpertLayout | None, least: int) -> int:
    """Returns how many rows to answer at once: with kernels as many as keep a GPU busy, where its memory holds them."""
    return least if _why_not(decoder, layout) else max(least, GPU_ROWS)


def prepared_for(decoder: Decoder) -> Callable[[Tensor], Tensor]:
    """Returns what makes an expert ready to be brought to a decoder's device.

    On a GPU that is its type, in memory that the GPU can read while the host does something else.
    """
    if decoder.device.type != "cuda":
        return lambda flat_N: flat_N
    return lambda flat_N: flat_N.to(decoder.dtype).pin_memory()
