from importlib import resources
from pathlib import Path

import pytest

from semoe.datasets import load_dataset, read_augmented, write_augmented
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data"
DEMO = Path(str(resources.files("semoe"))) / "demo_data"
PLACES = {
    "popqa": (DEMO / "popqa", 8),
    "2wikimultihopqa": (DEMO / "2wikimultihopqa", 4),
    "hotpotqa": (DATA / "hotpotqa", 4),
    "cwq": (DATA / "cwq", 4),
}


@pytest.mark.parametrize("dataset", PLACES)
def test_original_files_load_in_file_order(dataset: str) -> None:
    path, count = PLACES[dataset]
    questions = load_dataset(dataset, path)
    assert [question.test_id for question in questions] == list(range(count))
    assert all(question.question and question.answers and question.qid for question in questions)


def test_popqa_accepts_the_object_then_its_aliases() -> None:
    first = load_dataset("popqa", PLACES["popqa"][0])[0]
    assert (first.qid, first.question, first.answers) == (
        "841",
        "In what city was Juha Jokela born?",
        ("Tampere", "Tammerfors"),
    )


def test_hotpotqa_knows_types_and_golden_passages() -> None:
    comparison = load_dataset("hotpotqa", PLACES["hotpotqa"][0], data_type="comparison")
    assert {question.type for question in comparison} == {"comparison"}
    assert len(comparison) == 2
    assert all(len(question.golden_passages) == 2 for question in comparison)


def test_wikimultihop_takes_aliases_where_there_are_some(tmp_path: Path) -> None:
    first = '{"_id": "a", "question": "Who?", "answer": "X", "answer_id": "Q1"}'
    record = f"[{first}, {first.replace('X', 'Y').replace('Q1', 'Q2')}]"
    (tmp_path / "dev.json").write_text(record)
    (tmp_path / "id_aliases.json").write_text('{"Q_id": "Q1", "aliases": ["Z"]}\n')
    assert [q.answers for q in load_dataset("2wikimultihopqa", tmp_path)] == [("X", "Z"), ("Y",)]


def test_shuffle_is_seeded_and_sample_takes_the_first() -> None:
    path = PLACES["popqa"][0]
    shuffled = [q.qid for q in load_dataset("popqa", path, shuffle=True)]
    assert shuffled == [q.qid for q in load_dataset("popqa", path, shuffle=True)]
    assert shuffled != [q.qid for q in load_dataset("popqa", path)]
    assert [q.qid for q in load_dataset("popqa", path, shuffle=True, sample=3)] == shuffled[:3]


def test_a_users_own_json_takes_a_string_or_a_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('[{"question": "a?", "answer": "b"}, {"question": "c?", "answer": ["d", "e"]}]')
    assert [q.answers for q in load_dataset("mine", path)] == [("b",), ("d", "e")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('[{"question": "a?",\n "answer" "b"}]', "line 2"),
        ('[{"question": "a?", "answer": "b"}, {"question": "c?"}]', "record 2: the question has no answer"),
        ('[{"answer": "b"}]', "record 1: question is missing"),
        ("[]", "no records"),
        ('{"question": "a?"}', "expected an array"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        load_dataset("mine", path)


def test_missing_files_unknown_names_and_impossible_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File not found"):
        load_dataset("mine", tmp_path / "none.json")
    with pytest.raises(UsageError, match=r"holds none of popQA\.tsv"):
        load_dataset("popqa", tmp_path)
    with pytest.raises(UsageError, match="Did you mean 'popqa'"):
        load_dataset("popqaa", tmp_path)
    with pytest.raises(UsageError, match="Did you mean 'comparison'"):
        load_dataset("hotpotqa", PLACES["hotpotqa"][0], data_type="comparsion")
    with pytest.raises(UsageError, match="sample must be"):
        load_dataset("popqa", PLACES["popqa"][0], sample=0)


@pytest.mark.parametrize("name", ["2wikimultihopqa_comparison", "cwq_total"])
def test_published_augmented_files_load_and_survive_a_round_trip(tmp_path: Path, name: str) -> None:
    questions = read_augmented(DATA / "data_aug" / f"{name}.json")
    passage = questions[0].passages[0]
    assert passage.rewrite
    assert len(passage.qa) == 3
    assert all(pair.question and pair.answer and pair.full_answer for pair in passage.qa)
    write_augmented(tmp_path / "again.json", questions, "someone")
    assert read_augmented(tmp_path / "again.json") == questions
