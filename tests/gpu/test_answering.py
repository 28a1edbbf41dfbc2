"""Answers of the kernels on a GPU are the plain runner's, before and after steps are captured."""

import random
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.engine import Engine
from semoe.generation.fused.runner import FusedRunner
from semoe.generation.plain_runner import PlainRunner
from semoe.generation.request import Answer, Request
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import FAMILIES, tiny_model_folder

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]


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


def answers(decoder: Decoder, layout: ExpertLayout, runner: type, asked: list[Request]) -> list[Answer]:
    with patch("semoe.generation.engine.runner_for", runner):
        return Engine(decoder, layout, eos_ids=frozenset([7, 11]), max_rows=5).generate(asked)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("rank", "most"), [(1, 3), (2, 3), (16, 2), (3, 5)])
def test_answers_are_the_plain_runners_in_every_family(tmp_path: Path, family: str, rank: int, most: int) -> None:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family), device="cuda")
    if decoder.config.rotates_by_length:
        pytest.skip("answered by the plain runner")
    layout = ExpertLayout(decoder.config, LoraSettings(rank=rank, alpha=16))
    asked = requests(layout, most)
    ours, theirs = (answers(decoder, layout, runner, asked) for runner in (FusedRunner, PlainRunner))
    assert [one.tokens for one in ours] == [one.tokens for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
        assert one.entropies == pytest.approx(other.entropies, abs=1e-2)
        assert one.attention == pytest.approx(other.attention, abs=1e-3)
