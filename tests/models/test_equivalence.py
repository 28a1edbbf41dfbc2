"""Our decoder computes what transformers computes, for every family and odd shape."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from semoe.models import PackedAttention, load_decoder, positions_of
from semoe.models.fused import rms_norm, rms_norm_reference, swiglu, swiglu_reference
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
