"""What experts add to answers, beside their control. About an hour on 2 cores for 100 questions.

    python -m benchmarks.effect --corpus psgs_w100.tsv --data_path data/popqa --sample 100
    python -m benchmarks.effect --corpus psgs_w100.tsv --data_path data/popqa --switching token --switching dragin

Questions are the first of the file, retrieval is BM25 over the whole corpus. `…_random` answers with as many experts
of other questions' passages: what they add is the form of an answer, not knowledge. `--switching` adds methods that
retrieve while they answer, each with every inference method; experts that such a retrieval lacks are trained on the
spot. A run that was stopped goes on.
"""

import argparse
from pathlib import Path

from semoe.evaluation.bootstrap import interval, paired_bootstrap
from semoe.experts.preset import load_preset
from semoe.generation.switching.methods import make_method
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.models.model import load_model
from semoe.published.augment import augment
from semoe.published.encode import encode
from semoe.published.inference import inference
from semoe.published.retrieve import retrieve
from semoe.published.settings import StageSettings
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.stages.answer_record import AnswerRecord
from semoe.stages.inference_settings import InferenceSettings

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
    parser.add_argument("--dataset", default="popqa")
    parser.add_argument("--data_path", type=Path, required=True, help="the dataset's folder")
    parser.add_argument("--sample", type=int, default=100, help="first N questions")
    parser.add_argument("--switching", action="append", default=[], help="a method that retrieves while it answers")
    parser.add_argument("--query_formulation", default="forward_all")
    parser.add_argument("--hallucination_threshold", type=float, default=0.1)
    parser.add_argument("--generate_max_length", type=int, default=64)
    parser.add_argument("--preset", default="semoe")
    parser.add_argument("--model_name", default="smollm2")
    parser.add_argument("--root_dir", type=Path, default=Path("effect_run"))
    options = parser.parse_args()
    for name in options.switching:
        make_method(switching(name, options), Language())
    settings = StageSettings(
        root=options.root_dir / f"sample={options.sample}",
        model_name=options.model_name,
        dataset=options.dataset,
        preset=load_preset(options.preset),
        sample=options.sample,
    )
    report(prepare_and_answer(settings, options), options)


def prepare_and_answer(settings: StageSettings, options: argparse.Namespace) -> dict[str, list[AnswerRecord]]:
    """Returns the records of all questions, by method."""
    index = settings.root.parent / "index"
    if not index.exists():
        build_index(read_passages(options.corpus), index)
    retriever = Bm25Retriever(index)
    retrieve(retriever, settings, options.data_path, topk=TOPK)
    augment(settings, topk=TOPK)
    model = load_model(settings.model_name)
    encode(model, settings)
    methods = [InferenceSettings(inference_method=method) for method in ("none", "icl", "prag", "combine")]
    methods += [InferenceSettings(inference_method=method, experts="random") for method in ("prag", "combine")]
    methods += [
        InferenceSettings(inference_method=method, switching=switching(name, options))
        for name in options.switching
        for method in ("icl", "prag", "combine")
    ]
    return {
        method.folder_name: [
            record for found in inference(model, settings, method, retriever) for record in found.records
        ]
        for method in methods
    }


def switching(method: str, options: argparse.Namespace) -> SwitchSettings:
    """Returns how a method switches."""
    return SwitchSettings(
        method=method,
        query_formulation=options.query_formulation,
        hallucination_threshold=options.hallucination_threshold,
        generate_max_length=options.generate_max_length,
        retrieve_topk=TOPK,
        missing="train",
    )


def report(records: dict[str, list[AnswerRecord]], options: argparse.Namespace) -> None:
    """Prints the table, and the differences over the same questions."""
    f1 = {method: [100 * record.scores.f1 for record in found] for method, found in records.items()}
    print(f"\n{options.dataset}, {len(f1['none'])} questions, preset {options.preset}; F1 in percent [95 % interval]")
    for method, values in f1.items():
        found = interval(values)
        print(f"  {method:15} {found.mean:5.1f} [{found.low:5.1f}, {found.high:5.1f}]{_retrievals(records[method])}")
    print("differences over the same questions")
    later = [(method, method.rpartition("-")[2]) for method in f1 if "-" in method]
    for one, other in [*DIFFERENCES, *((method, "none") for method, _ in later), *later]:
        found = paired_bootstrap(f1[one], f1[other])
        print(f"  {one:15} - {other:15} {found.mean:+5.1f} [{found.low:+5.1f}, {found.high:+5.1f}]")


def _retrievals(records: list[AnswerRecord]) -> str:
    counts = [record.trace.counters.retrieve for record in records if record.trace]
    return f", {sum(counts) / len(counts):.2f} retrievals a question" if counts else ""


if __name__ == "__main__":
    main()
