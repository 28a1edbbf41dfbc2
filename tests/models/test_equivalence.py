"""Our decoder computes what transformers computes, for every family and odd shape."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from transformers import AutoModelForCausalLM

from semoe.errors import UsageError
from semoe.models import attention
from semoe.models.attention import PackedAttention, by_products, lengths_of, positions_of
from semoe.models.config import parse_config
from semoe.models.decoder import Decoder
from semoe.models.dtypes import torch_device
from semoe.models.fused import gated, gated_reference, rms_norm, rms_norm_reference
from semoe.models.model import load_decoder
from semoe.models.rope import rotate, rotate_reference
from tests.tiny import FAMILIES, tiny_model, tiny_model_folder

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
        hidden = ours.hidden(
            torch.cat(tokens), positions_of(LENGTHS), PackedAttention(LENGTHS), lengths_T=lengths_of(LENGTHS)
        )
        expected = torch.cat([theirs(row[None]).logits[0] for row in tokens])
    torch.testing.assert_close(ours.logits(hidden), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("unit_offset", [False, True])
def test_rms_norm_equals_its_reference_with_gradient(unit_offset: bool) -> None:
    weight = torch.rand(36)
    _same_with_gradients(
        lambda t: rms_norm(t, weight, 1e-5, unit_offset=unit_offset),
        lambda t: rms_norm_reference(t, weight, 1e-5, unit_offset=unit_offset),
        [torch.randn(7, 36)],
        torch.randn(7, 36),
    )


@pytest.mark.parametrize("hidden_act", ["silu", "gelu_pytorch_tanh"])
def test_a_gated_product_equals_its_reference_with_gradients_over_many_blocks(hidden_act: str) -> None:
    _same_with_gradients(
        lambda gate, up: gated(gate, up, hidden_act),
        lambda gate, up: gated_reference(gate, up, hidden_act),
        [torch.randn(700, 1000), torch.randn(700, 1000)],
        torch.randn(700, 1000),
    )


@pytest.mark.parametrize("unit_offset", [False, True])
def test_rms_norm_rounds_where_its_reference_does(unit_offset: bool) -> None:
    x, weight = torch.randn(70, 36).bfloat16(), torch.rand(36).bfloat16()
    fast, plain = (
        norm(x.clone().requires_grad_(), weight, 1e-5, unit_offset=unit_offset)
        for norm in (rms_norm, rms_norm_reference)
    )
    assert (fast != plain).float().mean() < 0.01


def test_gemmas_embedding_and_norms_round_as_in_transformers() -> None:
    """Bit for bit: what the layers add is made nothing, so that nothing else differs."""
    theirs = tiny_model("gemma3").bfloat16()
    for name, parameter in theirs.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            parameter.zero_()
    ours, tokens = Decoder(parse_config(theirs.config.to_dict()), dict(theirs.state_dict())), torch.arange(97)
    expected = theirs.model(tokens[None]).last_hidden_state[0]
    assert torch.equal(ours.hidden(tokens, positions_of([97]), PackedAttention([97])), expected)


@pytest.mark.parametrize("window", [None, 5])
def test_attention_in_bfloat16_is_that_in_float32_rounded(window: int | None) -> None:
    q, k, v = torch.randn(30, 4, 8), torch.randn(30, 2, 8), torch.randn(30, 2, 8)
    attend = PackedAttention((20, 10))
    rounded = attend(0, q.bfloat16(), k.bfloat16(), v.bfloat16(), window, 0.6)
    torch.testing.assert_close(rounded.float(), attend(0, q, k, v, window, 0.6), rtol=0.05, atol=0.05)


def test_rotation_equals_its_reference_with_gradient() -> None:
    angles = torch.rand(7, 1, 3).repeat(1, 1, 2)
    _same_with_gradients(
        lambda t: rotate(t, angles.cos(), angles.sin()),
        lambda t: rotate_reference(t, angles.cos(), angles.sin()),
        [torch.randn(7, 2, 6)],
        torch.randn(7, 2, 6),
    )


@pytest.mark.parametrize("window", [None, 1, 4, 8])
def test_attention_by_products_equals_torch_with_gradients(window: int | None) -> None:
    seen = torch.tensor([[i - (window or 9) < j <= i for j in range(9)] for i in range(9)])
    _same_with_gradients(
        lambda q, k, v: by_products(q, k, v, window, 0.3),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=True, scale=0.3),
        [torch.randn(2, 6, 9, 8), torch.randn(2, 3, 9, 8), torch.randn(2, 3, 9, 8)],
        torch.randn(2, 6, 9, 8),
    )


@pytest.mark.parametrize("lengths", [(3, 20, 5, 6), (16, 17), (4,), (40, 1, 33)])
def test_packed_attention_in_a_window_equals_each_sequence_alone(lengths: tuple[int, ...]) -> None:
    """Also where padding reaches past the window and no sequence does."""

    def alone(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        parts = []
        for one in zip(*(x.transpose(0, 1).split(lengths, dim=1) for x in (q, k, v)), strict=True):
            seen = torch.tensor([[i - 5 < j <= i for j in range(one[0].shape[1])] for i in range(one[0].shape[1])])
            parts.append(F.scaled_dot_product_attention(*one, attn_mask=seen, enable_gqa=True, scale=0.3))
        return torch.cat(parts, dim=1).transpose(0, 1)

    packed, total = PackedAttention(lengths), sum(lengths)
    _same_with_gradients(
        lambda q, k, v: packed(0, q, k, v, 5, 0.3),
        alone,
        [torch.randn(total, 4, 8), torch.randn(total, 2, 8), torch.randn(total, 2, 8)],
        torch.randn(total, 4, 8),
    )


def test_sequences_within_the_window_take_the_path_without_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_mask(length: int, window: int | None, device: torch.device) -> Tensor:
        raise AssertionError("a mask was made")

    monkeypatch.setattr(attention, "hidden_places", no_mask)
    q = torch.randn(18, 2, 8)
    torch.testing.assert_close(PackedAttention((5, 13))(0, q, q, q, 13), PackedAttention((5, 13))(0, q, q, q))
    with pytest.raises(AssertionError, match="a mask was made"):
        PackedAttention((5, 13))(0, q, q, q, 12)


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
