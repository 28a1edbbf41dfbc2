"""Stage `inference`: answers each question with passages, experts, both or neither, and scores the answers.

Files are written as the work goes, after each batch of questions; a run that was stopped goes on, and one with other
settings starts anew. Knows the published output layout; the engine knows nothing of it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from semoe.datasets import AugmentedPassage, AugmentedQuestion
from semoe.errors import UsageError, unknown_name
from semoe.evaluation import Scores, extractors, mean_scores, score
from semoe.experts.layout import ExpertLayout
from semoe.files import read_json, write_json, write_text
from semoe.generation import Engine, Request, merge_rules
from semoe.models import Model
from semoe.prompts.exemplars import load_exemplars
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.store import read_expert
from semoe.telemetry import progress
from semoe.worker.encode import expert_space, questions_of
from semoe.worker.settings import StageSettings

METHODS = ("none", "icl", "prag", "combine")
CONTROLS = ("own", "random")


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceSettings:
    """How questions are answered; the defaults of merge, extraction and length are the preset's."""

    inference_method: str = "combine"
    experts: str = "own"
    """`own`, or `random`: as many experts of other questions' passages, the control of every claim."""
    merge: str | None = None
    extraction: str | None = None
    max_new_tokens: int | None = None
    batch_size: int = 32
    seed: int = 42

    def __post_init__(self) -> None:
        if self.inference_method not in METHODS:
            raise unknown_name("inference_method", self.inference_method, METHODS)
        if self.experts not in CONTROLS:
            raise unknown_name("experts", self.experts, CONTROLS)

    @property
    def folder_name(self) -> str:
        """The method's folder; a control has its own."""
        return self.inference_method if self.experts == "own" else f"{self.inference_method}_{self.experts}"


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceReport:
    """What one data type's answers came to."""

    data_type: str
    scores: Scores
    num_questions: int
    num_experts: int
    """Experts used, repetitions counted."""
    folder: Path
    records: list[dict[str, Any]] = field(repr=False)


class ExpertReader:
    """Reads experts of one space by passage folder, each once."""

    def __init__(self, layout: ExpertLayout, settings: StageSettings, space: str) -> None:
        self._layout, self._settings, self._space = layout, settings, space
        self._read: dict[Path, Tensor] = {}

    def __call__(self, folder: Path) -> Tensor | None:
        """Returns the expert, or None for a passage that gave nothing to learn."""
        if not folder.exists():
            return None
        home = (folder / "adapter_model.safetensors").resolve()
        if home not in self._read:
            model = self._settings.model_name
            self._read[home] = read_expert(folder, self._layout, base_model=model, space=self._space)
        return self._read[home]


def inference(model: Model, settings: StageSettings, how: InferenceSettings) -> list[InferenceReport]:
    """Answers the questions of every data type.

    Raises:
        UsageError: the augmentation or all experts are missing, or an expert does not fit.
    """
    types = settings.types_in(settings.augmented_folder, "augment")
    layout = ExpertLayout(model.decoder.config, settings.preset.lora)
    reader = ExpertReader(layout, settings, expert_space(model, settings).name)
    return [_answer_type(model, settings.of_type(data_type), how, layout, reader, data_type) for data_type in types]


def _answer_type(
    model: Model,
    settings: StageSettings,
    how: InferenceSettings,
    layout: ExpertLayout,
    reader: ExpertReader,
    data_type: str,
) -> InferenceReport:
    questions = questions_of(settings, data_type)
    folder = settings.offline_name(data_type).output(settings.root, how.folder_name)
    records = _resume(folder, _config(settings, how, reader))
    open_rows = [did for did in range(len(questions)) if str(did) not in records]
    engine = Engine(model.decoder, layout, eos_ids=model.tokenizer.eos_ids, max_rows=how.batch_size)
    with progress(f"inference {how.folder_name} {data_type}", len(open_rows), "questions") as advance:
        for start in range(0, len(open_rows), how.batch_size):
            dids = open_rows[start : start + how.batch_size]
            requests = [_request(model, settings, how, reader, data_type, questions, did) for did in dids]
            for did, request, answer in zip(dids, requests, engine.generate(requests), strict=True):
                text = model.tokenizer.decode(list(answer.tokens))
                records[str(did)] = _score(questions[did], text, settings, how) | {"num_experts": len(request.experts)}
            _write(folder, records, _config(settings, how, reader))
            advance(len(dids))
    chosen = [records[str(did)] for did in range(len(questions))]
    return InferenceReport(
        data_type=data_type,
        scores=mean_scores([_scores(record) for record in chosen]),
        num_questions=len(chosen),
        num_experts=sum(record["num_experts"] for record in chosen),
        folder=folder,
        records=chosen,
    )


def _request(
    model: Model,
    settings: StageSettings,
    how: InferenceSettings,
    reader: ExpertReader,
    data_type: str,
    questions: Sequence[AugmentedQuestion],
    did: int,
) -> Request:
    question, answering = questions[did], settings.preset.answering
    template = load_template(answering.template)
    shown = [p for p in question.passages if how.inference_method in ("icl", "combine")]
    ids = prompt_ids(
        model.tokenizer,
        template,
        question.question,
        [_shown(passage, template.shows_title) for passage in shown],
        exemplars=load_exemplars(settings.dataset) if settings.with_cot else (),
        cot=settings.with_cot,
    )
    experts, weights = _experts(settings, how, reader, data_type, questions, did)
    length = how.max_new_tokens or answering.max_new_tokens
    return Request(prompt=tuple(ids), experts=experts, weights=weights, max_new_tokens=length)


def _experts(
    settings: StageSettings,
    how: InferenceSettings,
    reader: ExpertReader,
    data_type: str,
    questions: Sequence[AugmentedQuestion],
    did: int,
) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
    """Returns a question's experts and merge weights; none for the methods that load none."""
    if how.inference_method not in ("prag", "combine") or not questions[did].passages:
        return (), ()
    name = settings.offline_name(data_type)
    weights = merge_rules[how.merge or settings.preset.answering.merge]([p.score for p in questions[did].passages])
    places = [(did, passage.pid) for passage in questions[did].passages]
    if how.experts == "random":
        others = [(d, p.pid) for d, q in enumerate(questions) if d != did for p in q.passages]
        places = random.Random(f"{how.seed} {did}").sample(others, min(len(places), len(others)))
    loaded = [(reader(name.passage(settings.root, d, p)), w) for (d, p), w in zip(places, weights, strict=False)]
    kept = [(expert, weight) for expert, weight in loaded if expert is not None]
    if not kept and not name.folder(settings.root).exists():
        raise UsageError(f"No experts in {name.folder(settings.root)}. Run `semoe encode` first.", kind="missing-stage")
    return tuple(expert for expert, _ in kept), tuple(weight for _, weight in kept)


def _shown(passage: AugmentedPassage, with_title: bool) -> str:
    """The published prompt shows the text alone; ours puts the title before a text that does not open with it."""
    if not with_title or not passage.title or passage.passage.startswith(passage.title):
        return passage.passage
    return f"{passage.title}\n{passage.passage}"


def _score(question: AugmentedQuestion, text: str, settings: StageSettings, how: InferenceSettings) -> dict[str, Any]:
    name = how.extraction or settings.preset.answering.extraction
    name = "published_cot" if name == "published" and settings.with_cot else name
    predicted = extractors[name](text, question.question)
    scores = score(predicted, question.answers)
    return {
        "test_id": question.test_id,
        "question": question.question,
        "answer": list(question.answers),
        "text": text,
        "eval_predict": predicted,
        "em": str(scores.em),
        "f1": str(scores.f1),
        "prec": str(scores.precision),
        "recall": str(scores.recall),
    }


def _scores(record: dict[str, Any]) -> Scores:
    return Scores(*(float(record[name]) for name in ("em", "f1", "prec", "recall")))


def _config(settings: StageSettings, how: InferenceSettings, reader: ExpertReader) -> dict[str, Any]:
    """What decides an answer; a record made with other values is not reused."""
    answering = settings.preset.answering
    return {
        "model_name": settings.model_name,
        "dataset": settings.dataset,
        "data_type": settings.data_type,
        "with_cot": settings.with_cot,
        "augment_model": settings.augmented_by,
        "lora_rank": settings.preset.lora.rank,
        "lora_alpha": settings.preset.lora.alpha,
        "learning_rate": settings.preset.training.learning_rate,
        "num_train_epochs": settings.preset.training.num_epochs,
        "preset": settings.preset.name,
        "space": reader._space,
        "inference_method": how.inference_method,
        "experts": how.experts,
        "template": answering.template,
        "merge": how.merge or answering.merge,
        "extraction": how.extraction or answering.extraction,
        "max_new_tokens": how.max_new_tokens or answering.max_new_tokens,
    }


def _resume(folder: Path, config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the records of an earlier run with the same settings, by position."""
    if not (folder / "predict.json").exists() or read_json(folder / "config.json") != config:
        return {}
    return {str(record.pop("did")): record for record in read_json(folder / "predict.json")}


def _write(folder: Path, records: dict[str, dict[str, Any]], config: dict[str, Any]) -> None:
    write_json(folder / "config.json", config)
    ordered = sorted(records.items(), key=lambda item: int(item[0]))
    write_json(folder / "predict.json", [record | {"did": int(did)} for did, record in ordered])
    mean = mean_scores([_scores(record) for record in records.values()])
    lines = zip(("em", "f1", "prec", "recall"), mean, strict=True)
    write_text(folder / "result.txt", "".join(f"{name}\t{round(value, 4)}\n" for name, value in lines))
