"""An answered question as it is kept: one record of `predict.json`, and of the shards of a run.

The names in the files are the published ones, and their scores are strings; in the code they are fields and numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from semoe.errors import CorruptError
from semoe.evaluation.overflow import ALL_FITS, Fit, read_fit
from semoe.evaluation.scores import Scores
from semoe.generation.switching.trace import Answered, Trace, read_trace
from semoe.store.state import StoreState

SCORES = ("em", "f1", "prec", "recall")
"""The published names, in the order of `Scores`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerRecord:
    """One answered question."""

    did: int
    """Position of the question in its file, from 0."""
    test_id: int
    question: str
    accepted: tuple[str, ...]
    """Answers that count as right."""
    text: str
    """All that the model wrote."""
    predicted: str
    """The answer that was read off the text."""
    scores: Scores
    num_experts: int
    """Experts that were loaded for it."""
    fit: Fit = ALL_FITS
    """What of it the model's context had no room for."""
    trace: Trace | None = None
    """How it was written, where the method retrieves on its way."""
    set_number: int = 0
    """Of a run: which of its sets of questions."""
    method: str = ""
    """Of a run: how it was answered."""
    state: StoreState | None = None
    """The experts that there were; None: it loads none, trains them on its way, or an earlier version wrote it."""
    asked: str = ""
    """Of published files: the digest of its task; empty: an earlier version wrote it."""

    def to_json(self) -> dict[str, Any]:
        """Returns the record as `predict.json` has it."""
        record: dict[str, Any] = {
            "test_id": self.test_id,
            "question": self.question,
            "answer": list(self.accepted),
            "text": self.text,
            "eval_predict": self.predicted,
            **{name: str(value) for name, value in zip(SCORES, self.scores, strict=True)},
            "num_experts": self.num_experts,
            "did": self.did,
            **self.fit._asdict(),
        }
        if self.trace:
            record |= asdict(self.trace)
        if self.state:
            record["state"] = asdict(self.state)
        if self.asked:
            record["asked"] = self.asked
        return record | ({"set": self.set_number, "method": self.method} if self.method else {})

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Reads a record of `predict.json`, or of a run.

        Raises:
            CorruptError: it lacks a published field, or one is not what it should be.
        """
        try:
            return cls._read(record)
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptError(
                f"An answer cannot be read ({type(error).__name__}: {error}). Answer its questions again.",
                kind="corrupt-answers",
            ) from error

    @classmethod
    def _read(cls, record: Mapping[str, Any]) -> Self:
        return cls(
            did=record["did"],
            test_id=record["test_id"],
            question=record["question"],
            accepted=tuple(record["answer"]),
            text=record["text"],
            predicted=record["eval_predict"],
            scores=Scores(*(float(record[name]) for name in SCORES)),
            num_experts=record["num_experts"],
            fit=read_fit(record),
            trace=read_trace(record),
            set_number=record.get("set", 0),
            method=record.get("method", ""),
            state=StoreState.from_json(record["state"]) if record.get("state") else None,
            asked=record.get("asked", ""),
        )


def states_of(records: Iterable[AnswerRecord]) -> tuple[StoreState, ...]:
    """Returns the states that answers read, each once, in order."""
    return tuple({one.state.digest: one.state for one in records if one.state}.values())


def fit_of(answered: Answered) -> Fit:
    """Returns what of an answer that retrieved on its way the model's context had no room for."""
    return Fit(
        dropped_passages=sum(switch.dropped_passages for switch in answered.switches),
        cut_tokens=answered.cut_tokens,
        too_long=answered.too_long,
    )
