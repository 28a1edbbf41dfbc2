from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.experts.preset import load_preset, parse_preset, preset_names
from semoe.experts.space import ExpertSpace


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


def space(preset: str, version: int = 1, exemplars: str = "") -> ExpertSpace:
    return ExpertSpace(
        base_model="m", model_fingerprint="f", preset=parse_preset(preset, "x"), template_version=1,
        augment_model="parse", augmentation_version=version, exemplars=exemplars,
    )  # fmt: skip


def test_what_decides_an_expert_decides_its_space_and_nothing_else_does() -> None:
    assert space("").name == space("[answering]\nmerge = 'sum'\n").name
    assert space("").name != space("[training]\nlearning_rate = 0.001\n").name
    assert space("").name != space("[lora]\nrank = 4\n").name
    assert space("").name != space("", version=2).name, "other pairs of the same passage are other experts"
