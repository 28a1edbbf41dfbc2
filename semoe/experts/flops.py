"""How much arithmetic training is: the products with the base model's weights, which is nearly all of it."""

from semoe.models.config import ModelConfig
from semoe.models.sites import projection_shapes


def training_flops(config: ModelConfig, num_tokens: int, num_learnt: int) -> float:
    """Returns useful floating-point operations: a product and a sum for each weight, forward and backward.

    The weights are frozen, so the backward pass has one product a layer, not two; attention and the experts' own
    products are left out, a few hundredths.

    Args:
        config: of the base model.
        num_tokens: that pass through the layers.
        num_learnt: of them, those that pass through the head.
    """
    in_layer = sum(outputs * inputs for outputs, inputs in projection_shapes(config).values())
    in_head = config.vocab_size * config.hidden_size
    return 4.0 * (config.num_hidden_layers * in_layer * num_tokens + in_head * num_learnt)
