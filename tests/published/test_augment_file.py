"""The run is the same work whether or not it was interrupted, and each distinct passage is done once."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from semoe.augment.contract import Augmentation
from semoe.datasets.augmented import QAPair
from semoe.datasets.keys import passage_key
from semoe.datasets.question import Question
from semoe.errors import SemoeError, UsageError
from semoe.published.augment_file import AugmentReport, augment_questions
from semoe.published.augmented_place import AugmentedPlace
from semoe.retrieval.passage import Passage, Retrieved

SETTINGS = {"augmenter": "echo", "max_pairs": 2, "seed": 0}


class Echo:
    """An augmenter that answers with the passage itself and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def augment(self, passages: Sequence[Passage], rejected: Counter[str]) -> list[Augmentation]:
        self.calls.append([passage.id for passage in passages])
        rejected["not-recovered"] += len(passages)
        return [
            Augmentation(
                f"again: {one.text}",
                (
                    QAPair(
                        question=f"What is {one.title}?",
                        answer=one.text,
                        full_answer="",
                        wordings=("Which?",),
                    ),
                ),
            )
            for one in passages
        ]


def passage(number: int) -> Passage:
    return Passage(id=str(number), text=f"Text «{number}».", title=f"Título {number}")


def questions() -> list[tuple[Question, list[Retrieved]]]:
    """Seven questions over eight distinct passages, each passage found by up to three questions."""
    return [
        (
            Question(qid=f"q{i}", test_id=i, question=f"Why {i}?", answers=(f"a{i}", "alias")),
            [Retrieved(passage(i + k), score=9.5 - k, rank=k) for k in range(2)],
        )
        for i in range(7)
    ]


def run(output: Path, echo: Echo, **kwargs: object) -> AugmentReport:
    options = {"prefix": "echo", "settings": SETTINGS, "chunk": 3, **kwargs}
    return augment_questions(questions(), echo, place(output), **options)  # type: ignore[arg-type]


def place(output: Path) -> AugmentedPlace:
    return AugmentedPlace(output, output.parent / "reports")


def kept(output: Path, suffix: str) -> Path:
    """The report or the journal of an augmented file."""
    return output.parent / "reports" / f"{output.stem}{suffix}"


class Interrupt:
    """A progress callback that is Ctrl-C after some chunks."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, done: int) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_each_distinct_passage_is_augmented_once(tmp_path: Path) -> None:
    echo = Echo()
    report = run(tmp_path / "a" / "total.json", echo)
    assert echo.calls == [["0", "1", "2"], ["3", "4", "5"], ["6", "7"]]
    expected = AugmentReport(questions=7, passages=8, pairs=8, without_pairs=0, rejected={"not-recovered": 8})
    assert report == expected


def test_every_question_gets_its_passages_in_retrieval_order(tmp_path: Path) -> None:
    run(tmp_path / "total.json", Echo())
    records = orjson.loads((tmp_path / "total.json").read_bytes())
    assert [one["passage"] for one in records[3]["augment"]] == ["Text «3».", "Text «4»."]
    assert records[3]["augment"][1]["echo_rewrite"] == "again: Text «4»."


@pytest.mark.parametrize("after", [1, 2, 3])
def test_interrupted_run_goes_on_and_gives_the_same_bytes(tmp_path: Path, after: int) -> None:
    whole, broken = tmp_path / "whole" / "total.json", tmp_path / "broken" / "total.json"
    expected = run(whole, Echo())
    first, second = Echo(), Echo()
    with pytest.raises(KeyboardInterrupt):
        run(broken, first, on_progress=Interrupt(after))
    assert not broken.exists()
    assert run(broken, second) == expected
    assert broken.read_bytes() == whole.read_bytes()
    assert first.calls + second.calls == [["0", "1", "2"], ["3", "4", "5"], ["6", "7"]]
    assert sorted(path.name for path in broken.parent.iterdir()) == ["reports", "total.json"]
    assert [path.name for path in (broken.parent / "reports").iterdir()] == ["total.report.json"]
    assert kept(broken, ".report.json").read_bytes() == kept(whole, ".report.json").read_bytes()


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_torn_last_line_is_made_again(tmp_path: Path, cut: int) -> None:
    whole, broken = tmp_path / "whole.json", tmp_path / "broken.json"
    run(whole, Echo())
    with pytest.raises(KeyboardInterrupt):
        run(broken, Echo(), on_progress=Interrupt(2))
    journal = kept(broken, ".journal.jsonl")
    journal.write_bytes(journal.read_bytes()[:-cut])
    echo = Echo()
    run(broken, echo)
    assert echo.calls == [["3", "4", "5"], ["6", "7"]]
    assert broken.read_bytes() == whole.read_bytes()


def test_interrupted_twice_after_a_torn_line_loses_nothing(tmp_path: Path) -> None:
    output = tmp_path / "total.json"
    journal = kept(output, ".journal.jsonl")
    with pytest.raises(KeyboardInterrupt):
        run(output, Echo(), on_progress=Interrupt(1))
    with journal.open("ab") as file:
        file.write(b'{"keys": ["half')
    with pytest.raises(KeyboardInterrupt):
        run(output, Echo(), on_progress=Interrupt(2))
    echo = Echo()
    run(output, echo)
    assert echo.calls == [["6", "7"]]


def test_journal_of_other_settings_is_not_used(tmp_path: Path) -> None:
    output = tmp_path / "total.json"
    with pytest.raises(KeyboardInterrupt):
        run(output, Echo(), on_progress=Interrupt(1))
    echo = Echo()
    run(output, echo, settings={**SETTINGS, "seed": 1})
    assert len(echo.calls) == 3


def test_whole_output_is_left_alone(tmp_path: Path) -> None:
    output, told, echo = tmp_path / "total.json", Counter[str](), Echo()
    report = run(output, Echo())
    before = output.stat().st_mtime_ns
    assert run(output, echo, on_progress=lambda done: told.update(passages=done)) == report
    assert echo.calls == []
    assert told["passages"] == 8
    assert output.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["output", "report", "settings"])
def test_output_that_is_not_vouched_for_is_made_again(tmp_path: Path, damage: str) -> None:
    output, echo, options = tmp_path / "total.json", Echo(), {}
    run(output, Echo())
    good = output.read_bytes()
    if damage == "output":
        output.write_bytes(good[:-10])
    elif damage == "report":
        kept(output, ".report.json").write_text("[]")
    else:
        options = {"settings": {**SETTINGS, "seed": 7}}
    run(output, echo, **options)
    assert len(echo.calls) == 3
    assert output.read_bytes() == good


def as_before(output: Path) -> None:
    """Puts the report where an earlier version kept it."""
    kept(output, ".report.json").rename(output.with_suffix(".report.json"))
    (output.parent / "reports").rmdir()


def test_a_report_of_an_earlier_version_vouches_for_its_file_and_is_moved_away_from_it(tmp_path: Path) -> None:
    output = tmp_path / "total.json"
    report = run(output, Echo())
    settings = place(output).made_with()
    as_before(output)
    assert place(output).made_with() == settings
    assert settings is not None
    assert settings["augmenter"] == "echo"
    echo = Echo()
    assert run(output, echo) == report
    assert echo.calls == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports", "total.json"]


def test_a_journal_of_an_earlier_version_is_gone_on_with(tmp_path: Path) -> None:
    output = tmp_path / "total.json"
    with pytest.raises(KeyboardInterrupt):
        run(output, Echo(), on_progress=Interrupt(2))
    kept(output, ".journal.jsonl").rename(output.with_suffix(".journal.jsonl"))
    echo = Echo()
    run(output, echo)
    assert echo.calls == [["6", "7"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports", "total.json"]


def test_what_a_killed_write_left_goes(tmp_path: Path) -> None:
    (tmp_path / ".total.json.x9_f.tmp").write_text("half")
    (tmp_path / ".other.json.x9_f.tmp").write_text("somebody else's")
    run(tmp_path / "total.json", Echo())
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == [".other.json.x9_f.tmp", "reports", "total.json"]
    (tmp_path / ".total.json.x9_f.tmp").write_text("half")
    run(tmp_path / "total.json", Echo())
    assert sorted(path.name for path in tmp_path.iterdir()) == found, "also where there is nothing left to do"


def test_a_file_that_names_a_models_whole_path_is_not_made_anew(tmp_path: Path) -> None:
    """An earlier version began the names of fields so."""
    output = tmp_path / "total.json"
    report = run(output, Echo(), prefix="models/echo")
    stored = orjson.loads(kept(output, ".report.json").read_bytes())
    assert stored["settings"]["prefix"] == "models/echo"
    echo = Echo()
    assert run(output, echo) == report
    assert echo.calls == []


def test_chunk_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="chunk size"):
        run(tmp_path / "total.json", Echo(), chunk=0)


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SemoeError, match="Cannot write"):
        run(tmp_path / "file" / "total.json", Echo())


def test_equal_content_has_equal_keys() -> None:
    assert passage_key("Café", "a  b\n") == passage_key("Cafe\u0301", " a b")
    assert passage_key("a", "b c") != passage_key("a b", "c")
    assert passage_key("a", "B") != passage_key("a", "b")
