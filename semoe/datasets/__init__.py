"""Questions with their answers, and augmented questions."""

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, QAPair, Task
from semoe.datasets.augmented_file import read_augmented, write_augmented
from semoe.datasets.loading import data_types, load_dataset
from semoe.datasets.question import Question

__all__ = [
    "AugmentedPassage",
    "AugmentedQuestion",
    "QAPair",
    "Question",
    "Task",
    "data_types",
    "load_dataset",
    "read_augmented",
    "write_augmented",
]
