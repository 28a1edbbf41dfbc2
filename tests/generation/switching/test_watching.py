"""Who watches the loop hears of each token, each search and each switch, and changes nothing."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from semoe.generation.request import Answer, Request
from semoe.generation.switching.trace import Probability, Switch
from semoe.generation.switching.words import Transcript
from tests.generation.switching.rigged import Rig


@dataclass
class Heard:
    """All that one answer's watcher was told."""

    transcript: Transcript
    lengths: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def wrote(self, index: int, before: Sequence[int], draft: Answer) -> None:
        self.lengths.append(len(before) + len(draft.tokens))
        self.transcript.take(before, draft)

    def asks(self, index: int, sentence: str, probabilities: Sequence[Probability], query: str) -> None:
        hits = [one.text for one in probabilities if one.is_hit]
        self.events.append(f"doubts {sentence!r} for {hits}, asks {query!r}")

    def switched(self, index: int, switch: Switch, went: Sequence[str]) -> None:
        self.events.append(f"{[*went]} → {[*switch.experts]} {switch.note}".strip())


def rig() -> Rig:
    """One answer that doubts its second sentence, gets an expert, doubts again, and finds the same."""
    made = Rig()
    ids = made.path("q", "All is well. Ada Lovelace was born in Paris. So it is.", Paris=0.5, Ada=0.4, Lovelace=0.4)
    made.path(ids[2], " She was born in London. It was Rome.", code=3, Rome=0.3)
    made.passage("was born in", "3")
    made.passage("It was", "3")
    return made


def test_the_answer_is_the_same_and_each_token_of_it_is_told() -> None:
    alone = rig().loop().answer(["q"])
    watched = rig()
    loop = watched.loop()
    heard = Heard(Transcript(watched.words.decode))
    loop.watcher = heard
    (answered,) = loop.answer(["q"])
    plain = [replace(one, retrieve_ms=0.0) for one in answered.switches]
    assert (answered.text, answered.tokens) == (alone[0].text, alone[0].tokens)
    assert plain == [replace(one, retrieve_ms=0.0) for one in alone[0].switches]
    assert "".join(word.text for word in heard.transcript.words()) == answered.text
    assert all(after <= one + 1 for one, after in zip(heard.lengths, heard.lengths[1:], strict=False))
    assert heard.events == [
        "doubts 'Ada Lovelace was born in Paris.' for ['Ada Lovelace', 'Paris'], asks 'was born in'",
        "[] → ['key 3']",
        "doubts 'It was Rome.' for ['Rome'], asks 'It was'",
        "['key 3'] → ['key 3'] the same passages again",
    ]


def test_a_word_is_as_sure_as_its_least_sure_token() -> None:
    """Three tokens of a word, one of them half a character, and a word that only begins."""
    texts = {1: b" Jo", 2: b"\xc3", 3: b"\xa9", 4: b" x"}
    written = Transcript(lambda ids: b"".join(texts[i] for i in ids).decode(errors="replace"))
    logprobs = tuple(math.log(p) for p in (0.9, 0.5, 0.7, 0.8))
    for length in range(1, 5):
        written.take((), Answer(tokens=(1, 2, 3, 4)[:length], logprobs=logprobs[:length], finish="length"))
        assert "".join(one.text for one in written.words()) == b"".join(map(texts.get, (1, 2, 3, 4)[:length])).decode(  # type: ignore[arg-type]
            errors="replace"
        )
    assert [(word.text, round(word.p, 6)) for word in written.words()] == [(" Joé", 0.5), (" x", 0.8)]
    # What follows another beginning takes the place of what was dropped.
    written.take((1, 2, 3), Answer(tokens=(4, 4), logprobs=logprobs[:2], finish="length"))
    assert [(word.text, round(word.p, 6)) for word in written.words()] == [(" Joé", 0.5), (" x", 0.9), (" x", 0.5)]


def tidy(ids: Sequence[int]) -> str:
    """Texts of tokens: words, half characters, and a space that goes once a mark follows it."""
    texts = (b" Jo", b"\xc3", b"\xa9", b" x", b"", b" .", b"n", b"  ")
    return b"".join(texts[i] for i in ids).decode(errors="replace").replace(" .", ".")


def test_words_are_the_same_whenever_they_were_looked_at() -> None:
    """Whatever was written, dropped and looked at before; also where only what the model thinks of it has changed."""
    chance = random.Random(0)
    for _ in range(200):
        watched, before = Transcript(tidy), []
        logprobs: list[float] = []
        for _ in range(4):
            ids = [chance.randrange(8) for _ in range(chance.randrange(9))]
            ps = [-chance.random() for _ in ids]
            for length in range(len(ids) + 1):
                draft = Answer(tokens=tuple(ids[:length]), logprobs=tuple(ps[:length]), finish="length")
                watched.take(before, draft)
                fresh = Transcript(tidy)
                fresh.take((), replace(draft, tokens=(*before, *draft.tokens), logprobs=(*logprobs, *draft.logprobs)))
                asked = chance.choice([None, None, len(before)])
                assert watched.words(asked) == fresh.words(asked)
                assert "".join(one.text for one in fresh.words()) == tidy([*before, *draft.tokens])
            kept = chance.randrange(len(before) + len(ids) + 1)
            before, logprobs = [*before, *ids][:kept], [*logprobs, *ps][:kept]


def test_a_token_costs_as_much_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []
    monkeypatch.setattr("semoe.generation.switching.words.math.exp", lambda p: looked.append(p) or 1.0)
    written = Transcript(tidy)
    for length in range(1, 101):
        written.take((), Answer(tokens=(3,) * length, logprobs=(0.0,) * length, finish="length"))
        assert len(written.words()) == length
    assert len(looked) < 2 * 100


def test_answers_in_one_go_are_told_of_token_by_token() -> None:
    made = Rig()
    made.path("q", "All is well.")
    made.path("r", "No.")
    heard: list[tuple[int, int]] = []
    requests = [Request(prompt=(made.starts[name],), max_new_tokens=9) for name in ("q", "r")]
    answers = made.loop().engine.generate(
        requests, on_write=lambda place, draft: heard.append((place, len(draft.tokens)))
    )
    assert [n for place, n in heard if place == 0] == [1, 2, 3, 3]
    assert [n for place, n in heard if place == 1] == [1, 1]
    assert [len(one.tokens) for one in answers] == [3, 1]
