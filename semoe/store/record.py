"""What an expert says of itself: kept in its own bytes, and beside it in an exported folder."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from semoe.errors import CorruptError

FORMAT = 1
NAMES = frozenset(
    ("format", "key", "space", "preset", "title", "passage", "qa", "num_tokens", "loss", "learnt", "imported")
)
HEADER_BYTES = 8
"""A safetensors file begins with the length of its JSON header, little-endian."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertRecord:
    """The record of one expert."""

    key: str
    """SHA-256 of its passage, hex."""
    space: str
    title: str = ""
    passage: str = ""
    """The passage's text."""
    pairs: tuple[tuple[str, str], ...] = ()
    """The questions and answers that it learnt."""
    num_tokens: int = 0
    """Tokens that it was trained on, repetitions counted; 0 where that is not known."""
    loss: float = 0.0
    """At its last step; NaN where it was not finite."""
    learnt: str = ""
    """Digest of what it read (`semoe.experts.sequences`)."""
    preset: str = ""
    is_imported: bool = False
    """Whether it came from a folder that said nothing of it."""
    format: int = FORMAT
    others: Mapping[str, Any] = field(default_factory=dict)
    """What else an imported record says; it is kept as it is."""

    def to_json(self) -> dict[str, Any]:
        """Returns the record as JSON values."""
        return {
            **self.others,
            "format": self.format,
            "key": self.key,
            "space": self.space,
            **({"preset": self.preset} if self.preset else {}),
            "title": self.title,
            "passage": self.passage,
            "qa": [{"question": question, "answer": answer} for question, answer in self.pairs],
            "num_tokens": self.num_tokens,
            "loss": self.loss,
            "learnt": self.learnt,
            **({"imported": True} if self.is_imported else {}),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Reads a record; what an earlier version did not write has its default.

        Raises:
            CorruptError: it names no expert, or is not what a record should be.
        """
        try:
            return cls._read(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise CorruptError(
                f"The record of an expert cannot be read ({type(error).__name__}: {error}).", kind="corrupt"
            ) from error

    @classmethod
    def _read(cls, record: Mapping[str, Any]) -> Self:
        loss = record.get("loss", 0.0)
        return cls(
            key=record["key"],
            space=record["space"],
            title=record.get("title", ""),
            passage=record.get("passage", ""),
            pairs=tuple((pair["question"], pair["answer"]) for pair in record.get("qa") or ()),
            num_tokens=record.get("num_tokens", 0),
            loss=math.nan if loss is None else loss,
            learnt=record.get("learnt", ""),
            preset=record.get("preset", ""),
            is_imported=record.get("imported", False),
            format=record.get("format", FORMAT),
            others={name: value for name, value in record.items() if name not in NAMES},
        )


def read_record(data: bytes) -> dict[str, Any]:
    """Returns the record that an expert carries; a loss that was not finite, null in JSON, is NaN.

    Raises:
        CorruptError: it carries none.
    """
    try:
        length = int.from_bytes(data[:HEADER_BYTES], "little")
        header = orjson.loads(data[HEADER_BYTES : HEADER_BYTES + length])
        record: dict[str, Any] = {} | orjson.loads(header["__metadata__"]["expert"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"These bytes are no expert ({error}). Train it again.", kind="corrupt") from error
    return record | ({"loss": math.nan} if record.get("loss", 0.0) is None else {})
