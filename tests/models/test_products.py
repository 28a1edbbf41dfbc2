"""Products of the base model's weights are the same, whichever library computes them."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from semoe.models import products
from semoe.models.products import linear, linear_backward, prefers_onednn, takes_onednn_for_few

WIDE = 300


@pytest.fixture(params=["0", "1"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SEMOE_ONEDNN", request.param)
    prefers_onednn.cache_clear()
    yield request.param
    prefers_onednn.cache_clear()


def drawn(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(sum(size)))


@pytest.mark.parametrize("num_rows", [1, 3, 40])
@pytest.mark.parametrize("has_bias", [False, True])
def test_a_product_and_its_gradient_are_torchs(library: str, num_rows: int, has_bias: bool) -> None:
    assert prefers_onednn() == (library == "1")
    x_TI, weight_OI = drawn(num_rows, WIDE).requires_grad_(), drawn(2 * WIDE, WIDE)
    bias_O = drawn(2 * WIDE) if has_bias else None
    ours, theirs = linear(x_TI, weight_OI, bias_O), F.linear(x_TI, weight_OI, bias_O)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    dy_TO = drawn(num_rows, 2 * WIDE)
    (our_gradient,), (their_gradient,) = (torch.autograd.grad(y, x_TI, dy_TO) for y in (ours, theirs))
    torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(linear_backward(dy_TO, weight_OI), their_gradient, rtol=1e-5, atol=1e-3)


def test_rows_of_a_larger_matrix_need_not_be_copied(library: str) -> None:
    x_TI, weight_OI = drawn(9, 2 * WIDE)[2:7, :WIDE], drawn(WIDE, WIDE)
    torch.testing.assert_close(linear(x_TI, weight_OI), F.linear(x_TI, weight_OI), rtol=1e-5, atol=1e-4)
    assert linear(x_TI[:0], weight_OI).shape == (0, WIDE)


def test_weights_that_learn_get_their_gradient(library: str) -> None:
    weight_OI = drawn(WIDE, WIDE).requires_grad_()
    linear(drawn(3, WIDE), weight_OI).sum().backward()
    assert weight_OI.grad is not None


def test_other_types_are_torchs_own(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_onednn", None)
    x_TI, weight_OI = drawn(3, WIDE).bfloat16(), drawn(WIDE, WIDE).bfloat16()
    assert torch.equal(linear(x_TI, weight_OI), F.linear(x_TI, weight_OI))
    assert torch.equal(linear_backward(x_TI, weight_OI), x_TI @ weight_OI)


def test_where_torch_no_longer_offers_it_its_own_product_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        raise AttributeError("no such operator")

    monkeypatch.setenv("SEMOE_ONEDNN", "1")
    monkeypatch.setattr(products, "_onednn", gone)
    prefers_onednn.cache_clear()
    assert not prefers_onednn()
    prefers_onednn.cache_clear()


def test_a_cpu_that_is_not_amds_keeps_torchs_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEMOE_ONEDNN", raising=False)
    monkeypatch.setattr(products, "_is_amd", lambda: False)
    prefers_onednn.cache_clear()
    assert not prefers_onednn()
    prefers_onednn.cache_clear()


@pytest.mark.parametrize(("num_rows", "outputs", "expected"), [(3, 8192, 0), (4, 8192, 1), (15, 8192, 1), (15, 64, 0)])
def test_elsewhere_few_rows_of_large_weights_are_onednns(
    monkeypatch: pytest.MonkeyPatch, num_rows: int, outputs: int, expected: int
) -> None:
    monkeypatch.delenv("SEMOE_ONEDNN", raising=False)
    monkeypatch.setattr(products, "prefers_onednn", lambda: False)
    monkeypatch.setattr(products, "takes_onednn_for_few", lambda: True)
    taken: list[int] = []
    own = products._onednn
    monkeypatch.setattr(products, "_onednn", lambda *parts: taken.append(1) or own(*parts))
    x_TI, weight_OI = torch.randn(num_rows, 1024), torch.randn(outputs, 1024)
    torch.testing.assert_close(linear(x_TI, weight_OI), F.linear(x_TI, weight_OI), atol=1e-3, rtol=1e-4)
    assert len(taken) == expected


def test_zero_keeps_few_rows_torchs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMOE_ONEDNN", "0")
    takes_onednn_for_few.cache_clear()
    assert not takes_onednn_for_few()
    takes_onednn_for_few.cache_clear()
