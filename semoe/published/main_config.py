"""The published JSON config of `main`: every published key; an unknown one is an error that names the nearest.

The keys from `inference_method` on are ours: which experts, from where, and what bounds the switches. Where `inference`
has another default of its own (`entityless`, `after_retrieval`, `closing`), a config here means what is published.
"""

import logging
from dataclasses import dataclass, fields
from pathlib import Path

from semoe.errors import UsageError, unknown_name
from semoe.files import read_json
from semoe.generation.switching.methods import known_method, make_method, methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.retrieval.dense import SGPT
from semoe.retrieval.retriever import RERANKER
from semoe.retrieval.retrievers import parts_of
from semoe.stages.inference_settings import METHODS
from semoe.typed import build

log = logging.getLogger(__name__)


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
    sgpt_model_name_or_path: str = ""
    """Encoder of the retriever SGPT; its vectors are made by `index`."""
    sgpt_encode_file_path: str = ""
    passage_file: str = ""
    """Vectors and passages in the published code's own files, whose encoder was never published; not read."""
    reranker: str = RERANKER
    """For a retriever with `/rerank`."""
    es_index_name: str = "wiki"
    retrieve_topk: int = 3
    hallucination_threshold: float = 0.1
    use_counter: bool = True
    sentence_solver: str = "avg"
    entity_solver: str = "avg"
    retrieve_keep_top_k: int = 35
    retrieve_keep_ratio: float | None = None
    """Counts where no retrieve_keep_top_k is given, as published."""
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
    snapshot: str = ""
    """The state of their space to read, or the beginning of its name; empty: as the space is."""
    missing: str = "skip"
    entityless: str = "skip"
    after_retrieval: str = "accept"
    closing: str = "published"
    max_switches: int = 8

    def __post_init__(self) -> None:
        if self.inference_method not in METHODS:
            raise unknown_name("inference_method", self.inference_method, METHODS)
        if self.fewshot < 0:
            raise UsageError(f"fewshot must be 0 or more, not {self.fewshot}.", kind="bad-value")
        # Before a model is loaded, though a method that never retrieves would open none.
        parts_of(self.searches)
        if self.is_sgpt and not self.sgpt_model_name_or_path:
            raise UsageError("retriever SGPT needs sgpt_model_name_or_path: the model that encodes.", kind="options")
        make_method(self.switching, Language())

    @property
    def is_sgpt(self) -> bool:
        """Whether it retrieves as the published code does with SGPT."""
        return self.retriever.lower() == "sgpt"

    @property
    def searches(self) -> str:
        """The retriever by our name."""
        return "dense" if self.is_sgpt else self.retriever

    @property
    def encoder(self) -> str | None:
        """Of its vectors; None: whatever made them."""
        return f"{SGPT}{self.sgpt_model_name_or_path}" if self.is_sgpt else None

    @property
    def switching(self) -> SwitchSettings:
        """The part that decides when and with what to retrieve.

        The published configs say `direct` for methods that have no use for it; `dragin`, which has no `direct`, then
        takes its own first formulation.
        """
        own = {one.name: getattr(self, one.name) for one in fields(SwitchSettings)}
        own["method"] = known_method(self.method)
        formulations = methods[own["method"]].formulations
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
    if raw.get("method") == "token" and "entity_solver" not in raw:
        log.warning(
            "%s: method token looks at names, as SparseMoE's does. DRAGIN's FLARE.json mean all tokens by it: write "
            "all-tokens in one of those.",
            path,
        )
    # A run of the published code keeps its configuration with the path that it was read from.
    passed_over = {"config_path"} | ({"retrieve_keep_ratio"} if "retrieve_keep_top_k" in raw else set())
    return build(MainConfig, {key: value for key, value in raw.items() if key not in passed_over}, str(path))
