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
        ("[lora]\nrank = 'two'\n", "must be of type int"),
        ("[training]\nloss = 'answers'\n", "Did you mean 'answer'"),
        ("[lora]\ntarget_modules = ['gate']\n", "Unknown target module"),
        ("[lora\n", "broken TOML"),
    ],
)
def test_a_mistake_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_preset(text, "mine")


def test_a_whole_number_where_a_fraction_is_meant_is_the_same_recipe() -> None:
    assert repr(parse_preset("[training]\nlearning_rate = 1\n", "p").training) == repr(
        parse_preset("[training]\nlearning_rate = 1.0\n", "p").training
    )
