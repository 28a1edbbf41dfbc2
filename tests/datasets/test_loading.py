import json
from pathlib import Path

import pytest

from semoe.datasets.loading import data_types, load_dataset
from semoe.errors import UsageError
from semoe.files import read_json
from tests.demo import DEMO

DATA = Path(__file__).parent.parent / "data"
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


def test_hotpotqa_knows_types_and_golden_passages() -> None:
    comparison = load_dataset("hotpotqa", PLACES["hotpotqa"][0], data_type="comparison")
    assert {question.type for question in comparison} == {"comparison"}
    assert len(comparison) == 2
    assert all(len(question.golden_passages) == 2 for question in comparison)


def test_shuffle_is_seeded_and_sample_takes_the_first() -> None:
    path = PLACES["popqa"][0]
    shuffled = [q.qid for q in load_dataset("popqa", path, shuffle=True)]
    assert shuffled == [q.qid for q in load_dataset("popqa", path, shuffle=True)]
    assert shuffled != [q.qid for q in load_dataset("popqa", path)]
    assert [q.qid for q in load_dataset("popqa", path, shuffle=True, sample=3)] == shuffled[:3]


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


def test_types_of_each_dataset_end_with_total() -> None:
    assert data_types("hotpotqa") == ("bridge", "comparison", "total")
    assert data_types("2wikimultihopqa")[-1] == "total"
    assert data_types("popqa") == data_types("mine") == ("total",)


def test_a_filtered_question_keeps_its_place_in_the_whole_file() -> None:
    path = PLACES["hotpotqa"][0]
    assert load_dataset("hotpotqa", path, data_type="total") == load_dataset("hotpotqa", path)
    assert [q.test_id for q in load_dataset("hotpotqa", path, data_type="comparison")] == [2, 3]
    assert [q.test_id for q in load_dataset("hotpotqa", path, data_type="comparison", sample=1)] == [2]
    assert len(load_dataset("hotpotqa", path, sample=100)) == 4


@pytest.mark.parametrize("sample", [0, -2])
def test_an_impossible_sample_says_what_is_possible(sample: int) -> None:
    with pytest.raises(UsageError, match=rf"-1 \(all\) or 1 and more, not {sample}\."):
        load_dataset("popqa", PLACES["popqa"][0], sample=sample)


def test_an_unknown_type_and_dataset_name_all_known_ones() -> None:
    with pytest.raises(UsageError, match="Known: bridge, comparison, total"):
        load_dataset("hotpotqa", PLACES["hotpotqa"][0], data_type="x")
    with pytest.raises(
        UsageError, match="Known: 2wikimultihopqa, complexwebquestions, cwq, hotpotqa, iirc, popqa, strategyqa"
    ):
        load_dataset("squad", PLACES["popqa"][0])


@pytest.mark.parametrize("dataset", PLACES)
@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("[{]", "broken JSON|no column")])
def test_an_empty_or_broken_file_is_named(tmp_path: Path, dataset: str, text: str, words: str) -> None:
    path = tmp_path / "data.x"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"data\.x.*({words})"):
        load_dataset(dataset, path)


def test_a_type_of_which_there_is_nothing_is_said_with_those_that_are_there(tmp_path: Path) -> None:
    record = {"_id": 1, "question": "a?", "answer": "b", "type": "Compositional", "context": [], "supporting_facts": []}
    (tmp_path / "dev.json").write_text(json.dumps([record]))
    with pytest.raises(UsageError, match="holds no question of type compositional, but of Compositional"):
        load_dataset("2wikimultihopqa", tmp_path / "dev.json", data_type="compositional")
    (tmp_path / "iirc.json").write_text(json.dumps([{"questions": [{"qid": 7, "answer": {"type": "none"}}]}]))
    with pytest.raises(UsageError, match="holds no question that has an answer"):
        load_dataset("iirc", tmp_path / "iirc.json")


def test_a_number_is_an_id_and_a_byte_order_mark_is_none_of_json(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('\ufeff[{"qid": 7, "question": "a?", "answer": true}]', encoding="utf-8")
    assert [(one.qid, one.answers) for one in load_dataset("strategyqa", tmp_path / "s.json")] == [("7", ("yes",))]
    assert read_json(tmp_path / "s.json")[0]["qid"] == 7
