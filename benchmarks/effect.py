"""What experts add to answers, beside their control. About an hour on 2 cores for 100 questions.

    python -m benchmarks.effect --corpus psgs_w100.tsv --popqa data/popqa --sample 100

Questions are the first of the file, retrieval is BM25 over the whole corpus. `…_random` answers with as many experts
of other questions' passages: what they add is the form of an answer, not knowledge. A run that was stopped goes on.
"""

import argparse
from pathlib import Path

from semoe.augment import AugmentSettings
from semoe.evaluation import interval, paired_bootstrap
from semoe.experts.preset import load_preset
from semoe.models import load_model
from semoe.retrieval import Bm25Retriever, build_index, read_passages
from semoe.worker.answer import InferenceSettings
from semoe.worker.augment import augment
from semoe.worker.encode import encode
from semoe.worker.inference import inference
from semoe.worker.retrieve import retrieve
from semoe.worker.settings import StageSettings

TOPK = 3
DIFFERENCES = (
    ("prag", "none"),
    ("prag", "prag_random"),
    ("combine", "icl"),
    ("combine", "combine_random"),
)


def main() -> None:
    """Prepares what is missing, answers with every method, and prints scores and differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="passages in DPR's format")
    parser.add_argument("--popqa", type=Path, required=True, help="folder with popQA.tsv")
    parser.add_argument("--sample", type=int, default=100, help="first N questions")
    parser.add_argument("--preset", default="semoe")
    parser.add_argument("--model_name", default="smollm2")
    parser.add_argument("--root_dir", type=Path, default=Path("effect_run"))
    options = parser.parse_args()
    settings = StageSettings(
        root=options.root_dir / f"sample={options.sample}",
        model_name=options.model_name,
        dataset="popqa",
        preset=load_preset(options.preset),
        sample=options.sample,
    )
    report(prepare_and_answer(settings, options.corpus, options.popqa), options)


def prepare_and_answer(settings: StageSettings, corpus: Path, popqa: Path) -> dict[str, list[float]]:
    """Returns each question's F1 in percent, by method."""
    index = settings.root.parent / "index"
    if not index.exists():
        build_index(read_passages(corpus), index)
    retrieve(Bm25Retriever(index), settings, popqa, topk=TOPK)
    recipe = settings.preset.augmentation
    how = AugmentSettings(augmenter=recipe.kind, model=settings.model_name, max_pairs=recipe.max_pairs)
    augment(how, settings, topk=TOPK)
    model = load_model(settings.model_name)
    encode(model, settings)
    methods = [InferenceSettings(inference_method=method) for method in ("none", "icl", "prag", "combine")]
    methods += [InferenceSettings(inference_method=method, experts="random") for method in ("prag", "combine")]
    return {
        method.folder_name: [
            100 * float(r["f1"]) for found in inference(model, settings, method) for r in found.records
        ]
        for method in methods
    }


def report(f1: dict[str, list[float]], options: argparse.Namespace) -> None:
    """Prints the table, and the differences over the same questions."""
    print(f"\nPopQA, {len(f1['none'])} questions, preset {options.preset}; F1 in percent [95 % interval]")
    for method, values in f1.items():
        found = interval(values)
        print(f"  {method:15} {found.mean:5.1f} [{found.low:5.1f}, {found.high:5.1f}]")
    print("differences over the same questions")
    for one, other in DIFFERENCES:
        found = paired_bootstrap(f1[one], f1[other])
        print(f"  {one:8} - {other:15} {found.mean:+5.1f} [{found.low:+5.1f}, {found.high:+5.1f}]")


if __name__ == "__main__":
    main()
