import numpy as np
import torch

from semoe.experts.fused.sending import Sender


def test_what_is_sent_together_arrives_as_it_was() -> None:
    arrays = (
        np.array([5, 2**40]),
        np.array([1, 2, 3], np.int32),
        np.zeros((0, 4), np.float32),
        np.arange(15, dtype=np.float32).reshape(3, 5)[:, ::2],
        np.array(7.5, np.float64).reshape(1, 1),
    )
    found = Sender(torch.device("cpu")).together(*arrays)
    assert [one.dtype for one in found] == [torch.int64, torch.int32, torch.float32, torch.float32, torch.float64]
    for one, array in zip(found, arrays, strict=True):
        assert one.shape == array.shape
        assert np.array_equal(one.numpy(), array)
