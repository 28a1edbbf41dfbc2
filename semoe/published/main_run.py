"""The verb `main`: the published run, from a JSON config to a numbered output folder."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.evaluation.overflow import Fit, Overflow, told
from semoe.experts.preset import Preset, load_preset
from semoe.files import write_bytes, write_json
from semoe.generation.switching.trace import Answered
from semoe.models.model import load_model
from semoe.prompts.exemplars import Exemplar, has_exemplars, load_exemplars
from semoe.prompts.template import load_template
from semoe.published.main_config import MainConfig
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages.answer import Answerer
from semoe.stages.answer_record import fit_of
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import switching_retriever
from semoe.store.base_weights import settled
from semoe.store.kept_states import open_to_answer
from semoe.store.objects import open_objects
from semoe.store.state import StoreState
from semoe.telemetry.progress import progress

log = logging.getLogger(__name__)
PROMPT = "published"
"""The template that `main` asks with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MainReport:
    """What `main` did."""

    questions: int
    folder: Path
    short_of_passages: int
    """Questions that lost passages; see `Overflow`, as for the next three."""
    dropped_passages: int
    cut_answers: int
    not_asked: int


def run_main(config: MainConfig, index_dir: Path) -> MainReport:
    """Answers the dataset; writes config.json and output.jsonl as it goes."""
    questions = load_dataset(config.dataset, Path(config.data_path), sample=config.sample, shuffle=config.shuffle)
    answerer = _answerer(config, index_dir)
    size = answerer.num_at_once
    folder = _next_folder(Path(config.output_dir))
    lines: list[bytes] = []
    fits: list[tuple[str, Fit]] = []
    # With what the method really had: a formulation that makes no sense with it was replaced.
    said = asdict(config) | asdict(config.switching) | {"output_dir": str(folder)}
    write_json(folder / "config.json", said)
    with progress(f"main {config.method}", len(questions), "questions") as advance:
        for start in range(0, len(questions), size):
            chunk = questions[start : start + size]
            found = answerer.write([question.question for question in chunk], lambda index, answered: advance())
            for question, answered in zip(chunk, found, strict=True):
                lines.append(orjson.dumps(_line(config, question, answered, answerer.state)) + b"\n")
                fits.append((f"question {question.qid}", fit_of(answered)))
            write_bytes(folder / "output.jsonl", b"".join(lines))
    if warning := told(fits, answerer.model.decoder.config.context):
        log.warning(warning)
    overflow = asdict(Overflow.of(fit for _, fit in fits))
    return MainReport(questions=len(questions), folder=folder, **overflow)


def _answerer(config: MainConfig, index_dir: Path) -> Answerer:
    how = InferenceSettings(
        inference_method=config.inference_method, switching=config.switching, snapshot=config.snapshot
    )
    where = RetrievalConfig(
        index_dir=index_dir, index_name=config.es_index_name, encoder=config.encoder, reranker=config.reranker
    )
    # Whatever may be wrong with the rest is told before a model is loaded.
    objects = open_objects(config.store) if how.loads_experts else None
    preset = _preset(config.preset)
    if objects:
        preset = settled(preset, config.model_name_or_path, objects)
    recipe = Recipe.of(config.model_name_or_path, preset, augment_model=config.augment_model)
    retriever = switching_retriever(config.searches, where, config.switching)
    exemplars = _exemplars(config)
    model = load_model(config.model_name_or_path, template_arguments=recipe.preset.chat.values())
    store = open_to_answer(objects, recipe.space(model).name, how.snapshot) if objects else None
    return Answerer.of(model, recipe, how, store, run="main", retriever=retriever, exemplars=exemplars)


def _preset(name_or_path: str) -> Preset:
    """Returns a preset, with which questions are asked as the published runs do, unless it names a template file.

    A preset is named for its experts: that a shipped one asks otherwise in `inference` is not meant here.
    """
    preset = load_preset(name_or_path)
    template = preset.answering.template
    if template.endswith(".jinja"):
        load_template(template)
        return preset
    if name_or_path.endswith(".toml") and template != PROMPT:
        log.warning(
            "main asks with the prompt template %s, not with %s of %s. To ask otherwise give its [answering] a "
            "template file of yours, NAME.jinja.",
            PROMPT,
            template,
            name_or_path,
        )
    return replace(preset, answering=replace(preset.answering, template=PROMPT))


def _exemplars(config: MainConfig) -> Sequence[Exemplar]:
    found = load_exemplars(config.dataset)[: config.fewshot] if has_exemplars(config.dataset) else ()
    if len(found) < config.fewshot:
        log.warning("fewshot is %d, but %s has %d worked examples here.", config.fewshot, config.dataset, len(found))
    return found


def _line(config: MainConfig, question: Question, answered: Answered, state: StoreState | None) -> dict[str, Any]:
    trace = answered.trace
    texts = dict.fromkeys(hit.text for switch in trace.switches for hit in switch.passages)
    line = {"qid": question.qid, "prediction": answered.text.strip(), "rel_psgs": list(texts), "text": answered.text}
    counters = {f"{name}_count": value for name, value in asdict(trace.counters).items()}
    read = {"state": asdict(state)} if state else {}
    return line | (counters if config.use_counter else {}) | fit_of(answered)._asdict() | asdict(trace) | read


def _next_folder(parent: Path) -> Path:
    return next(parent / str(n) for n in count() if not (parent / str(n)).exists())
