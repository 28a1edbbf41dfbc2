"""When a draft is read changes nothing of what is written, asked and counted."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from semoe.generation.switching.trace import Answered
from semoe.language import Language
from semoe.language.reader import Ask, Reading, read
from semoe.retrieval.passage import Retrieved
from tests.generation.switching.rigged import Rig

SENTENCES = (
    "Ada Lovelace was born in Paris.",
    "Charles Babbage lived in Rome.",
    "She wrote many notes.",
    "They met Mary Somerville in Turin once.",
    "So the answer is London.",
)
CODES = range(4)
HERE, ELSEWHERE = Language(), Language()


class Late:
    """Reads in a thread, some time after it was asked: `Readers` as they are on a busy machine."""

    def __init__(self, seconds: float, seed: int) -> None:
        self._seconds, self._chance = seconds, random.Random(seed)
        self._threads = ThreadPoolExecutor(4)
        self.asked = 0

    def begin(self, ask: Ask) -> "Future[Reading | None]":
        self.asked += 1
        return self._threads.submit(self._read, ask, self._seconds * self._chance.random())

    def _read(self, ask: Ask, seconds: float) -> Reading | None:
        time.sleep(seconds)
        # Some are not read at all: their process has ended.
        return read(ELSEWHERE, ask) if len(ask.text) % 5 else None


class Chance(Rig):
    """Questions whose answers doubt here and there, and whose searches find this or that, or nothing."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        chance = random.Random(seed)
        for number in range(6):
            ends = self._path(f"q{number}", chance, 0)
            for end in ends:
                for code in CODES[1:]:
                    self._path(end, chance, code)

    def _path(self, after: "str | int", chance: random.Random, code: int) -> list[int]:
        sentences = chance.sample(SENTENCES, chance.randint(2, 4))
        names = ("Ada", "Lovelace", "Paris", "Charles", "Babbage", "Rome", "Mary", "Somerville", "Turin")
        unsure = {name: 0.4 for name in names if chance.random() < 0.5}
        ids = self.path(after, " " + " ".join(sentences), code=code, **unsure)
        lengths = [len(" ".join(sentences[: n + 1]).split()) for n in range(len(sentences))]
        return [ids[length - 1] for length in lengths]

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        for query in queries:
            code = sum(map(ord, query)) % len(CODES)
            self.passage(query, *([str(code)] if code else []))
        return super().search(queries, k)


def told(answered: Answered) -> Answered:
    """All but the time that it took."""
    return replace(answered, switches=tuple(replace(one, retrieve_ms=0.0) for one in answered.switches))


def answers(seed: int, late: Late | None = None, **settings: object) -> list[Answered]:
    loop = Chance(seed).loop(max_rows=4, max_switches=3, generate_max_length=40, **settings)
    HERE.forget()
    loop.language = HERE
    loop.readers = late  # type: ignore[assignment]
    loop.__post_init__()
    return [told(one) for one in loop.answer([f"q{number}" for number in range(6)])]


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("settings", [{}, {"query_formulation": "direct"}], ids=["forward_all", "direct"])
def test_texts_that_are_read_late_change_nothing(seconds: float, settings: dict[str, object]) -> None:
    switches = kept = 0
    for seed in range(4):
        at_once, late = answers(seed, **settings), Late(seconds, seed)
        assert answers(seed, late, **settings) == at_once
        assert late.asked
        switches += sum(not switch.note for one in at_once for switch in one.switches)
        kept += sum(bool(switch.note) for one in at_once for switch in one.switches)
    assert switches > 5, "new passages came while drafts went on"
    assert kept > 5, "and drafts went on with those they had"
