"""What the engine is asked and what it tells; merge weights."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.cache import GROWTH, KeyValueCache
from semoe.generation.engine import Engine
from semoe.generation.merge import merge_rules
from semoe.generation.request import Request
from semoe.generation.running import Running
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import tiny_model, tiny_model_folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return load_decoder(tiny_model_folder(tmp_path_factory.mktemp("tiny"), "llama"))


def engine(decoder: Decoder, **more: int) -> Engine:
    return Engine(decoder, None, eos_ids=frozenset(), **more)


@pytest.mark.parametrize(
    ("rule", "weights"),
    [
        ("sum", (1.0, 1.0, 1.0)),
        ("mean", (1 / 3, 1 / 3, 1 / 3)),
        ("half", (0.5, 0.5, 0.5)),
        ("top1", (1.0, 0.0, 0.0)),
        ("score", (1.0, math.exp(-1), math.exp(-2.5))),
    ],
)
def test_each_merge_rule_weighs_as_it_says(rule: str, weights: tuple[float, ...]) -> None:
    assert merge_rules[rule]([9.0, 7.0, 4.0]) == pytest.approx(weights)
    assert merge_rules[rule]([]) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ()}, {"prompt": (5,), "max_new_tokens": 0}, {"prompt": (5,), "weights": (1.0,)},
        {"prompt": (5,), "experts": (torch.zeros(1), torch.zeros(1)), "weights": (1.0,)},
    ],
    ids=["no prompt", "no room", "weights without experts", "fewer weights than experts"],
)  # fmt: skip
def test_a_request_that_cannot_be_answered_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Request(**wrong)


def test_the_smallest_request_is_one() -> None:
    Request(prompt=(5,), max_new_tokens=1, experts=(torch.zeros(1),), weights=(0.0,))


def test_an_engine_without_rows_or_without_a_layout_for_experts_is_refused(decoder: Decoder) -> None:
    with pytest.raises(UsageError, match="max_rows"):
        engine(decoder, max_rows=0)
    with pytest.raises(UsageError, match="layout"):
        engine(decoder).generate([Request(prompt=(5,), experts=(torch.zeros(1),))])


def test_answers_end_at_their_own_lengths_and_each_is_told_once(decoder: Decoder) -> None:
    told = dict[int, int]()
    requests = [Request(prompt=(5, 6 + n), max_new_tokens=4 - n) for n in range(4)]
    found = engine(decoder, max_rows=2)
    for _ in range(2):
        told.clear()
        answers = found.generate(requests, lambda place, answer: told.setdefault(place, len(answer.tokens)))  # type: ignore[arg-type, return-value]
        assert [len(answer.tokens) for answer in answers] == [4, 3, 2, 1]
        assert told == {0: 4, 1: 3, 2: 2, 3: 1}
        assert not found.has_work


def test_log_probabilities_are_the_models(decoder: Decoder) -> None:
    (answer,) = engine(decoder).generate([Request(prompt=(5, 6, 7), max_new_tokens=3)])
    logprobs_TV = tiny_model("llama")(torch.tensor([[5, 6, 7, *answer.tokens]])).logits[0].log_softmax(-1)
    assert answer.tokens == tuple(logprobs_TV[2:-1].argmax(-1).tolist())
    assert answer.logprobs == pytest.approx(logprobs_TV[2:-1].amax(-1).tolist(), abs=1e-4)
    assert (answer.entropies, answer.attention) == ((), ())


def test_an_end_token_is_neither_answer_nor_counted() -> None:
    sequence = Running(0, Request(prompt=(5,), max_new_tokens=3, wants_entropy=True))
    for token, entropy in ((7, 0.5), (8, 0.25), (1, 0.1)):
        sequence.accept(token, -1.0, frozenset([1]), entropy)
    answer = sequence.answer()
    assert (answer.tokens, answer.logprobs, answer.entropies) == ((7, 8), (-1.0, -1.0), (0.5, 0.25))
    assert answer.finish == "eos"


@pytest.fixture
def cache(decoder: Decoder) -> KeyValueCache:
    """Two rows with three tokens in them."""
    found = KeyValueCache(decoder, 2)
    found.reserve(3)
    found.keys[:, :, :, :3], found.values[:, :, :, :3] = 1.0, 2.0
    return found


def test_the_cache_grows_by_steps(cache: KeyValueCache) -> None:
    assert cache.keys.shape[3] == GROWTH
    cache.reserve(GROWTH)
    assert cache.keys.shape[3] == GROWTH
    cache.reserve(GROWTH + 1)
    assert cache.keys.shape == cache.values.shape
    assert cache.keys.shape[3] == 2 * GROWTH
    cache.reserve(2 * GROWTH + 1)
    assert cache.keys.shape[3] == 3 * GROWTH


def test_a_cache_that_grows_keeps_what_it_holds(cache: KeyValueCache) -> None:
    for length in (GROWTH + 1, 2 * GROWTH + 1):
        cache.reserve(length)
    assert float(cache.keys.sum()) * 2 == float(cache.values.sum()) == cache.values[:, :, :, :3].numel() * 2


def test_a_row_of_the_cache_that_moves_takes_keys_and_length_along(cache: KeyValueCache) -> None:
    cache.lengths = [1, 3]
    cache.keys[:, 1, :, :3] = 5.0
    cache.move(1, 0)
    assert cache.lengths == [3, 3]
    assert torch.equal(cache.keys[:, 0], cache.keys[:, 1])


def test_a_long_answer_outgrows_the_cache_and_stays_the_models(decoder: Decoder, tmp_path: Path) -> None:
    (answer,) = engine(decoder).generate([Request(prompt=(5, 6, 7), max_new_tokens=GROWTH + 10)])
    logits_TV = tiny_model("llama")(torch.tensor([[5, 6, 7, *answer.tokens]])).logits[0]
    assert answer.tokens == tuple(logits_TV[2:-1].argmax(-1).tolist())


def test_a_model_of_half_precision_answers_with_experts(tmp_path: Path) -> None:
    """Experts are float32; their tables are of the model's type."""
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"), dtype=torch.bfloat16)
    layout = ExpertLayout(decoder.config, LoraSettings(rank=1))
    expert_N = torch.randn(layout.size, generator=torch.Generator().manual_seed(0))
    with_experts = Engine(decoder, layout, eos_ids=frozenset())
    plain, changed = with_experts.generate(
        [Request(prompt=(5, 6, 7), max_new_tokens=4), Request(prompt=(5, 6, 7), max_new_tokens=4, experts=(expert_N,))]
    )
    assert len(plain.tokens) == len(changed.tokens) == 4
    assert plain.tokens != changed.tokens
