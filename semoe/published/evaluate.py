"""The verb `evaluate`: scores finished answers again, by any extraction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semoe.evaluation.bootstrap import Interval, interval
from semoe.evaluation.extraction import extractors
from semoe.evaluation.overflow import Overflow
from semoe.evaluation.scores import score
from semoe.published.finished import FinishedFolder, read_finished


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The scores of one folder of answers, by one extraction."""

    method: str
    extraction: str
    num_questions: int
    em: Interval
    """In percent, over the questions."""
    f1: Interval
    """Likewise."""
    overflow: Overflow
    """What the model's context had no room for."""


def evaluate_all(folders: Sequence[Path], extractions: Sequence[str] | None = None) -> list[Evaluation]:
    """Evaluates each folder by each extraction; None: by the published and the repaired one.

    Raises:
        UsageError: a file is missing or broken, or an extraction is unknown.
    """
    for name in extractions or ():
        extractors[name]
    found = [read_finished(folder) for folder in folders]
    return [_evaluated(one, extraction) for one in found for extraction in extractions or _usual(one)]


def _usual(found: FinishedFolder) -> tuple[str, str]:
    """Returns the published extraction, which has another rule for chains of thought, and the repaired one."""
    return ("published_cot" if found.has_chains else "published", "semoe")


def _evaluated(found: FinishedFolder, extraction: str) -> Evaluation:
    extract = extractors[extraction]
    scores = [score(extract(one.text, one.question), one.accepted) for one in found.answers]
    return Evaluation(
        method=found.method,
        extraction=extraction,
        num_questions=len(scores),
        em=interval([100 * one.em for one in scores]),
        f1=interval([100 * one.f1 for one in scores]),
        overflow=Overflow.of(one.fit for one in found.answers),
    )
