from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.experts.preset import load_preset, parse_preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_loads(name: str) -> None:
    assert load_preset(name).name == name


def test_a_users_file_is_a_preset(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[training]\nlearning_rate = 0.001\n")
    assert load_preset(str(tmp_path / "mine.toml")).training.learning_rate == 0.001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[training]\nlearning_rat = 1\n", "Did you mean 'learning_rate'"),
        ("[trainin]\n", "Did you mean 'training'"),
        ("[lora]\nrank = 0\n", "must be 1 or more"),
        ("[lora]\nrank = 'two'\n", "rank must be a whole number, not 'two'"),
        ("[training]\nloss = 'answers'\n", "Did you mean 'answer'"),
        ("[lora]\ntarget_modules = ['gate']\n", "Unknown target module"),
        ("[lora\n", "broken TOML"),
        ("lora = 2\n", r"\[lora\] must be a table"),
        ("[lora]\nrank = true\n", "rank must be a whole number, not True"),
        ("[lora]\nrank = 2.0\n", "rank must be a whole number, not 2.0"),
        ("[lora]\nrank = '3'\n", "not '3'. Write it without quotes"),
        ("[lora]\ntarget_modules = 'up_proj'\n", "target_modules must be an array"),
        ("[lora]\ntarget_modules = ['up_proj', 3]\n", "target_modules, value 2 must be a text"),
        ("[lora]\ntarget_modules = []\n", "must name one layer"),
        ("[training]\nlearning_rate = nan\n", "learning_rate must be a finite number"),
        ("[training]\nlearning_rate = inf\n", "learning_rate must be a finite number"),
        ("[training]\nlearning_rate = '1e-3'\n", "not '1e-3'. Write it without quotes"),
        ("[training]\nnum_steps = 'many'\n", "num_steps must be a whole number"),
        ("[training]\nnum_steps = false\n", "num_steps must be a whole number, not False"),
        ("[training]\nloss = ['all']\n", "value of loss"),
        ("[sequences]\ntemplate = ['semoe']\n", r"template must be a text, not \['semoe'\]"),
        ("[augmentation]\nmax_pairs = -1\n", "max_pairs must be 1 or more"),
        ("[answering]\nmax_new_tokens = 0\n", "max_new_tokens must be 1 or more"),
    ],
)
def test_a_mistake_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_preset(text, "mine")


def test_a_whole_number_where_a_fraction_is_meant_is_the_same_recipe() -> None:
    assert repr(parse_preset("[training]\nlearning_rate = 1\n", "p").training) == repr(
        parse_preset("[training]\nlearning_rate = 1.0\n", "p").training
    )
