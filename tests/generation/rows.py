"""Rows that answer with experts of their own, of tiny models."""

import random
from pathlib import Path

import torch

from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.request import Answer
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import tiny_model_folder

NEW = 8
SPREADS: dict[str, list[list[int]]] = {
    "all-the-same": [[0, 1, 2]] * 5,
    "all-different": [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14]],
    "some-without": [[0], [], [1, 2], [], [3]],
    "skewed": [[0, 1, 2, 3], [0], [0, 1], [4], []],
}
LENGTHS = (1, 7, 33, 12, 5)


def random_expert(layout: ExpertLayout, seed: int) -> torch.Tensor:
    return torch.randn(layout.size, generator=torch.Generator().manual_seed(seed)) * 0.08


def prompts() -> list[tuple[int, ...]]:
    chooser = random.Random(3)
    return [tuple(chooser.randrange(2, 97) for _ in range(n)) for n in LENGTHS]


def setting(folder: Path, family: str, rank: int) -> tuple[Decoder, ExpertLayout]:
    decoder = load_decoder(tiny_model_folder(folder / "m", family))
    return decoder, ExpertLayout(decoder.config, LoraSettings(rank=rank, alpha=16))


def assert_same(ours: Answer, theirs: Answer) -> None:
    assert ours.tokens == theirs.tokens
    torch.testing.assert_close(torch.tensor(ours.logprobs), torch.tensor(theirs.logprobs), rtol=1e-4, atol=1e-4)
