"""A plot of how much is found among the first k passages."""

from collections.abc import Sequence
from pathlib import Path

from semoe.datasets.question import Question
from semoe.errors import UsageError
from semoe.evaluation.recall import DEPTH
from semoe.evaluation.retrieval import Found
from semoe.missing import require_package


def require_matplotlib() -> None:
    """Makes sure that something can be drawn, before what takes long is done.

    Raises:
        UsageError: matplotlib is not installed.
    """
    require_package("matplotlib", "--plot")


def plot(questions: Sequence[Question], found: Sequence[Found], title: str, path: Path) -> None:
    """Draws the shares of questions with an answer, and with every title, against k; for each type apart.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    require_matplotlib()
    from matplotlib.figure import Figure  # noqa: PLC0415

    drawing = Figure(figsize=(10, 4), layout="constrained")
    places = drawing.subplots(1, 2, sharey=True)
    ks = range(1, DEPTH + 1)
    for place, name in zip(places, ("an answer", "every title"), strict=True):
        for kind, own in _types(questions, found, name).items():
            measure = Found.answer if name == "an answer" else Found.all_titles
            place.plot(
                ks, [100 * sum(measure(one, k) for one in own) / len(own) for k in ks], label=f"{kind}, {len(own)}"
            )
        place.set(title=f"{name} among the first k passages", xlabel="k", ylim=(0, 100), xticks=(1, 3, 5, 10, 15, 20))
        place.grid(alpha=0.3)
    places[0].legend(title="type, questions")
    places[0].set_ylabel("percent of questions")
    drawing.suptitle(title)
    try:
        drawing.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot draw {path} ({error}). Give a file .svg, .png or .pdf.", kind="unwritable") from error


def _types(questions: Sequence[Question], found: Sequence[Found], name: str) -> dict[str, list[Found]]:
    """Returns what was found for the questions of each type that have something to find."""
    pairs = [
        (question, one)
        for question, one in zip(questions, found, strict=True)
        if name == "an answer" or question.golden_titles
    ]
    types = sorted({question.type for question, _ in pairs if question.type})
    groups = {"total": [one for _, one in pairs]}
    if len(types) > 1:
        groups |= {kind: [one for question, one in pairs if question.type == kind] for kind in types}
    return {kind: own for kind, own in groups.items() if own}
