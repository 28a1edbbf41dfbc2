from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from semoe.errors import CorruptError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.models.model import load_decoder
from semoe.store.blob import from_bytes, to_bytes
from semoe.store.record import read_record
from tests.tiny import tiny_model_folder


def test_an_expert_and_its_record_come_back(tmp_path: Path) -> None:
    config = load_decoder(tiny_model_folder(tmp_path, "llama")).config
    layout, other = (ExpertLayout(config, LoraSettings(rank=rank, alpha=4)) for rank in (2, 3))
    flat_N, record = torch.randn(layout.size), {"title": "Ärger", "qa": [{"question": "?"}]}
    data = to_bytes(layout, flat_N, record)
    assert torch.equal(from_bytes(layout, data), flat_N)
    assert read_record(data) == record
    assert load(data).keys() == layout.split(flat_N).keys()
    with pytest.raises(CorruptError, match="shape"):
        from_bytes(other, data)
    for damaged in (b"", data[:20], b"\xff" * 40):
        with pytest.raises(CorruptError, match="no expert"):
            read_record(damaged)
    with pytest.raises(CorruptError, match="no expert"):
        from_bytes(layout, data[:-5])


def test_what_has_an_experts_length_and_is_none_is_damaged(tmp_path: Path) -> None:
    layout = ExpertLayout(load_decoder(tiny_model_folder(tmp_path, "llama")).config, LoraSettings(rank=2, alpha=4))
    data = to_bytes(layout, torch.randn(layout.size), {})
    length = int.from_bytes(data[:8], "little")
    for header in (b"[]", b"{}", b"null", b"{", b""):
        with pytest.raises(CorruptError):
            from_bytes(layout, data[:8] + header.ljust(length) + data[8 + length :])


def test_a_file_that_others_wrote_is_read_as_well(tmp_path: Path) -> None:
    """The library sorts tensors as it likes."""
    layout = ExpertLayout(load_decoder(tiny_model_folder(tmp_path, "llama")).config, LoraSettings(rank=2, alpha=4))
    flat_N = torch.randn(layout.size)
    tensors = {name: tensor.clone() for name, tensor in reversed(layout.split(flat_N).items())}
    assert torch.equal(from_bytes(layout, save(tensors)), flat_N)
