"""What experts add to answers, beside their controls, and what an answer takes.

    python -m benchmarks.effect --corpus psgs_w100.tsv --dataset popqa --data_path data/popqa --sample 100
    python -m benchmarks.effect … --topk 1,3,10 --switching token,dragin --passes 3 --out effect-popqa.json

Every way to answer is asked the first questions of the file; retrieval is BM25 over the whole corpus. `…_random`
answers with as many experts of other questions' passages: what they add is the form of an answer, not knowledge.
Prompt, number of passages and weights of experts are chosen on the first half of the questions, and reported on the
second. `--switching` adds methods that retrieve while they answer; experts that such a retrieval lacks are trained on
the spot. Results are kept after each way to answer: a run that was stopped goes on. On a GPU 500
questions take about ten minutes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.effect.cells import TOPK, cells
from benchmarks.effect.measure import Work, measured
from benchmarks.effect.tables import tables
from semoe.experts.preset import load_preset
from semoe.generation.switching.methods import make_method
from semoe.language import Language
from semoe.models.model import load_model
from semoe.published.augment import augment
from semoe.published.augmented_files import questions_of
from semoe.published.encode import encode
from semoe.published.retrieve import retrieve
from semoe.published.settings import StageSettings
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages


def main() -> None:
    """Prepares what is missing, answers in every way, and prints scores and differences."""
    asked = _asked()
    settings = StageSettings(
        root=asked.root_dir,
        model_name=asked.model_name,
        dataset=asked.dataset,
        data_type="total",
        preset=load_preset(asked.preset),
        sample=asked.sample,
    )
    topks = sorted({int(one) for one in asked.topk.split(",")})
    wanted = cells(topks, [one for one in asked.switching.split(",") if one])
    for cell in wanted:
        if how := cell.settings().switching:
            make_method(how, Language())
    retriever = _prepare(settings, asked, max(*topks, TOPK))
    model = load_model(asked.model_name, dtype=getattr(torch, asked.dtype))
    work = Work(
        model=model,
        settings=settings,
        questions=questions_of(settings, "total"),
        retriever=retriever,
        passes=asked.passes,
    )
    out = asked.out or asked.root_dir / f"effect-{asked.dataset}.json"
    found = _kept(out, settings, asked, len(work.questions))
    if "trained" not in found:
        report = encode(model, settings, export=False)
        found["trained"] = report.num_trained + report.num_found
    for cell in wanted:
        if cell.name not in found["cells"]:
            found["cells"][cell.name] = one = measured(cell, work)
            out.write_text(json.dumps(found) + "\n", encoding="utf-8")
            print(f"{cell.name:30} F1 {sum(one['f1']) / len(one['f1']) / 10:5.1f} {one['seconds']:9.4f} s", flush=True)
    print(tables(found))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.effect", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="passages in DPR's format")
    parser.add_argument("--dataset", default="popqa")
    parser.add_argument("--data_path", type=Path, required=True, help="the dataset's folder")
    parser.add_argument("--sample", type=int, default=100, help="first N questions; -1: all")
    parser.add_argument("--topk", default=str(TOPK), help="numbers of passages, with commas")
    parser.add_argument("--switching", default="", help="methods that retrieve while they answer, with commas")
    parser.add_argument("--preset", default="semoe")
    parser.add_argument("--model_name", default="smollm2")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--passes", type=int, default=0, help="write answers again so often, and take their seconds")
    parser.add_argument("--root_dir", type=Path, default=Path("effect_run"))
    parser.add_argument("--out", type=Path, help="where results are kept; default: in --root_dir")
    return parser.parse_args()


def _prepare(settings: StageSettings, asked: argparse.Namespace, topk: int) -> Bm25Retriever:
    """Retrieves and augments what is not there yet."""
    index = settings.root / "index" / "wiki"
    if not index.exists():
        build_index(read_passages(asked.corpus), index)
    retriever = Bm25Retriever(index)
    retrieve(retriever, settings, asked.data_path, topk=topk)
    augment(settings, topk=topk)
    return retriever


def _kept(out: Path, settings: StageSettings, asked: argparse.Namespace, number: int) -> dict[str, Any]:
    """Returns the results that are there, if they are of the same questions and recipe."""
    of = {
        "dataset": settings.dataset,
        "questions": number,
        "model": settings.model_name,
        "preset": settings.preset.name,
        "dtype": asked.dtype,
    }
    if not out.exists():
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
        return {"of": of, "device": device, "torch": torch.__version__, "cells": {}}
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    if found["of"] != of:
        raise SystemExit(f"{out} is of {found['of']}, asked is {of}. Give another --out.")
    return found


if __name__ == "__main__":
    main()
