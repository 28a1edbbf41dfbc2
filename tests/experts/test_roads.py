"""Which road is taken, and what happens where the device's memory does not hold a batch."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from semoe.errors import UsageError
from semoe.experts import roads
from semoe.experts.autograd import AutogradRoad, AutogradStack
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.packing import PackedStep
from semoe.experts.roads import road_for, why_not_kernels
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.training import train_experts
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.prompts.rendering import TrainingSequence
from tests.experts.work import learnable
from tests.tiny import tiny_model_folder

SETTINGS = TrainingSettings()


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return load_decoder(tiny_model_folder(tmp_path_factory.mktemp("tiny"), "llama"))


class SmallDevice(AutogradRoad):
    """Its memory holds so many tokens of a step."""

    room = 40
    asked: list[int]

    def stack(self, num_experts: int, num_tokens: int) -> AutogradStack:
        self.asked.append(num_experts)
        if num_tokens > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().stack(num_experts, num_tokens)


def small_device(decoder: Decoder, room: int) -> tuple[ExpertLayout, SmallDevice]:
    layout = ExpertLayout(decoder.config, LoraSettings())
    road = SmallDevice(decoder, layout, base_weight(layout), SETTINGS)
    road.room = room
    road.asked = []
    return layout, road


def test_where_memory_does_not_reach_batches_are_halved_until_it_does(
    decoder: Decoder, caplog: pytest.LogCaptureFixture
) -> None:
    layout, road = small_device(decoder, 40)
    work = learnable((2, 1, 2, 3, 1, 2))
    steps = list[float]()
    with caplog.at_level(logging.WARNING):
        found = {one.index: one for one in train_experts(road, SETTINGS, work, on_step=steps.append)}
    assert [text for text in caplog.messages if "half as many" in text]
    assert road.asked.count(6) == 1, "what did not fit once is not tried again"
    assert sum(steps) == pytest.approx(6), "what begins again is not counted twice"
    plain = AutogradRoad(decoder, layout, base_weight(layout), SETTINGS)
    for one in train_experts(plain, SETTINGS, work):
        torch.testing.assert_close(found.pop(one.index).flat_N, one.flat_N, rtol=1e-4, atol=1e-6)
    assert not found


class LateDevice(AutogradRoad):
    """Its memory runs out at the second step of the first batch, by the words of another library."""

    steps = 0
    given_back = 0

    def stack(self, num_experts: int, num_tokens: int) -> AutogradStack:
        stack = super().stack(num_experts, num_tokens)
        step = stack.step

        def counted(packed: PackedStep) -> torch.Tensor:
            self.steps += 1
            if self.steps == 2:
                raise RuntimeError("Triton Error [CUDA]: out of memory")
            return step(packed)

        stack.step = counted  # type: ignore[method-assign]
        return stack

    def give_back(self) -> None:
        self.given_back += 1


def test_what_runs_out_late_begins_again_from_the_base_weight(decoder: Decoder) -> None:
    layout = ExpertLayout(decoder.config, LoraSettings())
    road = LateDevice(decoder, layout, base_weight(layout), SETTINGS)
    work = learnable((3, 2, 3))
    steps = list[float]()
    found = {one.index: one.flat_N for one in train_experts(road, SETTINGS, work, on_step=steps.append)}
    assert road.given_back == 1
    assert sum(steps) == pytest.approx(3)
    assert min(steps) < 0, "what was done is taken back"
    plain = AutogradRoad(decoder, layout, base_weight(layout), SETTINGS)
    for one in train_experts(plain, SETTINGS, work):
        torch.testing.assert_close(found[one.index], one.flat_N, rtol=1e-4, atol=1e-6)


def test_another_error_is_none_of_memory(decoder: Decoder) -> None:
    layout = ExpertLayout(decoder.config, LoraSettings())
    road = AutogradRoad(decoder, layout, base_weight(layout), SETTINGS)

    def sequences() -> Iterator[list[TrainingSequence]]:
        yield from learnable((1, 1))
        raise RuntimeError("an odd template")

    trained = train_experts(road, SETTINGS, sequences(), tokens_per_step=1)
    with pytest.raises(RuntimeError, match="an odd template"):
        list(trained)


def test_an_expert_that_does_not_fit_alone_is_an_error_that_says_what_helps(decoder: Decoder) -> None:
    _, road = small_device(decoder, 12)
    with pytest.raises(UsageError, match=r"step of one expert, \d+ tokens.*bfloat16"):
        list(train_experts(road, SETTINGS, learnable((2, 1, 2))))


def test_a_cpu_takes_autograd(decoder: Decoder) -> None:
    layout = ExpertLayout(decoder.config, LoraSettings())
    assert type(road_for(decoder, layout, base_weight(layout), SETTINGS)) is AutogradRoad


@pytest.mark.parametrize(
    ("lora", "capability", "environment", "reason"),
    [
        (LoraSettings(), (9, 0), {}, None),
        (LoraSettings(rank=16), (8, 0), {}, None),
        (LoraSettings(target_modules=("down_proj",)), (12, 0), {}, None),
        (LoraSettings(), (7, 5), {}, "since Ampere, and this is Tesla T4"),
        (LoraSettings(rank=17), (9, 0), {}, "ranks up to 16, and lora_rank is 17"),
        (LoraSettings(target_modules=("q_proj", "up_proj", "o_proj")), (9, 0), {}, "names o_proj, q_proj"),
        (LoraSettings(), (9, 0), {"SEMOE_KERNELS": "0"}, "SEMOE_KERNELS is 0"),
    ],
)
def test_the_kernels_are_taken_where_they_can_be(
    decoder: Decoder,
    monkeypatch: pytest.MonkeyPatch,
    lora: LoraSettings,
    capability: tuple[int, int],
    environment: dict[str, str],
    reason: str | None,
) -> None:
    """What the device says of itself stands in for a device."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    monkeypatch.setattr(roads, "_why_triton_fails", lambda device: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = why_not_kernels(decoder, ExpertLayout(decoder.config, lora))
    assert found is None if reason is None else reason in str(found)


def test_kernels_that_would_be_interpreted_are_not_taken() -> None:
    """The tests switch the interpreter on; training by it would take a thousand times as long."""
    assert "TRITON_INTERPRET" in str(roads._why_triton_fails(torch.device("cpu")))


def test_without_triton_the_reason_says_what_to_install(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(roads.importlib.util, "find_spec", lambda name: None)
    reason = why_not_kernels(decoder, ExpertLayout(decoder.config, LoraSettings()))
    assert reason == "Triton is not installed (pip install 'semoe[gpu]')"
