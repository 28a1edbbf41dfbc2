"""Matrix products with the base model's weights, into buffers that are there already.

M rows   O, I outputs and inputs of a product   V vocabulary   D hidden size   K, N inputs and outputs of one in float8
"""

import torch
from torch import Tensor

from semoe.experts.fused.weights import BaseWeights, Product
from semoe.kernels.cross_entropy import cross_entropy, cross_entropy_float8
from semoe.kernels.float8 import quantise_rows, quantised, scaled_rows


class Products:
    """All in the model's own type, forward and backward."""

    name = "the model's own type"

    def forward(self, x_MI: Tensor, product: Product, y_MO: Tensor) -> None:
        """Fills y = x W^T + bias."""
        if product.bias_O is None:
            torch.mm(x_MI, product.weight_OI.T, out=y_MO)
        else:
            torch.addmm(product.bias_O, x_MI, product.weight_OI.T, out=y_MO)

    def backward(self, dy_MO: Tensor, product: Product, dx_MI: Tensor) -> None:
        """Fills dx = dy W."""
        torch.mm(dy_MO, product.weight_OI, out=dx_MI)

    def prepare(self, weights: BaseWeights) -> None:
        """Makes what is kept of the weights besides them."""

    def learn(
        self, logits_MV: Tensor, labels_M: Tensor, weights_M: Tensor, head: Product, losses_M: Tensor, dh_MD: Tensor
    ) -> None:
        """Fills each token's weighted loss, and the gradient of the rows that the head read; logits are lost."""
        cross_entropy(logits_MV, labels_M, weights_M, losses_M)
        self.backward(logits_MV, head, dh_MD)


class Float8Normed(Products):
    """Forward products of rows that a norm has made (queries, keys, values, gate and up) in float8.

    They are two thirds of the work. Their rows have no few large numbers among many small ones; those that `o_proj` and
    `down_proj` read have, and would lose more than is won. A row and each output of a weight have a scale of their own.
    """

    name = "float8 behind norms, the rest in the model's own type"

    def __init__(self) -> None:
        self._weights: dict[int, tuple[Tensor, Tensor]] = {}

    def prepare(self, weights: BaseWeights) -> None:
        """Quantises those weights, which are kept beside the model's own."""
        for layer in weights.layers:
            for product in (layer.qkv, layer.gate_up):
                self._weights[product.weight_OI.data_ptr()] = scaled_rows(product.weight_OI.T)

    def forward(self, x_MI: Tensor, product: Product, y_MO: Tensor) -> None:
        """As in `Products`."""
        found = self._weights.get(product.weight_OI.data_ptr())
        if found is None:
            super().forward(x_MI, product, y_MO)
            return
        rows_MI, scales_M = quantised(x_MI)
        _multiply(rows_MI, scales_M, *found, y_MO)
        if product.bias_O is not None:
            y_MO += product.bias_O


class Float8Head(Products):
    """The head's backward product in float8, the largest of all products; the label's own term is exact."""

    name = "the model's own type, the head's gradient in float8"

    def __init__(self) -> None:
        self._weights: dict[int, tuple[Tensor, Tensor]] = {}
        self._room = torch.empty(0, dtype=torch.float8_e4m3fn)

    def prepare(self, weights: BaseWeights) -> None:
        """Quantises the head."""
        self._quantised(weights.head)

    def learn(
        self, logits_MV: Tensor, labels_M: Tensor, weights_M: Tensor, head: Product, losses_M: Tensor, dh_MD: Tensor
    ) -> None:
        """As in `Products`."""
        shares_MV = self._rows(logits_MV)
        scales_M = torch.empty_like(weights_M)
        cross_entropy_float8(logits_MV, labels_M, weights_M, losses_M, shares_MV, scales_M)
        _multiply(shares_MV, scales_M, *self._quantised(head), dh_MD)
        dh_MD.addcmul_(head.weight_OI[labels_M], weights_M[:, None].to(dh_MD.dtype), value=-1)

    def _rows(self, like_MW: Tensor) -> Tensor:
        """Room for float8 rows of a shape."""
        if self._room.numel() < like_MW.numel() or self._room.device != like_MW.device:
            self._room = torch.empty(like_MW.numel(), dtype=torch.float8_e4m3fn, device=like_MW.device)
        return self._room[: like_MW.numel()].view(like_MW.shape)

    def _quantised(self, product: Product) -> tuple[Tensor, Tensor]:
        place = product.weight_OI.data_ptr()
        if place not in self._weights:
            self._weights[place] = scaled_rows(product.weight_OI)
        return self._weights[place]


class Float8Backward(Float8Head):
    """All backward products in float8; the forward pass, and so the loss, stays as it is."""

    name = "the model's own type, gradients in float8"

    def prepare(self, weights: BaseWeights) -> None:
        """Quantises what the backward pass multiplies by."""
        super().prepare(weights)
        for layer in weights.layers:
            for product in (layer.qkv, layer.output, layer.gate_up, layer.down):
                self._quantised(product)

    def backward(self, dy_MO: Tensor, product: Product, dx_MI: Tensor) -> None:
        """As in `Products`."""
        rows_MO = self._rows(dy_MO)
        scales_M = torch.empty(len(dy_MO), device=dy_MO.device)
        quantise_rows(dy_MO, rows_MO, scales_M)
        _multiply(rows_MO, scales_M, *self._quantised(product), dx_MI)


def _multiply(rows_MK: Tensor, scales_M: Tensor, weight_NK: Tensor, scale_1N: Tensor, out_MN: Tensor) -> None:
    # Fast sums keep fewer digits on their way: answers were no better with all of them, and 4 % slower.
    torch._scaled_mm(
        rows_MK,
        weight_NK.T,
        scale_a=scales_M[:, None],
        scale_b=scale_1N,
        out_dtype=out_MN.dtype,
        use_fast_accum=True,
        out=out_MN,
    )
