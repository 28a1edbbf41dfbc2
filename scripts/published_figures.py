"""Figures that papers published, by config: F1 in percent, for strategyqa the accuracy.

Read off the papers' own tables, in text copies of them. Where two versions of a paper disagree, both stand here.
"""

from collections.abc import Iterator
from typing import NamedTuple

PRAG = "arXiv 2501.15915, table 1"
PRAG_TYPES = "arXiv 2501.15915, table 1: 300 questions of this type"
WARM = "arXiv 2501.15915, table 2"
DRAGIN = "arXiv 2403.10081, table 2"
REAL_TIME = "arXiv 2403.10081 as “… Real-time Information Needs …”, table 2"
NEEDS = "arXiv 2403.10081 as “… Information Needs …”, table 2"
TYPES = {
    "2wikimultihopqa": ("comparison", "bridge_comparison", "inference", "compositional", "total"),
    "hotpotqa": ("bridge", "comparison", "total"),
    "popqa": ("total",),
    "cwq": ("total",),
}
EXPERTS = {
    "llama3.2_1b": {
        "icl": (42.98, 30.32, 22.63, 10.64, 25.20, 21.10, 40.83, 26.71, 18.39, 37.26),
        "prag": (49.20, 39.94, 21.85, 13.34, 27.64, 16.02, 44.93, 19.99, 22.05, 34.82),
        "combine": (50.46, 45.95, 23.99, 13.57, 32.37, 22.82, 42.17, 26.89, 29.61, 41.01),
    },
    "qwen2.5_1.5b": {
        "icl": (38.75, 38.84, 11.87, 5.68, 24.31, 16.19, 37.13, 20.73, 9.99, 28.23),
        "prag": (45.29, 44.94, 20.72, 13.72, 30.25, 17.20, 46.23, 21.65, 18.85, 32.80),
        "combine": (40.53, 44.20, 17.05, 11.54, 26.27, 23.83, 50.37, 29.42, 22.61, 34.95),
    },
    "llama3_8b": {
        "icl": (58.43, 47.94, 18.33, 9.91, 33.72, 18.23, 34.93, 22.77, 16.13, 35.45),
        "prag": (63.53, 54.37, 24.71, 19.92, 39.32, 31.15, 65.57, 35.63, 24.13, 45.41),
        "combine": (64.32, 55.56, 31.60, 23.39, 42.58, 40.25, 69.18, 45.59, 30.59, 47.28),
    },
}
"""Of the datasets and types of `TYPES`, one behind the other."""
WARMED_UP = {
    "llama3.2_1b": (35.46, 24.56, 20.35, 42.63),
    "qwen2.5_1.5b": (35.42, 27.18, 24.18, 50.18),
    "llama3_8b": (42.01, 44.99, 29.52, 55.91),
}
"""`prag` with a warmed-up base weight, one a dataset in the order of `TYPES`."""
ANSWERS = {
    "llama2_13b": {
        "wo_rag": (18.7, 27.21, 22.3, 30.97, 65.0, 16.8, 20.39),
        "sr_rag": (24.5, 33.64, 26.3, 37.06, 65.4, 19.6, 23.03),
        "fl_rag": (21.7, 30.54, 17.7, 26.82, 64.8, 15.5, 18.75),
        "fs_rag": (27.0, 36.10, 26.7, 37.15, 65.5, 17.1, 20.61),
        "flare": (22.4, 30.76, 18.0, 27.56, 65.5, 13.8, 16.67),
        "dragin": (30.9, 39.71, 33.7, 44.15, 66.9, 19.4, 23.52),
    },
    "llama2_7b": {
        "wo_rag": (14.6, 22.32, 18.4, 27.45, 65.9, 13.9, 17.31),
        "sr_rag": (16.9, 25.49, 16.4, 24.99, 64.5, 18.7, 22.58),
        "fl_rag": (11.2, 19.22, 14.6, 21.07, 63.5, 17.2, 20.23),
        "fs_rag": (18.9, 26.52, 21.4, 30.35, 62.9, 17.8, 21.57),
        "flare": (14.3, 21.34, 14.9, 22.08, 62.7, 13.6, 16.44),
        "dragin": (22.4, 29.99, 23.7, 34.23, 64.1, 19.1, 22.87),
    },
    "vicuna_13b": {
        "wo_rag": (14.6, 22.32, 22.8, 32.56, 68.2, 17.5, 21.49),
        "sr_rag": (17.0, 25.64, 25.4, 35.31, 68.6, 21.7, 25.64),
        "fl_rag": (13.5, 21.33, 18.7, 30.39, 64.5, 9.85, 12.85),
        "fs_rag": (18.8, 26.25, 18.5, 32.16, 62.2, 10.27, 13.44),
        "flare": (15.7, 22.57, 9.2, 18.08, 59.9, 11.74, 14.69),
        "dragin": (26.6, 36.28, 29.6, 41.85, 68.7, 23.79, 28.29),
    },
}
"""EM and F1 of 2wikimultihopqa and hotpotqa, accuracy of strategyqa, EM and F1 of iirc."""
OTHERWISE = {
    "llama2_13b": (30.4, 39.31, 31.4, 42.38, 68.9, 18.5, 22.21),
    "llama2_7b": (22.0, 29.26, 23.2, 33.44, 64.1, 19.2, 23.36),
    "vicuna_13b": (25.2, 35.16, 28.8, 41.64, 68.7, 22.33, 26.52),
}
"""`dragin` in the paper's other version; all else is the same in both."""
COLUMNS = (
    ("2wikimultihopqa", "em"), ("2wikimultihopqa", "f1"), ("hotpotqa", "em"), ("hotpotqa", "f1"), ("strategyqa", "em"),
    ("iirc", "em"), ("iirc", "f1"),
)  # fmt: skip


class Figure(NamedTuple):
    """A `[[published]]` of a config."""

    method: str
    metric: str
    value: float
    source: str
    type: str = "total"


def of_experts(dataset: str, model: str) -> Iterator[Figure]:
    """Yields those of a config with experts."""
    columns = [(name, kind) for name, kinds in TYPES.items() for kind in kinds]
    for method, values in EXPERTS[model].items():
        for (name, kind), value in zip(columns, values, strict=True):
            if name == dataset:
                yield Figure(method, "f1", value, PRAG if kind == "total" else PRAG_TYPES, kind)


def of_warm_up(dataset: str, model: str) -> Iterator[Figure]:
    """Yields those of a config whose experts start from a warmed-up weight; without experts nothing differs."""
    yield Figure("prag", "f1", WARMED_UP[model][list(TYPES).index(dataset)], WARM)
    yield from (one for one in of_experts(dataset, model) if one.method == "icl")


def of_answers(dataset: str, model: str, config: str) -> Iterator[Figure]:
    """Yields those of one of DRAGIN's configs."""
    method = "none" if config == "wo_rag" else "icl"
    versions = {DRAGIN: ANSWERS[model][config]}
    if config == "dragin":
        versions = {REAL_TIME: ANSWERS[model][config], NEEDS: OTHERWISE[model]}
    for source, values in versions.items():
        for (name, metric), value in zip(COLUMNS, values, strict=True):
            if name == dataset:
                yield Figure(method, metric, value, f"{source} (accuracy)" if name == "strategyqa" else source)
