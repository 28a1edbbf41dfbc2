"""Stage `augment`: turns each retrieved passage into a rewrite and question-answer pairs, once."""

from semoe.augment.augmenter import load_augmenter
from semoe.published.augment_file import AugmentReport, augment_questions
from semoe.published.augmented_place import AugmentedPlace
from semoe.published.retrieve import read_retrieved
from semoe.published.settings import StageSettings
from semoe.stages.augment import augment_settings
from semoe.telemetry.progress import progress


def augment(settings: StageSettings, *, topk: int) -> list[AugmentReport]:
    """Augments every data type that `retrieve` left, the first `topk` passages of each question."""
    how = augment_settings(settings.augmented_by, settings.preset)
    reports = []
    # Before a parser or a model is loaded.
    types = settings.types_in(settings.retrieved_folder, "retrieve")
    augmenter = load_augmenter(how)
    for data_type in types:
        found = read_retrieved(settings.retrieved_folder / f"{data_type}.json")
        chosen = found if settings.sample < 0 else found[: settings.sample]
        work = [(question, hits[:topk]) for question, hits in chosen]
        distinct = {(hit.passage.title, hit.passage.text) for _, hits in work for hit in hits}
        with progress(f"augment {data_type}", len(distinct), "passages") as advance:
            report = augment_questions(
                work,
                augmenter,
                AugmentedPlace(settings.augmented_folder / f"{data_type}.json", settings.reports_folder),
                # As the folder is called: whoever reads it with the published code names both at once.
                prefix=settings.augmented_folder.name,
                settings=how.as_dict(),
                on_progress=advance,
            )
        reports.append(report)
    return reports
