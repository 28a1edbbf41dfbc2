"""Processes that read drafts: they read what this process reads, and nothing is lost where one ends."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from semoe.errors import UsageError
from semoe.language import Language
from semoe.language.reader import Ask, Reading, read, serve
from semoe.language.readers import Readers, _wanted, readers_for

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


def test_a_kind_is_read_where_those_before_it_found_nothing() -> None:
    text = "Ada Lovelace wrote. The engine was built of brass."
    found = read(Language(), Ask(text, 0, True, ("entities", "content_words"))).found
    assert [(kind, sentence.split()[0], bool(spans)) for kind, sentence, spans in found] == [
        ("entities", "Ada", True),
        ("entities", "The", False),
        ("content_words", "The", True),
    ]


def test_a_reading_survives_its_line() -> None:
    reading = read(Language(), Ask(TEXTS[1], 0, True, ("entities",)))
    assert reading.found
    assert Reading.of_line(reading.line()) == reading


@pytest.mark.parametrize(
    "program", ["", "import sys; sys.exit(3)", "print(5, flush=True); input()", "print('none', flush=True); input()"]
)
def test_where_a_process_ends_nothing_is_read_and_nobody_waits(program: str, caplog: pytest.LogCaptureFixture) -> None:
    readers = Readers(1, (sys.executable, "-c", program))
    asks = [readers.begin(Ask(text * 10_000, 0, True, ())) for text in TEXTS]
    assert [one.result(timeout=60) for one in asks] == [None] * len(TEXTS)
    assert len([one for one in caplog.messages if "this one reads in its place" in one]) == 1
    readers.close()


def test_a_process_that_never_answers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.language.readers.SECONDS", 0.2)
    readers = Readers(1, (sys.executable, "-c", "import time; time.sleep(1000)"))
    assert readers.begin(Ask("text", 0, True, ())).result(timeout=60) is None
    readers.close()


def test_this_process_ends_though_one_that_reads_does_not_answer() -> None:
    program = """
import sys
from semoe.language.reader import Ask
from semoe.language.readers import Readers
readers = Readers(2, (sys.executable, "-c", "import time; time.sleep(1000)"))
for _ in range(5):
    readers.begin(Ask("text", 0, True, ()))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_where_no_process_can_be_begun_nothing_is_read_ahead(caplog: pytest.LogCaptureFixture) -> None:
    readers = Readers(2, ("no such command",))
    assert readers.begin(Ask("text", 0, True, ())).result(timeout=60) is None
    assert "could not be begun" in caplog.text
    readers.close()


def test_all_end_also_behind_one_that_had_ended() -> None:
    readers = Readers(3, (sys.executable, "-c", "import sys; sys.exit() if len(input()) > 9 else input()"))
    processes = [one.begun for one in readers.close.peek()[2][0]]  # type: ignore[index]
    assert [readers.begin(Ask(text * 10_000, 0, True, ())).result(timeout=60) for text in TEXTS[:2]] == [None, None]
    readers.close()
    assert all(one.returncode is not None for one in processes)


def test_a_reader_remembers_nothing() -> None:
    asked, answered = [json.dumps(Ask(text, 0, True, ("entities",))) for text in TEXTS[:2] * 2], io.StringIO()
    serve(asked, answered)
    first, second, *again = answered.getvalue().splitlines()
    assert again == [first, second]


@pytest.mark.parametrize(
    ("said", "threads", "number"), [("3", "", 3), ("0", "", 0), ("", "1", 0), ("", "6", 3), ("", "", 4)]
)
def test_as_many_read_as_the_environment_says(
    said: str, threads: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMOE_READERS", said)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert _wanted() == number
    monkeypatch.setenv("SEMOE_READERS", "many")
    with pytest.raises(UsageError, match="SEMOE_READERS"):
        _wanted()


def test_a_cpu_reads_when_it_judges() -> None:
    assert readers_for("cpu") is None
