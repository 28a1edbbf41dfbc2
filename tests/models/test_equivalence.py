"""Our decoder computes what transformers computes, for every family and odd shape."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from transformers import AutoModelForCausalLM

from semoe.errors import UsageError
from semoe.models.attention import PackedAttention, by_products, positions_of
from semoe.models.dtypes import torch_device
from semoe.models.fused import rms_norm, rms_norm_reference, swiglu, swiglu_reference
from semoe.models.model import load_decoder
from semoe.models.rope import rotate, rotate_reference
from tests.tiny import FAMILIES, tiny_model_folder

LENGTHS = (1, 5, 17, 33)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_of_packed_sequences_equal_transformers(tmp_path: Path, family: str, tied: bool) -> None:
    folder = tiny_model_folder(tmp_path / "m", family, tied=tied)
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    ours = load_decoder(folder)
    generator = torch.Generator().manual_seed(1)
    tokens = [torch.randint(0, 97, (n,), generator=generator) for n in LENGTHS]
    with torch.no_grad():
        hidden = ours.hidden(torch.cat(tokens), positions_of(LENGTHS), PackedAttention(LENGTHS))
        expected = torch.cat([theirs(row[None]).logits[0] for row in tokens])
    torch.testing.assert_close(ours.logits(hidden), expected, rtol=1e-4, atol=1e-4)


def test_rms_norm_equals_its_reference_with_gradient() -> None:
    x, weight, dy = (
        torch.randn(7, 36, dtype=torch.float64),
        torch.rand(36).double(),
        torch.randn(7, 36).double(),
    )
    x = x.float()
    _same_with_gradients(
        lambda t: rms_norm(t, weight.float(), 1e-5),
        lambda t: rms_norm_reference(t, weight.float(), 1e-5),
        [x],
        dy.float(),
    )


def test_swiglu_equals_its_reference_with_gradients_over_many_blocks() -> None:
    gate, up = torch.randn(700, 1000), torch.randn(700, 1000)
    _same_with_gradients(swiglu, swiglu_reference, [gate, up], torch.randn(700, 1000))


def test_rotation_equals_its_reference_with_gradient() -> None:
    angles = torch.rand(7, 1, 3).repeat(1, 1, 2)
    _same_with_gradients(
        lambda t: rotate(t, angles.cos(), angles.sin()),
        lambda t: rotate_reference(t, angles.cos(), angles.sin()),
        [torch.randn(7, 2, 6)],
        torch.randn(7, 2, 6),
    )


def test_attention_by_products_equals_torch_with_gradients() -> None:
    _same_with_gradients(
        by_products,
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
        [torch.randn(2, 6, 9, 8), torch.randn(2, 3, 9, 8), torch.randn(2, 3, 9, 8)],
        torch.randn(2, 6, 9, 8),
    )


def test_attention_gives_no_gradient_across_sequences() -> None:
    attend = PackedAttention((3, 20, 3))
    q, k, v = (torch.randn(26, 2, 8, requires_grad=True) for _ in range(3))
    attend(0, q, k, v)[3:23].sum().backward()
    for x in (q, k, v):
        assert x.grad is not None
        outside = torch.cat((x.grad[:3], x.grad[23:]))
        assert not outside.any()
        assert x.grad[3:22].any()


def _same_with_gradients(fast, plain, inputs, dy) -> None:  # type: ignore[no-untyped-def]
    outputs, gradients = [], []
    for function in (fast, plain):
        leaves = [x.clone().requires_grad_() for x in inputs]
        y = function(*leaves)
        y.backward(dy)
        outputs.append(y.detach())
        gradients.append([leaf.grad for leaf in leaves])
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "tpu:0"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(UsageError, match="There are: auto, cpu"):
        torch_device(name)
    assert torch_device("cpu").type == "cpu"
