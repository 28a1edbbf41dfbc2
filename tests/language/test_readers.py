"""Processes that read drafts: they read what this process reads, and nothing is lost where one ends."""

import sys
from collections.abc import Iterator

import pytest

from semoe.language import Language
from semoe.language.reader import Ask, Reading, read
from semoe.language.readers import Readers, readers_for

TEXTS = (
    "Ada Lovelace was born in London. She wrote notes on Babbage's engine. Her father was Lord Byron",
    "Il a dit : « Bonjour Zoë ». Marie Curie won it in 1903.\nTwice, in fact.",
    "",
    "   ",
)


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    found = Readers(2)
    yield found
    found.close()


@pytest.mark.parametrize("is_whole", [True, False])
def test_they_read_what_this_process_reads(readers: Readers, is_whole: bool) -> None:
    language = Language()
    asks = [Ask(text, 5, is_whole, ("entities", "content_words")) for text in TEXTS]
    begun = [readers.begin(ask) for ask in asks]
    for ask, future in zip(asks, begun, strict=True):
        assert future.result(timeout=60) == read(language, ask)


def test_only_sentences_that_will_be_judged_are_looked_at() -> None:
    text, language = TEXTS[0], Language()
    first, second, last = language.sentences(text)
    ends = {True: [second.of(text), last.of(text)], False: [second.of(text)]}
    for is_whole, expected in ends.items():
        found = read(language, Ask(text, first.end, is_whole, ("entities",))).found
        assert [sentence for _, sentence, _ in found] == expected
        assert all(kind == "entities" for kind, _, _ in found)


def test_a_reading_survives_its_line() -> None:
    reading = read(Language(), Ask(TEXTS[1], 0, True, ("entities",)))
    assert reading.found
    assert Reading.of_line(reading.line()) == reading


@pytest.mark.parametrize("program", ["", "print(); input()", "import sys; sys.exit(3)"])
def test_where_a_process_ends_nothing_is_read_and_nobody_waits(program: str, caplog: pytest.LogCaptureFixture) -> None:
    readers = Readers(1, (sys.executable, "-c", program))
    asks = [readers.begin(Ask(text, 0, True, ())) for text in TEXTS]
    if "print" in program:
        with pytest.raises(ValueError, match="Expecting value"):
            asks[0].result(timeout=60)
    else:
        assert [one.result(timeout=60) for one in asks] == [None] * len(TEXTS)
        assert len([one for one in caplog.messages if "this one reads in its place" in one]) == 1
    readers.close()


def test_a_cpu_reads_when_it_judges() -> None:
    assert readers_for("cpu") is None
