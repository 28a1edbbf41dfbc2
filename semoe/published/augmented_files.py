"""The augmented files of a dataset, `data_aug/{dataset}/{augmented by}/{data_type}.json`, as later stages read them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from semoe.augment.contract import MODEL_PAIRS, PARSE_PAIRS
from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion
from semoe.datasets.augmented_file import read_augmented
from semoe.errors import UsageError
from semoe.published.augmented_place import AugmentedPlace
from semoe.published.merged_types import files_behind, is_augmented, read_type
from semoe.published.settings import StageSettings
from semoe.stages.augment import augment_settings


def questions_of(settings: StageSettings, data_type: str) -> list[AugmentedQuestion]:
    """Reads the augmented questions of one type, the first `sample` of them."""
    questions = read_type(settings.augmented_folder, data_type)
    return questions if settings.sample < 0 else questions[: settings.sample]


def passages_of(settings: StageSettings) -> Iterator[AugmentedPassage]:
    """Yields the passages of every augmented file of the dataset, repetitions too."""
    for path in sorted(settings.augmented_folder.glob("*.json")):
        # Not a report or a journal of an earlier version, nor questions alone.
        if "." not in path.stem and is_augmented(path):
            for question in read_augmented(path):
                yield from question.passages


def require_made_so(settings: StageSettings, types: Sequence[str]) -> None:
    """Makes sure that files of `augment` are what the recipe says; of files from elsewhere nothing is known.

    A parse with more pairs than the recipe asks for will do: its first ones are those that fewer would have been.

    Raises:
        UsageError: a file was made otherwise.
    """
    wanted = augment_settings(settings.augmented_by, settings.preset).as_dict()
    for path in (one for data_type in types for one in files_behind(settings.augmented_folder, data_type)):
        made = AugmentedPlace(path, settings.reports_folder).made_with()
        if made is not None and (name := _first_difference(made, wanted)):
            raise UsageError(
                f"{path} was made with {name} {made.get(name)}, the recipe says {wanted[name]}. Make it anew: "
                f"`semoe augment --dataset {settings.dataset} --model_name {settings.augmented_by}` with the same "
                "--preset; or use the settings that it was made with.",
                kind="other-augmentation",
            )


def _first_difference(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    parse = wanted["augmenter"] == "parse"
    # An earlier version wrote no number for its own default.
    count = made.get("max_pairs") or (PARSE_PAIRS if parse else MODEL_PAIRS)
    if count < wanted["max_pairs"] or (not parse and count != wanted["max_pairs"]):
        return "max_pairs"
    names = ("augmenter", "model", "seed", "version")
    return next((name for name in names if made.get(name) != wanted.get(name)), None)
