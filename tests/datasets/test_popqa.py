import csv
import json
from pathlib import Path

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "popqa"
HEADER = "id\tquestion\tobj\to_aliases\n"


def test_the_object_comes_first_then_its_aliases_without_repeats() -> None:
    questions = load_dataset("popqa", DATA)
    assert [question.qid for question in questions] == ["841", "379", "173", "830"]
    assert questions[0].question == "In what city was Juha Jokela born?"
    assert questions[0].answers == ("Tampere", "Tammerfors")
    assert questions[3].answers == ("Beirut",)
    assert all(question.type is None and not question.golden_passages for question in questions)


def test_possible_answers_count_after_the_aliases() -> None:
    answers = load_dataset("popqa", DATA)[2].answers
    assert answers[:2] == ("screenwriter", "scenarist")
    assert answers.index("film director") > answers.index("scriptwriter")
    assert len(set(answers)) == len(answers)


def test_the_file_itself_and_the_published_name_are_taken_too(tmp_path: Path) -> None:
    whole = load_dataset("popqa", DATA)
    assert load_dataset("popqa", DATA / "popQA.tsv") == whole
    (tmp_path / "sample300.tsv").write_bytes((DATA / "popQA.tsv").read_bytes())
    assert load_dataset("popqa", tmp_path) == whole


def test_a_line_separator_inside_a_question_does_not_end_its_row(tmp_path: Path) -> None:
    (tmp_path / "popQA.tsv").write_text(HEADER + "1\twho\u2028is it?\tx\t[]\n", encoding="utf-8")
    assert load_dataset("popqa", tmp_path)[0].question == "who\u2028is it?"


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("""['a', "b's"]""", ("a", "b's")),
        (r"""['Tom\'s \u00e9', 'a "b", c',]""", ("Tom's é", 'a "b", c')),
        ("('a', 1911, None)", ("a", "1911")),
        ('["a", "b\'s"]', ("a", "b's")),
        ('"a"', ("a",)),
        ("[]", ()),
        ("", ()),
    ],
)
def test_names_are_json_or_a_list_as_python_prints_it(tmp_path: Path, cell: str, names: tuple[str, ...]) -> None:
    for written in (cell, '"' + cell.replace('"', '""') + '"'):
        (tmp_path / "popQA.tsv").write_text(HEADER + f"1\tq\tx\t{written if cell else ''}\n")
        assert cell == '"a"' or load_dataset("popqa", tmp_path)[0].answers == ("x", *names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEADER, "holds no records"),
        ("id\tquestion\n1\tq\n", "line 1: no column obj"),
        (HEADER + "1\tq\tx\t[]\n2\tq\tx\n", "record 2: line 3 has not as many cells"),
        (HEADER + "1\tq\tx\t[]\ty\n", "record 1: line 2 has not as many cells"),
        ("id,question,obj\n1,q,x\n", "line 1: no column id, question, obj; found id,question,obj. Separate"),
        (HEADER + "1\tq\tx\t['a' 'b']\n", "record 1: o_aliases is neither .*no comma"),
        (HEADER + "1\tq\tx\t['a', b]\n", "record 1: o_aliases is neither"),
        (HEADER + "1\tq\tx\t['a'\n", "record 1: o_aliases is neither"),
        (HEADER + "1\tq\tx\ta; b\n", "record 1: o_aliases is neither"),
        (HEADER + '1\tq\tx\t{"a": 1}\n', "record 1: o_aliases must be an array of strings"),
        (HEADER + "1\t\tx\t[]\n", "record 1: question is missing or empty"),
        (HEADER + "1\tq\t\t[]\n", "record 1: the question has no answer"),
        (HEADER + '1\t"q\tx\t[]\n' + "2\tq\tx\t[]\n" * 20000, "broken TSV .* quote that is never closed"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "popQA.tsv").write_text(text)
    former = csv.field_size_limit()
    # The limit is the process's: whoever read a corpus before has raised it.
    for limit in (former, 16 << 20):
        csv.field_size_limit(limit)
        try:
            with pytest.raises(UsageError, match=rf"popQA\.tsv.*{words}"):
                load_dataset("popqa", tmp_path)
        finally:
            csv.field_size_limit(former)


def test_cells_are_never_evaluated(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "popQA.tsv").write_text(HEADER + f"1\tq\tx\topen('{mark}', 'w')\n")
    with pytest.raises(UsageError, match="neither a JSON array nor"):
        load_dataset("popqa", tmp_path)
    assert not mark.exists()


def test_records_with_the_same_names_are_read_too(tmp_path: Path) -> None:
    row = {"id": 1, "question": "q", "obj": "x", "possible_answers": '["x", "y"]', "o_aliases": ["z"]}
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (found,) = load_dataset("popqa", path)
    assert (found.qid, found.answers) == ("1", ("x", "z", "y"))


@pytest.mark.parametrize("cell", ["['a', 007]", r"['C:\Users', 'x']", "['a\nb']", "['a' 'b']", "[__import__('os')]"])
def test_a_list_that_python_would_not_take_is_named_with_its_record(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "popQA.tsv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([HEADER.strip().split("\t"), ["1", "Where?", "Rome", cell]])
    with pytest.raises(UsageError, match=r"popQA\.tsv.*(record|line) "):
        load_dataset("popqa", path)
