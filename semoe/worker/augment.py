"""Stage `augment`: turns each retrieved passage into a rewrite and question-answer pairs, once."""

from collections.abc import Mapping, Sequence
from typing import Any

from semoe.augment import AugmentReport, augment_questions, load_augmenter
from semoe.augment.contract import MODEL_PAIRS, PARSE_PAIRS
from semoe.augment.run import made_with
from semoe.errors import UsageError
from semoe.telemetry import progress
from semoe.worker.augmenting import augment_settings
from semoe.worker.retrieve import read_retrieved
from semoe.worker.settings import StageSettings


def augment(settings: StageSettings, *, topk: int) -> list[AugmentReport]:
    """Augments every data type that `retrieve` left, the first `topk` passages of each question."""
    how, reports = augment_settings(settings.augmented_by, settings.preset), []
    augmenter = load_augmenter(how)
    for data_type in settings.types_in(settings.retrieved_folder, "retrieve"):
        found = read_retrieved(settings.retrieved_folder / f"{data_type}.json")
        chosen = found if settings.sample < 0 else found[: settings.sample]
        work = [(question, hits[:topk]) for question, hits in chosen]
        distinct = {(hit.passage.title, hit.passage.text) for _, hits in work for hit in hits}
        with progress(f"augment {data_type}", len(distinct), "passages") as advance:
            report = augment_questions(
                work,
                augmenter,
                settings.augmented_folder / f"{data_type}.json",
                prefix=settings.augmented_by,
                settings=how.as_dict(),
                on_progress=advance,
            )
        reports.append(report)
    return reports


def require_made_so(settings: StageSettings, types: Sequence[str]) -> None:
    """Makes sure that files of `augment` are what the recipe says; of files from elsewhere nothing is known.

    A parse with more pairs than the recipe asks for will do: its first ones are those that fewer would have been.

    Raises:
        UsageError: a file was made otherwise.
    """
    wanted = augment_settings(settings.augmented_by, settings.preset).as_dict()
    for data_type in types:
        path = settings.augmented_folder / f"{data_type}.json"
        made = made_with(path)
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
