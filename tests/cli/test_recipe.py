"""What given options do to a preset."""

from dataclasses import replace

import pytest

from semoe.cli.recipe import RecipeOptions
from semoe.experts.preset import load_preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_without_options_a_preset_is_as_it_is(name: str) -> None:
    assert RecipeOptions(model_name="m", preset=name).adjusted() == load_preset(name)


def test_epochs_take_the_place_of_a_fixed_number_of_steps() -> None:
    fixed = load_preset("semoe").training
    assert fixed.num_steps is not None, "or this test proves nothing"
    found = RecipeOptions(model_name="m", num_train_epochs=3).adjusted()
    assert found.training == replace(fixed, num_epochs=3, num_steps=None)


def test_what_is_given_replaces_the_presets_own_and_nothing_else() -> None:
    preset = load_preset("semoe")
    found = RecipeOptions(
        model_name="m", lora_rank=5, lora_alpha=6, learning_rate=0.25, per_device_train_batch_size=7
    ).adjusted()
    assert found.lora == replace(preset.lora, rank=5, alpha=6)
    assert found.training == replace(preset.training, learning_rate=0.25, batch_size=7)
    assert replace(found, lora=preset.lora, training=preset.training) == preset
