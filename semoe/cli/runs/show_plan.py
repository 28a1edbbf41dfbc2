"""What a plan says of its run, for people and programs."""

from typing import TYPE_CHECKING

from semoe.cli.output import show
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.runs.estimate import Estimate, Span, Throughput
    from semoe.runs.folder import RunFolder
    from semoe.runs.plan import Manifest, Plan


def show_plan(
    folder: "RunFolder",
    manifest: "Manifest",
    found: "Estimate",
    measured: "Throughput | None" = None,
    *,
    as_json: bool = False,
    unknown: str = "not measured: give --probe or --experts_per_second",
) -> None:
    """Prints what a run will take; what is `unknown` in this word, or not at all where it is empty."""
    plan = folder.plan()
    sizes = {
        "run": plan.run,
        "store": folder.objects.url,
        "questions": sum(one.num_questions for one in plan.sets),
    }
    words = _in_words(plan, manifest, measured, found, unknown)
    show(sizes | {name: said for name, said in words.items() if said != ""}, as_json=as_json)


def _in_words(
    plan: "Plan", manifest: "Manifest", measured: "Throughput | None", found: "Estimate", unknown: str
) -> dict[str, object]:
    at_most = "" if manifest.num_tokens or plan.corpus else "at most "
    of_all = f"{at_most}{manifest.num_passages} distinct of {manifest.num_retrieved} retrieved"
    least, most = found.passages
    span = "" if least == most else f", between {least:.0f} and {most:.0f}"
    reckoned = f"about {manifest.num_passages}{span}: all of {plan.corpus.file.path}" if plan.corpus else ""
    return {
        "passages": reckoned or of_all,
        "tokens": manifest.num_tokens or ("not counted" if plan.corpus else "known after retrieval"),
        "shards": f"{len(plan.question_shards)} of questions, {at_most}{len(manifest.passage_shards)} of passages",
        "pods": found.pods,
        **({"workers": _on_gpus(found.pods, found.gpus)} if found.gpus and found.pods else {}),
        "bytes": f"{at_most}{found.num_bytes:,}",
        "experts a second": f"{measured.mean:.3f} ± {measured.spread:.0%} on one machine" if measured else unknown,
        "requests": _span(found.requests, ",.0f") or unknown,
        "machine hours": _span(found.hours, ".2f") or unknown,
        "hours from start to end": _span(found.wall_hours, ".2f") or unknown,
        "money": _span(found.money, ",.2f") or unknown,
        "money a month": f"{found.money_a_month:.4f}",
    }


def _on_gpus(workers: int, gpus: int) -> str:
    """Says on how many of this machine's GPUs workers go."""
    of_all = f"{workers} of {counted(gpus, 'GPU')}" if workers < gpus else counted(gpus, "GPU")
    shared = f", which they share: reckoned as {gpus}" if workers > gpus else ""
    return f"{counted(workers, 'worker')} on {of_all}{shared}"


def _span(found: "Span | None", how: str) -> str:
    """Returns an interval in words; empty where there is none."""
    return f"{found[0]:{how}} to {found[1]:{how}}" if found else ""
