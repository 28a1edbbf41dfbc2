"""Matrix products with the base model's weights, into buffers that are there already."""

import torch
from torch import Tensor

from semoe.experts.fused.weights import Product


class Products:
    """All in the model's own type, forward and backward."""

    def forward(self, x_TI: Tensor, product: Product, y_TO: Tensor) -> None:
        """Fills y = x W^T + bias."""
        if product.bias_O is None:
            torch.mm(x_TI, product.weight_OI.T, out=y_TO)
        else:
            torch.addmm(product.bias_O, x_TI, product.weight_OI.T, out=y_TO)

    def backward(self, dy_TO: Tensor, product: Product, dx_TI: Tensor) -> None:
        """Fills dx = dy W."""
        torch.mm(dy_TO, product.weight_OI, out=dx_TI)
