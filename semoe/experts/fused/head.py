"""The last product and the loss, in blocks of rows: logits turn into their gradient, and that into the rows'."""

import torch
from torch import Tensor

from semoe.experts.fused.passing import Step


def losses_and_head_gradient(step: Step) -> Tensor:
    """Returns each expert's loss, [E], and fills `passing.dh_TD`, the gradient of the normed rows."""
    tables, passing = step.tables, step.buffers.passing
    passing.dh_TD.zero_()  # rows that learn nothing
    losses_M = torch.empty_like(tables.weights_M)
    if not len(losses_M):
        return losses_M.new_zeros(len(tables.num_learnt_E))
    num_blocks = -(-len(losses_M) // len(step.buffers.logits_MV))
    size = -(-len(losses_M) // num_blocks)
    for start in range(0, len(losses_M), size):
        block = slice(start, start + size)
        rows_m = tables.learnt_M[block]
        h_mD = passing.normed_TD.index_select(0, rows_m)
        logits_mV = step.buffers.logits_MV[: len(rows_m)]
        step.products.forward(h_mD, step.weights.head, logits_mV)
        labels_m, weights_m = tables.labels_M[block], tables.weights_M[block]
        step.products.learn(logits_mV, labels_m, weights_m, step.weights.head, losses_M[block], h_mD)
        passing.dh_TD.index_copy_(0, rows_m, h_mD)
    # Not `index_add_`: on a GPU that adds in any order. `unsafe` spares a check that waits for the device.
    return torch.segment_reduce(losses_M, "sum", lengths=tables.num_learnt_E, unsafe=True)
