"""Which road trains: the kernels on a GPU that runs them, otherwise autograd; the log says which and why."""

import importlib.util
import logging
import os
from functools import cache

import torch
from torch import Tensor

from semoe.experts.autograd import AutogradRoad
from semoe.experts.layout import ExpertLayout
from semoe.experts.road import Road
from semoe.experts.settings import TrainingSettings
from semoe.models.decoder import Decoder
from semoe.models.dtypes import current_device
from semoe.models.sites import projection_shapes

log = logging.getLogger(__name__)
MLP = frozenset(("gate_proj", "up_proj", "down_proj"))
HIGHEST_RANK = 16
"""Above it an expert's numbers do not fit a kernel's registers."""
OLDEST = (8, 0)
"""Compute capability of the first GPUs with bfloat16 products."""
PROBED = 0.75
"""1 · decay − rate · mean / (√square / root + eps), with a mean and a square of 1."""
FLOAT8 = (9, 0)
"""Of the first with row-scaled float8 products in torch."""
GROUP = 16
"""Numbers of float8 that tensor cores take at once."""


def road_for(decoder: Decoder, layout: ExpertLayout, base_N: Tensor, settings: TrainingSettings) -> Road:
    """Returns the fastest road that the device has.

    Args:
        decoder: the frozen base model.
        layout: the experts' shape.
        base_N: the base weight that every expert starts from.
        settings: the recipe.
    """
    if decoder.device.type != "cuda":
        return AutogradRoad(decoder, layout, base_N, settings)
    reason = why_not_kernels(decoder, layout)
    road = AutogradRoad(decoder, layout, base_N, settings) if reason else _kernels(decoder, layout, base_N, settings)
    log.info("Training by %s%s.", road.name, f": {reason}" if reason else "")
    return road


def why_not_kernels(decoder: Decoder, layout: ExpertLayout) -> str | None:
    """Returns why the kernels cannot train these experts on this device; None where they can."""
    others = sorted(set(layout.lora.target_modules) - MLP)
    if others:
        return f"the kernels know experts of the MLP, and target_modules names {', '.join(others)}"
    if layout.lora.rank > HIGHEST_RANK:
        return f"the kernels know ranks up to {HIGHEST_RANK}, and lora_rank is {layout.lora.rank}"
    return why_no_kernels_on(decoder.device)


def why_no_kernels_on(device: torch.device) -> str | None:
    """Returns why a GPU trains nothing by kernels; None where it does."""
    if os.environ.get("SEMOE_KERNELS") == "0":
        return "SEMOE_KERNELS is 0"
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed (pip install 'semoe[gpu]')"
    if torch.version.hip or torch.cuda.get_device_capability(device) < OLDEST:
        name = torch.cuda.get_device_name(device)
        return f"the kernels are for NVIDIA's GPUs since Ampere, and this is {name}"
    return _why_triton_fails(device)


@cache
def _why_triton_fails(device: torch.device) -> str | None:
    """Runs the smallest kernel: Triton compiles with a C compiler, for which nobody has asked until now."""
    import triton  # noqa: PLC0415

    from semoe.kernels.adamw import adamw  # noqa: PLC0415

    if triton.knobs.runtime.interpret:
        return "Triton interprets kernels on the CPU (TRITON_INTERPRET is set)"
    try:
        with current_device(device):
            one = torch.ones(1, device=device)
            adamw(one, one.clone(), one.clone(), one.clone(), decay=1.0, rate=0.5, root=1.0, betas=(0.5, 0.5), eps=1.0)
            found = float(one)
    except torch.OutOfMemoryError:
        raise  # the batch says what can be done
    except Exception as error:
        said = next(iter(str(error).strip().splitlines()), "")
        return f"Triton does not run here ({type(error).__name__}: {said})"
    return None if found == PROBED else f"Triton computes {found} here where {PROBED} is right"


def _kernels(decoder: Decoder, layout: ExpertLayout, base_N: Tensor, settings: TrainingSettings) -> Road:
    # Imported here: Triton is there on GPUs alone.
    from semoe.experts.fused.products import Float8Backward, Float8Head, Products  # noqa: PLC0415
    from semoe.experts.fused.road import FusedRoad  # noqa: PLC0415

    if reason := why_no_float8(decoder, decoder.config.vocab_size):
        if settings.backward == "float8":
            log.warning("Products stay in %s: %s.", decoder.dtype, reason)
        return FusedRoad(decoder, layout, base_N, settings, Products())
    products = Float8Backward() if settings.backward == "float8" else Float8Head()
    return FusedRoad(decoder, layout, base_N, settings, products)


def why_no_float8(decoder: Decoder, *others: int) -> str | None:
    """Returns why a GPU does not multiply by the layers' weights in float8, or by others'; None where it does.

    Args:
        decoder: the base model.
        others: widths of other products that would be in float8.
    """
    if decoder.dtype != torch.bfloat16:
        return f"the model's weights are {str(decoder.dtype).removeprefix('torch.')}, and float8 is for bfloat16"
    if torch.cuda.get_device_capability(decoder.device) < FLOAT8:
        return f"float8 is for NVIDIA's GPUs since Hopper, and this is {torch.cuda.get_device_name(decoder.device)}"
    widths = {size for shape in projection_shapes(decoder.config).values() for size in shape}
    if any(width % GROUP for width in widths.union(others)):
        return f"tensor cores take float8 in groups of {GROUP}, and not all of the model's widths are multiples of it"
    return None
