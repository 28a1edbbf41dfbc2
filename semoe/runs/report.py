"""What a finished run came to: `report.json`, as it is kept and read."""

from dataclasses import dataclass, field
from pathlib import Path

from semoe.errors import UsageError
from semoe.evaluation.overflow import Overflow
from semoe.evaluation.scores import Scores
from semoe.runs.folder import RunFolder
from semoe.runs.records import SetAside
from semoe.store.objects import open_objects
from semoe.store.state import StoreState


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodReport:
    """One method's answers to one set of questions, or to all of them."""

    dataset: str
    """Empty: all sets together."""
    data_type: str
    method: str
    num_questions: int
    scores: Scores
    """Means, each between 0 and 1."""
    f1_low: float
    f1_high: float
    """The 95 % interval of F1 over the questions."""
    num_experts: int
    """Used, repetitions counted."""
    overflow: Overflow = field(default_factory=Overflow)
    """What the model's context had no room for; zeros in reports of earlier versions, which did not count it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertCount:
    """What became of the run's distinct passages."""

    space: str
    planned: int
    """Distinct passages of the manifest."""
    in_store: int
    """Of them, with an expert in the store."""
    without_pairs: int
    """Of them, that gave nothing to learn."""
    committed: int
    """Experts that this run's own commits hold, repetitions counted."""
    committed_distinct: int
    """The same without repetitions: equal when each was trained once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """`report.json`."""

    run: str
    time: float
    experts: ExpertCount
    overall: tuple[MethodReport, ...]
    """Each method over all questions."""
    methods: tuple[MethodReport, ...]
    """Each method over each set."""
    aside: tuple[SetAside, ...] = ()
    """Passages that could not be augmented: they have no expert."""
    states: tuple[StoreState, ...] = ()
    """Of the experts' space that the answers read: one, or none where they were trained on the way."""
    counts: dict[str, dict[str, float]]
    """Sums over shards, by stage and name (`semoe.runs.counts`)."""


def read_report(store: str | Path, run: str) -> RunReport:
    """Reads what a run came to, from the store that it was done in.

    Args:
        store: a folder, or `s3://bucket/prefix`.
        run: its name.

    Returns:
        Scores (between 0 and 1, with 95 % bootstrap intervals of F1), counts of experts, sums by stage; seconds, bytes.

    Raises:
        UsageError: there is no such run, or it is not finished.
        TransientError: the store does not answer.

    Example:
        >>> import semoe
        >>> try:
        ...     report = semoe.read_report("store", "demo")
        ... except Exception as error:
        ...     print(error)
        No run 'demo' in store. There are: none. Make one with `semoe plan`.
    """
    folder = RunFolder(open_objects(store), run)
    found = find_report(folder)
    if found is None:
        folder.plan()
        raise UsageError(
            f"Run {run} has no report yet. Finish it (`semoe run --run {run}`); `semoe report` makes one then.",
            kind="no-report",
        )
    return found


def find_report(folder: RunFolder) -> RunReport | None:
    """Returns the report of a run; None before it is made."""
    return folder.find("report.json", RunReport)
