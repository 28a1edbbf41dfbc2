"""No figure on red: before anything is timed, the kernels' gradients are held to float32."""

import torch

from benchmarks.gpu.work import Row, setting_of
from semoe.experts.autograd import losses_and_gradients
from semoe.experts.base_weight import base_weight
from semoe.experts.fused.products import Float8Backward, Float8Head
from semoe.experts.fused.road import FusedRoad
from semoe.experts.grouped import grouped_linear
from semoe.experts.packing import pack
from semoe.models.decoder import Decoder


def check() -> dict[str, float]:
    """Returns the relative errors of an expert's gradient against float32: plain bfloat16, ours, ours in float8.

    Raises:
        SystemExit: ours is less exact than plain bfloat16 under autograd, or float8 than three times that.
    """
    setting = setting_of(Row(name="check", what="", num_experts=4))
    decoder, layout, settings = setting.decoder, setting.layout, setting.settings
    exact = Decoder(decoder.config, {name: weight.float() for name, weight in decoder.weights.items()})
    stack_EN = base_weight(layout).cuda().repeat(4, 1)
    stack_EN += 0.002 * torch.randn(stack_EN.shape, device="cuda", generator=torch.Generator("cuda").manual_seed(1))
    packed = pack([(own[0],) for own in setting.work], settings)

    def by_autograd(model: Decoder) -> torch.Tensor:
        grads_EN = torch.zeros_like(stack_EN)
        there = packed.to(stack_EN.device)
        losses_and_gradients(model, grouped_linear(layout, stack_EN, grads_EN, there.segments), there)
        return grads_EN

    def by_kernels(products: Float8Head) -> torch.Tensor:
        stack = FusedRoad(decoder, layout, stack_EN[0], settings, products).stack(4, len(packed.tokens_T))
        stack.begin(stack_EN)
        stack.losses_and_gradients(packed)
        return stack.gradients()

    expected_EN = by_autograd(exact)
    found = {
        "plain bfloat16": by_autograd(decoder),
        "kernels": by_kernels(Float8Head()),
        "kernels, float8 backward": by_kernels(Float8Backward()),
    }
    errors = {name: float((one - expected_EN).norm() / expected_EN.norm()) for name, one in found.items()}
    plain = errors["plain bfloat16"]
    if errors["kernels"] > plain or errors["kernels, float8 backward"] > 3 * plain:
        raise SystemExit(f"the kernels are wrong: no figure is printed. Errors against float32: {errors}")
    return errors
