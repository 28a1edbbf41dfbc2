"""What an expert learns in which step, and how steps lie in one row."""

from collections import Counter

import pytest

from semoe.errors import UsageError
from semoe.experts.packing import pack, schedule
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.prompts.rendering import TrainingSequence


def some(count: int) -> list[TrainingSequence]:
    """Sequences that their first token tells apart."""
    return [TrainingSequence((number, 50, 51, 52), 2) for number in range(count)]


def firsts(sequences: list[TrainingSequence], settings: TrainingSettings) -> list[list[int]]:
    return [[sequence.tokens[0] for sequence in step] for step in schedule(sequences, settings)]


def test_epochs_take_the_sequences_in_order_the_last_batch_with_what_is_left() -> None:
    assert firsts(some(5), TrainingSettings(batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert firsts(some(2), TrainingSettings(num_epochs=3)) == [[0], [1]] * 3


@pytest.mark.parametrize(("count", "steps", "size"), [(3, 4, 3), (3, 5, 2), (1, 2, 2), (7, 2, 2), (4, 2, 2)])
def test_a_number_of_steps_cycles_through_the_shuffled_sequences(count: int, steps: int, size: int) -> None:
    settings = TrainingSettings(num_steps=steps, batch_size=size, num_epochs=9)
    taken = firsts(some(count), settings)
    assert [len(step) for step in taken] == [size] * steps
    flat = [number for step in taken for number in step]
    for start in range(0, len(flat), count):
        assert len(set(flat[start : start + count])) == len(flat[start : start + count]), "none twice before all once"
    assert max(Counter(flat).values()) == -(-steps * size // count)


def test_the_seed_decides_the_order_and_each_round_has_its_own() -> None:
    settings = TrainingSettings(num_steps=24, batch_size=1)
    first, other = (firsts(some(8), TrainingSettings(num_steps=24, seed=seed)) for seed in (42, 43))
    assert firsts(some(8), settings) == first != other
    assert first[:8] != [[number] for number in range(8)]
    assert first[:8] != first[8:16]


@pytest.mark.parametrize(
    ("loss", "learnt", "labels"),
    [("all", [0, 1, 2, 4, 5], [11, 12, 13, 21, 22]), ("answer", [1, 2, 5], [12, 13, 22])],
)
def test_each_learnt_token_is_predicted_from_the_row_before_it(loss: str, learnt: list[int], labels: list[int]) -> None:
    step = (TrainingSequence((10, 11, 12, 13), 2), TrainingSequence((20, 21, 22), 2))
    packed = pack([step], TrainingSettings(loss=loss))  # type: ignore[arg-type]
    assert packed.tokens_T.tolist() == [10, 11, 12, 13, 20, 21, 22]
    assert (packed.lengths, packed.segments) == ((4, 3), ((0, 7),))
    assert (packed.learnt_M.tolist(), packed.labels_M.tolist()) == (learnt, labels)


@pytest.mark.parametrize(
    ("reduction", "weights"), [("token", [1 / 3, 1 / 3, 1 / 3, 1.0]), ("sequence", [1 / 4, 1 / 4, 1 / 2, 1.0])]
)
def test_an_experts_shares_of_its_loss_add_up_to_one(reduction: str, weights: list[float]) -> None:
    first = (TrainingSequence((10, 11, 12, 13), 2), TrainingSequence((20, 21, 22), 2))
    second = (TrainingSequence((30, 31), 1),)
    settings = TrainingSettings(loss="answer", reduction=reduction)  # type: ignore[arg-type]
    packed = pack([first, second], settings)
    assert packed.weights_M.tolist() == pytest.approx(weights)
    assert packed.expert_M.tolist() == [0, 0, 0, 1]
    assert packed.segments == ((0, 7), (7, 9))


def test_the_first_token_is_never_learnt() -> None:
    packed = pack([(TrainingSequence((10, 11), 0),)], TrainingSettings(loss="answer"))
    assert packed.learnt_M.tolist() == [0]


@pytest.mark.parametrize(
    "wrong",
    [{"learning_rate": 0.0}, {"weight_decay": -0.1}, {"batch_size": 0}, {"num_epochs": 0}, {"num_steps": 0}],
    ids=str,
)
def test_a_recipe_that_trains_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        TrainingSettings(**wrong)  # type: ignore[arg-type]


def test_the_smallest_recipe_is_a_recipe() -> None:
    TrainingSettings(weight_decay=0.0, batch_size=1, num_epochs=1, num_steps=1)
    assert LoraSettings(rank=1, alpha=1).scaling == 1.0
    for wrong in ({"rank": 0}, {"alpha": 0}):
        with pytest.raises(UsageError):
            LoraSettings(**wrong)
