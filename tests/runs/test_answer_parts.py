"""Answers of a shard lie in parts that are the same on every device, however many a device takes at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from semoe.runs.job import Job
from semoe.runs.shards.inference import _answer
from semoe.stages.inference_settings import InferenceSettings

QUESTIONS = range(11)


@dataclass(frozen=True)
class Record:
    did: int
    method: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"did": self.did, "method": self.method}


class Folder:
    """What a run's folder needs to be."""

    def __init__(self) -> None:
        self.parts: dict[str, list[dict[str, Any]]] = {}

    def names(self, prefix: str) -> list[str]:
        return [name.removeprefix(prefix) for name in self.parts]

    def create(self, name: str, records: list[dict[str, Any]], kind: object) -> None:
        self.parts[name] = records


def answer(folder: Folder, num_at_once: int, stops_after: int = 100) -> list[int]:
    """Answers all questions, two a part; returns how many were handed over at once."""
    handed = list[int]()

    def answers(tasks: Sequence[int]) -> list[Record]:
        handed.append(len(tasks))
        return [Record(task) for task in tasks]

    job = SimpleNamespace(folder=folder, shard=0, stop=lambda: len(folder.parts) >= stops_after, advance=lambda n: None)
    job.parts = lambda *args: Job.parts(job, *args)  # type: ignore[arg-type]
    how = InferenceSettings(inference_method="none", batch_size=2)
    answerer = SimpleNamespace(how=how, num_at_once=num_at_once, answer=answers, told=lambda records: None)
    _answer(job, answerer, list(QUESTIONS))  # type: ignore[arg-type]
    return handed


@pytest.mark.parametrize("first", [2, 8])
@pytest.mark.parametrize("then", [2, 8])
def test_whoever_goes_on_answers_what_is_left_and_nothing_twice(first: int, then: int) -> None:
    folder, whole = Folder(), Folder()
    answer(folder, first, stops_after=2)
    begun = sum(map(len, folder.parts.values()))
    assert 0 < begun < len(QUESTIONS)
    assert sum(answer(folder, then)) == len(QUESTIONS) - begun
    assert answer(whole, 2) == [2, 2, 2, 2, 2, 1]
    assert folder.parts == whole.parts
    assert sorted(record["did"] for part in folder.parts.values() for record in part) == list(QUESTIONS)
