"""The published JSON config of `main`: every published key; an unknown one is an error that names the nearest.

The keys from `inference_method` on are ours: which experts, from where, and what bounds the switches.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from semoe.errors import UsageError, unknown_name
from semoe.experts.preset import build
from semoe.files import read_json
from semoe.generation.switching.methods import make_method, methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.stages.inference_settings import METHODS


@dataclass(frozen=True, kw_only=True, slots=True)
class MainConfig:
    """The published keys."""

    model_name_or_path: str
    method: str
    dataset: str
    data_path: str
    output_dir: str
    fewshot: int = 0
    sample: int = -1
    shuffle: bool = False
    generate_max_length: int = 64
    query_formulation: str = "direct"
    retriever: str = "BM25"
    es_index_name: str = "wiki"
    retrieve_topk: int = 3
    hallucination_threshold: float = 0.1
    use_counter: bool = True
    sentence_solver: str = "avg"
    entity_solver: str = "avg"
    retrieve_keep_top_k: int = 35
    check_real_words: bool = False
    fix_length: int = 16
    inference_method: str = "icl"
    """icl puts passages into the prompt, prag loads their experts, combine does both."""
    preset: str = "published"
    """Which experts: the recipe that `encode` had."""
    augment_model: str = ""
    """Whose augmentation they learnt; empty: as the preset has it."""
    store: str = "store"
    """Where they are."""
    missing: str = "skip"
    entityless: str = "tokens"
    max_switches: int = 8

    def __post_init__(self) -> None:
        if self.inference_method not in METHODS:
            raise unknown_name("inference_method", self.inference_method, METHODS)
        make_method(self.switching, Language())

    @property
    def switching(self) -> SwitchSettings:
        """The part that decides when and with what to retrieve.

        The published configs say `direct` for methods that have no use for it; `dragin`, which has no `direct`, then
        takes its own first formulation.
        """
        own = {one.name: getattr(self, one.name) for one in fields(SwitchSettings)}
        formulations = methods[self.method].formulations
        if self.query_formulation == "direct" and "direct" not in formulations:
            own["query_formulation"] = formulations[0]
        return SwitchSettings(**own)


def read_main_config(path: Path) -> MainConfig:
    """Reads and checks a published config.

    Raises:
        UsageError: missing or broken file, unknown or missing key, or a method that is not there.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: expected one JSON object of settings.", kind="broken-file")
    for key in ("model_name_or_path", "method", "dataset", "data_path", "output_dir"):
        if key not in raw:
            raise UsageError(f"{path}: key {key} is missing.", kind="missing-key")
    return build(MainConfig, raw, str(path))
