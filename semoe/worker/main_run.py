"""Stage `main`: the published run, from a JSON config to a numbered output folder.

Reads every published key; an unknown one is an error that names the nearest. Methods that switch while answering are
named as missing rather than ignored.
"""

from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from semoe.datasets import Question, load_dataset
from semoe.errors import UsageError, unknown_name
from semoe.experts.preset import build
from semoe.files import read_json, write_bytes, write_json
from semoe.generation import Engine, Request
from semoe.models import load_model
from semoe.prompts.exemplars import SHIPPED, load_exemplars
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.retrieval import RetrievalConfig, Retrieved, retrievers
from semoe.telemetry import progress

READY = ("non-retrieval", "single-retrieval")
METHODS = (*READY, "token", "fix-sentence-retrieval", "fix-length-retrieval", "dragin")
CHUNK = 32


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

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown_name("method", self.method, METHODS)
        if self.method not in READY:
            raise UsageError(
                f"method {self.method!r} is not there yet. Ready: {', '.join(READY)}.",
                kind="method-not-ready",
            )
        if self.generate_max_length < 1 or self.retrieve_topk < 1:
            raise UsageError("generate_max_length and retrieve_topk must be 1 or more.", kind="bad-value")


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
    folder = _next_folder(Path(config.output_dir))
    write_json(folder / "config.json", asdict(config) | {"output_dir": str(folder)})
    model, lines = load_model(config.model_name_or_path), list[bytes]()
    engine = Engine(model.decoder, None, eos_ids=model.tokenizer.eos_ids, max_rows=CHUNK)
    with progress("main", len(questions), "questions") as advance:
        for start in range(0, len(questions), CHUNK):
            chunk = questions[start : start + CHUNK]
            hits = _retrieve(config, index_dir, chunk)
            requests = [_request(config, model.tokenizer, q, own) for q, own in zip(chunk, hits, strict=True)]
            for question, own, answer in zip(chunk, hits, engine.generate(requests), strict=True):
                text = model.tokenizer.decode(list(answer.tokens)).strip()
                lines.append(orjson.dumps(_line(config, question, own, text, len(answer.tokens))) + b"\n")
            write_bytes(folder / "output.jsonl", b"".join(lines))
            advance(len(chunk))
    return {"questions": len(questions), "folder": folder}


def _retrieve(config: MainConfig, index_dir: Path, questions: list[Question]) -> list[list[Retrieved]]:
    if config.method == "non-retrieval":
        return [[] for _ in questions]
    where = RetrievalConfig(index_dir=index_dir, index_name=config.es_index_name)
    return retrievers[config.retriever.lower()](where).search([q.question for q in questions], config.retrieve_topk)


def _request(config: MainConfig, tokenizer: Any, question: Question, hits: list[Retrieved]) -> Request:
    worked = load_exemplars(config.dataset)[: config.fewshot] if config.dataset in SHIPPED else ()
    texts = [hit.passage.text for hit in hits]
    template = load_template("published")
    ids = prompt_ids(tokenizer, template, question.question, texts, exemplars=worked, cot=bool(worked))
    return Request(prompt=tuple(ids), max_new_tokens=config.generate_max_length)


def _line(config: MainConfig, question: Question, hits: list[Retrieved], text: str, num_tokens: int) -> dict[str, Any]:
    line = {"qid": question.qid, "prediction": text, "rel_psgs": [hit.passage.text for hit in hits]}
    if not config.use_counter:
        return line
    counters = {"retrieve_count": int(bool(hits)), "generate_count": 1, "hallucinated_count": 0}
    return line | counters | {"token_count": num_tokens, "sentence_count": _num_sentences(text)}


def _num_sentences(text: str) -> int:
    return sum(bool(part.strip()) for part in text.replace("!", ".").replace("?", ".").split("."))


def _next_folder(parent: Path) -> Path:
    return next(parent / str(n) for n in count() if not (parent / str(n)).exists())
