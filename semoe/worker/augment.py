"""Stage `augment`: turns each retrieved passage into a rewrite and question-answer pairs, once."""

from collections.abc import Callable

from semoe.augment import Augmenter, AugmentReport, augment_questions
from semoe.telemetry import progress
from semoe.worker.retrieve import read_retrieved
from semoe.worker.settings import StageSettings


def augment(make_augmenter: Callable[[], Augmenter], settings: StageSettings, *, topk: int) -> list[AugmentReport]:
    """Augments every data type that `retrieve` left, the first `topk` passages of each question."""
    reports = []
    augmenter = make_augmenter()
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
                settings={"by": settings.augmented_by, "max_pairs": settings.preset.augmentation.max_pairs},
                on_progress=advance,
            )
        reports.append(report)
    return reports
