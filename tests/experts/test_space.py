"""Two recipes have one space exactly if they make the same experts."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.experts.preset import AugmentationSettings, Preset, SequenceSettings, load_preset
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.space import ExpertSpace
from semoe.models.sites import PROJECTIONS
from semoe.prompts.template import Template, load_template

small = st.integers(1, 9)
numbers = st.floats(1e-6, 1, allow_nan=False)
names = st.text("abc", min_size=1, max_size=2)
DECIDING: dict[str, Callable[[ExpertSpace, Any], ExpertSpace]] = {
    "model": lambda space, new: replace(space, model_digest=new),
    "template": lambda space, new: replace(space, template=new),
    "augment_model": lambda space, new: replace(space, augment_model=new),
    "augmentation_version": lambda space, new: replace(space, augmentation_version=new),
    "exemplars": lambda space, new: replace(space, exemplars=new),
    "dtype": lambda space, new: replace(space, dtype=new),
    "max_pairs": lambda space, new: part(space, "augmentation", max_pairs=new),
    "composition": lambda space, new: part(space, "sequences", composition=new),
    "rank": lambda space, new: part(space, "lora", rank=new),
    "alpha": lambda space, new: part(space, "lora", alpha=new),
    "target_modules": lambda space, new: part(space, "lora", target_modules=new),
    "learning_rate": lambda space, new: part(space, "training", learning_rate=new),
    "weight_decay": lambda space, new: part(space, "training", weight_decay=new),
    "num_steps": lambda space, new: part(space, "training", num_steps=new),
    "batch_size": lambda space, new: part(space, "training", batch_size=new),
    "loss": lambda space, new: part(space, "training", loss=new),
    "reduction": lambda space, new: part(space, "training", reduction=new),
    "seed": lambda space, new: part(space, "training", seed=new),
    "base_weight": lambda space, new: part(space, "training", base_weight=new),
    "backward": lambda space, new: part(space, "training", backward=new),
}
"""How to change each field that decides an expert."""
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "model": names, "template": names, "augment_model": names, "augmentation_version": small, "exemplars": names,
    "dtype": names, "max_pairs": small, "composition": st.sampled_from(["published", "closed-book"]), "rank": small,
    "alpha": small, "learning_rate": numbers, "weight_decay": numbers, "num_steps": small, "batch_size": small,
    "target_modules": st.sets(st.sampled_from(PROJECTIONS), min_size=1).map(lambda found: tuple(sorted(found))),
    "loss": st.sampled_from(["all", "answer"]), "reduction": st.sampled_from(["token", "sequence"]), "seed": small,
    "backward": st.sampled_from(["exact", "float8"]), "base_weight": names,
}  # fmt: skip


def part(space: ExpertSpace, name: str, **new: Any) -> ExpertSpace:
    """The space with another value in one of its preset's records."""
    return replace(space, preset=replace(space.preset, **{name: replace(getattr(space.preset, name), **new)}))


def space_of(preset: Preset) -> ExpertSpace:
    return ExpertSpace(
        base_model="m", model_digest="d", preset=preset, template="t", augment_model="parse", augmentation_version=2,
        exemplars="",
    )  # fmt: skip


@st.composite
def spaces(draw: st.DrawFn) -> ExpertSpace:
    found = space_of(Preset(name="p"))
    for name in draw(st.sets(st.sampled_from(sorted(DECIDING)))):
        found = DECIDING[name](found, draw(VALUES[name]))
    return found


@given(spaces(), st.sampled_from(sorted(DECIDING)), st.data())
def test_another_value_of_any_field_that_decides_is_another_space(
    space: ExpertSpace, name: str, data: st.DataObject
) -> None:
    other = DECIDING[name](space, data.draw(VALUES[name]))
    assert (other.name == space.name) == (other == space)


@given(spaces())
def test_a_field_that_decides_nothing_leaves_the_space(space: ExpertSpace) -> None:
    preset = space.preset
    for other in (
        replace(space, base_model="another/name"),
        replace(space, preset=replace(preset, name="another", answering=replace(preset.answering, merge="sum"))),
        part(space, "sequences", template="renamed"),
        # Who augments is said by augment_model.
        part(space, "augmentation", kind="model"),
        part(space, "lora", target_modules=tuple(reversed(preset.lora.target_modules))),
    ):
        assert other.name == space.name


@given(spaces(), small)
def test_epochs_decide_only_where_no_number_of_steps_does(space: ExpertSpace, epochs: int) -> None:
    steps, passes = part(space, "training", num_steps=7), part(space, "training", num_steps=None)
    assert part(steps, "training", num_epochs=epochs).name == steps.name
    assert (part(passes, "training", num_epochs=epochs).name == passes.name) == (epochs == 1)


def test_every_field_of_the_records_is_looked_at() -> None:
    """Whoever adds a field says here whether it decides an expert."""
    records = (AugmentationSettings, SequenceSettings, LoraSettings, TrainingSettings)
    known = {one.name for record in records for one in fields(record)}
    assert known - DECIDING.keys() == {"kind", "num_epochs"}


def test_a_field_at_its_default_is_not_part_of_the_name() -> None:
    """So that one which is added later leaves the spaces of today where they are."""
    assert space_of(Preset(name="p")).deciding() == {
        "base_model": "", "model_digest": "d", "preset": {"name": ""}, "template": "t", "augment_model": "parse",
        "augmentation_version": 2, "exemplars": "",
    }  # fmt: skip


@pytest.mark.parametrize(("preset", "name"), [("semoe", "09e2f8721aa7fac1"), ("published", "0a564cfb8868bb66")])
def test_the_spaces_of_the_shipped_presets_stay_where_they_are(preset: str, name: str) -> None:
    """A changed default or preset would silently part users from their experts."""
    template = load_template(load_preset(preset).sequences.template).training_digest(cot=False)
    assert replace(space_of(load_preset(preset)), template=template).name == name


@pytest.mark.parametrize("cot", [False, True])
def test_a_template_decides_by_what_it_says_and_not_by_its_name(cot: bool) -> None:
    template = load_template("semoe")

    def digest(**new: Any) -> str:
        plain = {one.name: getattr(template, one.name) for one in fields(template)}
        return Template(**(plain | new)).training_digest(cot=cot)

    assert digest(name="other") == digest()
    assert digest(best_last=not template.best_last) == digest(), "a training sequence has one passage at most"
    assert digest(ends_turn=False) != digest()
    assert (digest(direct="x") == digest(primed_direct="x") == digest()) is cot
    assert (digest(cot="x") == digest(primed_cot="x") == digest()) is not cot
