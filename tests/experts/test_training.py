"""What training tells of itself, when it stops, and what it starts from."""

import math
from collections.abc import Iterator

import pytest
import torch

from semoe.errors import UsageError
from semoe.experts.autograd import AutogradRoad
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.training import TrainedExpert, train_experts
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.prompts.rendering import TrainingSequence
from tests.tiny import tiny_model, tiny_model_folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return load_decoder(tiny_model_folder(tmp_path_factory.mktemp("tiny"), "llama"))


def own(*lengths: int) -> list[TrainingSequence]:
    return [TrainingSequence(tuple(range(5, 5 + length)), 1) for length in lengths]


def trained(decoder: Decoder, *sequences: list[TrainingSequence], **more: object) -> list[TrainedExpert]:
    layout = ExpertLayout(decoder.config, LoraSettings(rank=1))
    settings = TrainingSettings(num_epochs=2)
    road = AutogradRoad(decoder, layout, base_weight(layout), settings)
    return list(train_experts(road, settings, sequences, **more))  # type: ignore[arg-type]


def test_tokens_are_counted_with_their_repetitions_and_steps_add_up_to_the_experts(decoder: Decoder) -> None:
    steps = list[float]()
    found = trained(decoder, own(4, 3), own(6), own(2, 2, 2), on_step=steps.append, tokens_per_step=8)
    assert {one.index: one.num_tokens for one in found} == {0: 14, 1: 12, 2: 12}
    assert sum(steps) == pytest.approx(3)
    assert len(steps) == 6 + 2, "the two with most steps first, in one batch; the third alone"


def test_experts_are_trained_together_up_to_the_tokens_of_a_step(decoder: Decoder) -> None:
    for tokens_per_step, batches in ((9, 1), (8, 2), (3, 3), (1, 3)):
        steps = list[float]()
        trained(decoder, own(3), own(3), own(3), on_step=steps.append, tokens_per_step=tokens_per_step)
        assert len(steps) == 2 * batches, tokens_per_step


def test_the_loss_is_that_of_the_last_step_before_its_update(decoder: Decoder) -> None:
    """Untrained, an expert changes nothing: the first loss is the base model's own."""
    model, (sequence,) = tiny_model("llama"), own(7)
    ids = torch.tensor([sequence.tokens])
    base = float(torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:]))
    layout = ExpertLayout(decoder.config, LoraSettings(rank=1))
    once, twice = (
        next(train_experts(AutogradRoad(decoder, layout, base_weight(layout), settings), settings, [[sequence]]))
        for settings in (TrainingSettings(learning_rate=1e-2, num_epochs=epochs) for epochs in (1, 2))
    )
    assert once.loss == pytest.approx(base, rel=1e-4)
    assert twice.loss < base


def test_a_stop_ends_the_work_before_the_next_batch(decoder: Decoder) -> None:
    answers = iter([False, True])
    found = trained(decoder, own(3), own(3), own(3), stop=lambda: next(answers), tokens_per_step=1)
    assert [one.index for one in found] == [0]


def test_sequences_are_asked_for_only_so_far_ahead(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.experts.training.LOOKAHEAD", 3)
    asked = list[int]()

    def sequences() -> Iterator[list[TrainingSequence]]:
        for number, count in enumerate((1, 1, 2, 1, 3, 1, 1)):
            asked.append(number)
            yield own(*[3] * count)

    layout = ExpertLayout(decoder.config, LoraSettings(rank=1))
    settings = TrainingSettings()
    road = AutogradRoad(decoder, layout, base_weight(layout), settings)
    order = list[int]()
    for one in train_experts(road, settings, sequences(), tokens_per_step=1):
        order.append(one.index)
        assert len(asked) <= len(order) + 3
    assert order[:3] == [2, 0, 4], "of those in sight the longest comes first"
    assert sorted(order) == list(range(7))


def test_an_expert_without_sequences_is_refused_before_anything_is_trained(decoder: Decoder) -> None:
    with pytest.raises(UsageError, match="Expert 1"):
        trained(decoder, own(3), [])


def test_the_base_weight_is_drawn_by_its_seed_and_has_no_effect_yet(decoder: Decoder) -> None:
    layout = ExpertLayout(decoder.config, LoraSettings(rank=3))
    first, other = base_weight(layout, 1), base_weight(layout, 2)
    assert torch.equal(base_weight(layout, 1), first)
    assert not torch.equal(first, other)
    for site in layout.sites:
        a_ERI, b_EOR = layout.pair(first[None], site)
        bound = 1 / math.sqrt(a_ERI.shape[-1])
        assert not b_EOR.any()
        assert 0.8 * bound < float(a_ERI.abs().max()) <= bound
        assert float(a_ERI.min()) < -0.5 * bound
