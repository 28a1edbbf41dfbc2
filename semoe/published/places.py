"""Where each passage's expert is filed in the published tree: a folder for each question that found the passage."""

from dataclasses import dataclass
from pathlib import Path

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.published.augmented_files import questions_of
from semoe.published.settings import StageSettings


@dataclass(frozen=True, slots=True)
class PublishedPlace:
    """A passage and where its expert is filed."""

    passage: AugmentedPassage
    folders: list[Path]
    """Its published names."""
    old_folders: list[Path]
    """The same as the published README writes them."""

    @property
    def known_folders(self) -> list[Path]:
        """Where an expert of it may lie."""
        return [*self.folders, *self.old_folders]


def published_places(settings: StageSettings, types: list[str]) -> dict[str, PublishedPlace]:
    """Collects each distinct passage once, with every published folder that names it."""
    places: dict[str, PublishedPlace] = {}
    for data_type in types:
        name = settings.offline_name(data_type)
        for did, question in enumerate(questions_of(settings, data_type)):
            for passage in question.passages:
                key = passage_key(passage.title, passage.passage)
                place = places.setdefault(key, PublishedPlace(passage, [], []))
                new, old = (top / f"data_{did}" / f"passage_{passage.pid}" for top in name.known_folders(settings.root))
                place.folders.append(new)
                place.old_folders.append(old)
    return places
