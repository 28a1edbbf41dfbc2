"""Answers real questions on one GPU: F1 beside seconds, retrieving while writing beside one go, GPU beside CPU.

    semoe index … ; semoe retrieve … ; semoe augment …
    python -m benchmarks.gpu.questions --root_dir . --index_dir index/wiki --dataset popqa --sample 200 --out found.json

On a GPU every answer is written six times, and the median of the last five counts: kernels are compiled, experts are in
the host's memory; texts are read anew. Experts are trained there first, those also that a method finds only while it
writes; a CPU answers with the same ones. Results join those that are there.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from semoe.datasets.augmented import Task
from semoe.evaluation.bootstrap import interval
from semoe.experts.preset import Preset, load_preset
from semoe.experts.settings import Quantization
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.trace import Answered
from semoe.models.model import Model, load_model
from semoe.published.augmented_files import questions_of
from semoe.published.encode import encode
from semoe.published.settings import StageSettings
from semoe.retrieval.bm25 import Bm25Retriever
from semoe.stages.answer import Answerer
from semoe.stages.answer_record import AnswerRecord
from semoe.stages.inference_settings import InferenceSettings
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import open_objects

ONE_GO = "none", "icl", "prag", "combine"
WHILE_WRITING = "token-prag", "token-combine"
TIMES = 5
LENGTH = 48
"""Tokens of an answer, at most, in one go and while retrieving."""
HOW = SwitchSettings(method="token", query_formulation="forward_all", generate_max_length=LENGTH)


def main() -> None:
    """Trains, answers, and writes what was found, answers included."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root_dir", type=Path, required=True, help="holds retrieved/ and data_aug/")
    parser.add_argument("--index_dir", type=Path, required=True, help="the BM25 index of the corpus")
    parser.add_argument("--dataset", default="popqa")
    parser.add_argument("--sample", type=int, default=200, help="first N questions")
    parser.add_argument("--model_name", default="smollm2")
    parser.add_argument(
        "--on",
        default="cuda:float32,cuda:bfloat16,cuda:bfloat16:float8,cpu:float32",
        help="devices, their types, and the quantization of answers",
    )
    parser.add_argument("--methods", default=",".join(ONE_GO + WHILE_WRITING), help="some of the methods")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    settings = StageSettings(
        root=asked.root_dir, dataset=asked.dataset, sample=asked.sample, data_type="total",
        model_name=asked.model_name, preset=load_preset("semoe"),
    )  # fmt: skip
    retriever = Bm25Retriever(asked.index_dir)
    found: dict[str, Any] = {"torch": torch.__version__, "questions": asked.sample, "training": {}, "answers": {}}
    if asked.out.exists():
        before = json.loads(asked.out.read_text(encoding="utf-8"))
        if before["questions"] != asked.sample:
            raise SystemExit(f"{asked.out} is of {before['questions']} questions. Give another --out.")
        found = before | {"torch": torch.__version__}
    fresh = set[str]()
    for on in asked.on.split(","):
        device, dtype, *quantization = on.split(":")
        settings = replace(settings, preset=_quantized(load_preset("semoe"), *quantization))
        model = load_model(asked.model_name, dtype=getattr(torch, dtype), device=device)
        if device != "cpu" and dtype not in fresh:
            found["training"][dtype] = trained(model, settings)
            _fill(model, settings, retriever)
            fresh.add(dtype)
        if on == "cuda:float32":
            found["calm"] = calm(model, settings, retriever)
        answered = _answered(asked.methods.split(","), model, settings, retriever)
        found["answers"][on] = found["answers"].get(on, {}) | answered
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def _quantized(preset: Preset, quantization: Quantization = "none") -> Preset:
    return replace(preset, answering=replace(preset.answering, quantization=quantization))


def trained(model: Model, settings: StageSettings) -> dict[str, float]:
    """Trains the experts of the passages that were retrieved for the questions; returns how many a second."""
    began = time.perf_counter()
    report = encode(model, settings, export=False)
    seconds = time.perf_counter() - began
    return {"experts": report.num_trained, "seconds": seconds}


def _fill(model: Model, settings: StageSettings, retriever: Bm25Retriever) -> None:
    """Trains the experts that are found only while answers are written."""
    for name in WHILE_WRITING:
        _answerer(name, model, settings, retriever, missing="train").answer(_tasks(settings))


def _answered(methods: list[str], model: Model, settings: StageSettings, retriever: Bm25Retriever) -> dict[str, Any]:
    found = {}
    for name in methods:
        answerer = _answerer(name, model, settings, retriever)
        seconds = []
        if model.decoder.device.type != "cpu":
            answerer.answer(_tasks(settings))
        for _ in range(1 if model.decoder.device.type == "cpu" else TIMES):
            answerer.language.forget()
            began = time.perf_counter()
            records = answerer.answer(_tasks(settings))
            seconds.append(time.perf_counter() - began)
        found[name] = _figures(records, statistics.median(seconds)) | {"all_seconds": seconds}
        print(f"{name:16} {found[name]['seconds']:8.2f} s   F1 {found[name]['f1']:.1f}", flush=True)
    return found


def _answerer(
    name: str, model: Model, settings: StageSettings, retriever: Bm25Retriever, missing: str = "skip"
) -> Answerer:
    how = replace(HOW, missing=missing) if name in WHILE_WRITING else None
    one = replace(InferenceSettings.of(name, how), max_new_tokens=None if how else LENGTH)
    return Answerer.of(
        model,
        settings.recipe,
        one,
        _experts(model, settings) if one.loads_experts else None,
        run="benchmark",
        retriever=retriever,
    )


def _experts(model: Model, settings: StageSettings) -> ExpertStore:
    return ExpertStore(open_objects(settings.store_url), settings.recipe.space(model).name)


def _tasks(settings: StageSettings) -> list[Task]:
    return [Task(did=did, question=one) for did, one in enumerate(questions_of(settings, "total"))]


def calm(model: Model, settings: StageSettings, retriever: Bm25Retriever, threshold: float = 0.5) -> dict[str, float]:
    """Returns how many rows never switch where others do, and how much later they end than where none switches."""
    questions = [one.question for one in questions_of(settings, "total")]

    def written(threshold: float) -> tuple[list[Answered], dict[int, float]]:
        how = replace(HOW, hallucination_threshold=threshold)
        one = InferenceSettings(inference_method="prag", switching=how)
        store = _experts(model, settings)
        answerer = Answerer.of(model, settings.recipe, one, store, run="benchmark", retriever=retriever)
        answerer.write(questions)
        answerer.language.forget()
        ends: dict[int, float] = {}
        began = time.perf_counter()
        found = answerer.write(questions, lambda index, _: ends.update({index: time.perf_counter() - began}))
        return found, ends

    (some, ends), (none, plain_ends) = written(threshold), written(1.0)
    rows = [index for index, one in enumerate(some) if not one.switches and not none[index].switches]
    later = sum(ends[index] / plain_ends[index] for index in rows) / max(1, len(rows))
    return {"rows": len(rows), "times_as_late": later, "switching": sum(bool(one.switches) for one in some)}


def _figures(records: list[AnswerRecord], seconds: float) -> dict[str, Any]:
    f1 = interval([100 * record.scores.f1 for record in records])
    traces = [record.trace for record in records if record.trace]
    return {
        "seconds": seconds,
        "f1": f1.mean,
        "f1_low": f1.low,
        "f1_high": f1.high,
        "retrievals": sum(trace.counters.retrieve for trace in traces) / len(records),
        "switches": sum(len(trace.switches) for trace in traces) / len(records),
        "texts": [record.text for record in records],
    }


def table(found: dict[str, Any]) -> str:
    """Returns F1 and seconds of every method, and how many texts are those of the first device."""
    lines = [
        "| | F1 [95 %] | seconds | times one go | retrievals a question | other texts |",
        "|---|---|---|---|---|---|",
    ]
    first = next(iter(found["answers"].values()))
    for device, methods in found["answers"].items():
        for name, one in methods.items():
            go = methods.get(name.partition("-")[2])
            times = f"{one['seconds'] / go['seconds']:.2f}" if go else ""
            others = _other_texts(one, first.get(name, {}))
            lines.append(
                f"| {device}, {name} | {one['f1']:.1f} [{one['f1_low']:.1f}, {one['f1_high']:.1f}] | "
                f"{one['seconds']:.2f} | {times} | {one['retrievals']:.2f} | {others} |"
            )
    return "\n".join(lines)


def _other_texts(one: dict[str, Any], first: dict[str, Any]) -> int | str:
    """Results that are kept have lost their texts, and say how many differed."""
    if "texts" in one and "texts" in first:
        return sum(bool(a != b) for a, b in zip(one["texts"], first["texts"], strict=True))
    return str(one.get("other_texts", ""))


if __name__ == "__main__":
    main()
