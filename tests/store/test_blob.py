from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from semoe.errors import CorruptError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.models import load_decoder
from semoe.store.blob import from_bytes, to_bytes
from tests.tiny import tiny_model_folder


def test_an_expert_and_its_record_come_back(tmp_path: Path) -> None:
    config = load_decoder(tiny_model_folder(tmp_path, "llama")).config
    layout, other = (ExpertLayout(config, LoraSettings(rank=rank, alpha=4)) for rank in (2, 3))
    flat_N, record = torch.randn(layout.size), {"title": "Ärger", "qa": [{"question": "?"}]}
    data = to_bytes(layout, flat_N, record)
    found_N, found = from_bytes(layout, data)
    assert torch.equal(found_N, flat_N)
    assert found == record
    assert load(data).keys() == layout.split(flat_N).keys()
    with pytest.raises(CorruptError, match="shape"):
        from_bytes(other, data)
    with pytest.raises(CorruptError, match="no expert"):
        from_bytes(layout, data[:-5])
