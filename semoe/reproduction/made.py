"""How a reproduction was made: all that somebody needs who wants the same figures."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from semoe import __version__
from semoe.files import read_json
from semoe.retrieval.bm25 import ABOUT, is_index
from semoe.retrieval.retriever import RetrievalConfig
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan
from semoe.runs.reporting import finished_reports
from semoe.stages.inference_settings import InferenceSettings

PACKAGES = ("torch", "triton", "numpy", "tokenizers", "bm25s", "spacy", "transformers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What, with what, and when."""

    command: str
    time: str
    """Of the report, UTC."""
    run: str
    store: str
    model: str
    model_digest: str
    space: str
    """Of the experts."""
    preset: str
    augmented_by: str
    dtype: str
    retriever: str
    """With the name of its index."""
    num_passages: int | None
    """Of an index in a folder here; None for one that is elsewhere."""
    topk: int
    devices: tuple[str, ...]
    """That models computed on."""
    seeds: Mapping[str, int]
    versions: Mapping[str, str]


def how_made(folder: RunFolder, command: str) -> Made:
    """Reads it off a finished run and this machine."""
    plan = folder.plan()
    reports = [one for found in finished_reports(folder).values() for one in found]
    return Made(
        command=command,
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        run=folder.run,
        store=folder.objects.url,
        model=plan.model_name,
        model_digest=plan.model_digest,
        space=plan.space,
        preset=plan.preset.name,
        augmented_by=plan.augmented_by,
        dtype=plan.dtype,
        retriever=f"{plan.retriever}, index {plan.index_name}",
        num_passages=_num_passages(plan),
        topk=plan.topk,
        devices=tuple(dict.fromkeys(one.device for one in reports if one.device)),
        seeds={"training": plan.preset.training.seed, "controls": InferenceSettings().seed, "intervals": 0},
        versions=_versions(),
    )


def _num_passages(plan: Plan) -> int | None:
    folder = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name).bm25_folder
    return int(read_json(folder / ABOUT)["num_passages"]) if "bm25" in plan.retriever and is_index(folder) else None


def _versions() -> dict[str, str]:
    found = {"semoe": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
