"""Stage `main`: the published run, from a JSON config to a numbered output folder.

Reads every published key; an unknown one is an error that names the nearest. The keys below the line are ours: which
experts, from where, and what bounds the switches.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from semoe.datasets import Question, load_dataset
from semoe.errors import UsageError, unknown_name
from semoe.experts.preset import build, load_preset
from semoe.files import read_json, write_bytes, write_json
from semoe.generation import Engine
from semoe.generation.switching import Answered, Switching, SwitchSettings, make_method, methods
from semoe.language import Language
from semoe.models import Model, load_model
from semoe.prompts.exemplars import SHIPPED, Exemplar, load_exemplars
from semoe.retrieval import Nothing, RetrievalConfig, Retriever, retrievers
from semoe.stages.answer import trace_of
from semoe.stages.augment import who_augments
from semoe.stages.inference_settings import METHODS, InferenceSettings
from semoe.stages.on_the_spot import OnTheSpot
from semoe.stages.recipe import Recipe
from semoe.stages.requests import Acting
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import open_objects
from semoe.store.space import Experts
from semoe.telemetry import progress

log = logging.getLogger(__name__)
ROWS, CHUNK = 32, 128
"""Answered at once; written to the output at once."""


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


def run_main(config: MainConfig, index_dir: Path) -> dict[str, Any]:
    """Answers the dataset; writes config.json and output.jsonl as it goes."""
    questions = load_dataset(config.dataset, Path(config.data_path), sample=config.sample, shuffle=config.shuffle)
    switching = _switching(config, load_model(config.model_name_or_path), index_dir)
    folder, lines = _next_folder(Path(config.output_dir)), list[bytes]()
    # With what the method really had: a formulation that makes no sense with it was replaced.
    said = asdict(config) | asdict(config.switching) | {"output_dir": str(folder)}
    write_json(folder / "config.json", said)
    with progress(f"main {config.method}", len(questions), "questions") as advance:
        for start in range(0, len(questions), CHUNK):
            chunk = questions[start : start + CHUNK]
            found = switching.answer([question.question for question in chunk], lambda index, answered: advance())
            for question, answered in zip(chunk, found, strict=True):
                lines.append(orjson.dumps(_line(config, question, answered)) + b"\n")
            write_bytes(folder / "output.jsonl", b"".join(lines))
    return {"questions": len(questions), "folder": folder}


def _switching(config: MainConfig, model: Model, index_dir: Path) -> Switching:
    how = InferenceSettings(inference_method=config.inference_method)
    preset = load_preset(config.preset)
    recipe = Recipe(
        model_name=config.model_name_or_path,
        preset=replace(preset, answering=replace(preset.answering, template="published")),
        augmented_by=who_augments(preset, config.model_name_or_path, config.augment_model),
    )
    store = ExpertStore(open_objects(config.store), recipe.space(model).name) if how.loads_experts else None
    acting = Acting(
        model=model,
        recipe=recipe,
        experts=Experts(store, recipe.layout(model)) if store else None,
        shows_passages=how.shows_passages,
        loads_experts=how.loads_experts,
        merge=preset.answering.merge,
        exemplars=_exemplars(config),
        missing=config.missing,
        make_experts=OnTheSpot.of(model, recipe, store, config.switching, run="main") if store else None,
    )
    layout = recipe.layout(model) if how.loads_experts else None
    return Switching(
        engine=Engine(model.decoder, layout, eos_ids=model.tokenizer.eos_ids, max_rows=ROWS),
        decoder=model.decoder,
        tokenizer=model.tokenizer,
        language=Language(),
        retriever=_retriever(config, index_dir),
        act=acting,
        settings=config.switching,
    )


def _retriever(config: MainConfig, index_dir: Path) -> Retriever:
    if config.method == "non-retrieval":
        return Nothing()
    where = RetrievalConfig(index_dir=index_dir, index_name=config.es_index_name)
    return retrievers[config.retriever.lower()](where)


def _exemplars(config: MainConfig) -> Sequence[Exemplar]:
    found = load_exemplars(config.dataset)[: config.fewshot] if config.dataset in SHIPPED else ()
    if len(found) < config.fewshot:
        log.warning("fewshot is %d, but %s has %d worked examples here.", config.fewshot, config.dataset, len(found))
    return found


def _line(config: MainConfig, question: Question, answered: Answered) -> dict[str, Any]:
    texts = dict.fromkeys(hit.text for switch in answered.switches for hit in switch.passages)
    line = {"qid": question.qid, "prediction": answered.text.strip(), "rel_psgs": list(texts), "text": answered.text}
    counters = {f"{name}_count": value for name, value in asdict(answered.counters).items()}
    return line | (counters if config.use_counter else {}) | trace_of(answered)


def _next_folder(parent: Path) -> Path:
    return next(parent / str(n) for n in count() if not (parent / str(n)).exists())
