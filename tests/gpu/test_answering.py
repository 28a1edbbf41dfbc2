"""Answers of the kernels on a GPU are the plain runner's, before and after steps are captured."""

import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.roads import FLOAT8
from semoe.experts.settings import LoraSettings, Quantization
from semoe.generation.engine import Engine
from semoe.generation.request import Answer, Request
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import FAMILIES, SHAPE, tiny_model_folder

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]


EOS = frozenset([7, 11])


def requests(layout: ExpertLayout, most: int) -> list[Request]:
    chooser = random.Random(1)
    generator = torch.Generator().manual_seed(1)
    experts = [torch.randn(layout.size, generator=generator) * 0.08 for _ in range(8)]
    return [
        Request(
            prompt=tuple(chooser.randrange(2, 97) for _ in range(chooser.randrange(1, 90))),
            experts=tuple(chooser.sample(experts, number % (most + 1))),
            max_new_tokens=9,
            wants_entropy=True,
            wants_attention=number < 3,
        )
        for number in range(13)
    ]


def answers(
    decoder: Decoder, layout: ExpertLayout, asked: list[Request], quantization: Quantization = "none"
) -> list[Answer]:
    return Engine(decoder, layout, eos_ids=EOS, max_rows=5, quantization=quantization).generate(asked)


def plain_answers(decoder: Decoder, layout: ExpertLayout, asked: list[Request]) -> list[Answer]:
    with patch.dict(os.environ, {"SEMOE_KERNELS": "0"}):
        return answers(decoder, layout, asked)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("rank", "most"), [(1, 3), (2, 3), (16, 2), (3, 5)])
def test_answers_are_the_plain_runners_in_every_family(tmp_path: Path, family: str, rank: int, most: int) -> None:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family), device="cuda")
    if decoder.config.rotates_by_length:
        pytest.skip("answered by the plain runner")
    layout = ExpertLayout(decoder.config, LoraSettings(rank=rank, alpha=16))
    asked = requests(layout, most)
    ours, theirs = answers(decoder, layout, asked), plain_answers(decoder, layout, asked)
    assert [one.tokens for one in ours] == [one.tokens for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
        assert one.entropies == pytest.approx(other.entropies, abs=1e-2)
        assert one.attention == pytest.approx(other.attention, abs=1e-3)


@pytest.mark.skipif(torch.cuda.is_available() and torch.cuda.get_device_capability() < FLOAT8, reason="no float8")
@pytest.mark.parametrize("kind", [LlamaConfig, Qwen2Config])
def test_products_in_float8_leave_probabilities_about_as_they_were(tmp_path: Path, kind: Any) -> None:
    """The first tokens', before other words lead elsewhere: no further off than a few roundings of bfloat16."""
    folder = tmp_path / "m"
    wide = {"hidden_size": 96, "intermediate_size": 160, "initializer_range": 0.1}
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(kind(**(SHAPE | wide))).float().save_pretrained(folder)
    exact, rounded = (load_decoder(folder, device="cuda", dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    layout = ExpertLayout(exact.config, LoraSettings())
    asked = [replace(one, max_new_tokens=1) for one in requests(layout, 3)]
    wanted = answers(exact, layout, asked)
    plain, float8 = answers(rounded, layout, asked), answers(rounded, layout, asked, "float8")

    def error(found: list[Answer]) -> float:
        pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a.entropies and b.entropies]
        assert len(pairs) > 5
        return sum(abs(a.entropies[0] - b.entropies[0]) for a, b in pairs) / len(pairs)

    assert error(plain) < error(float8) < 0.1, "nats"


def test_float8_is_refused_for_other_types(tmp_path: Path) -> None:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"), device="cuda")
    with pytest.raises(UsageError, match="float32, and float8 is for bfloat16"):
        Engine(decoder, None, eos_ids=frozenset(), quantization="float8")
