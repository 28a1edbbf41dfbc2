"""Which answers of an earlier run are kept, and which are not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion
from semoe.datasets.augmented_file import read_augmented, write_augmented
from semoe.errors import UsageError
from semoe.experts.preset import load_preset
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.model import Model
from semoe.published.inference import inference
from semoe.published.settings import StageSettings
from semoe.retrieval.retriever import Retriever
from semoe.stages.inference_settings import InferenceSettings

PLAIN = InferenceSettings(inference_method="none", max_new_tokens=2, batch_size=2)
KEPT = "kept of an earlier run"


@pytest.fixture
def settings(small_model: Model, tmp_path: Path) -> StageSettings:
    """Three questions, augmented, without experts."""
    settings = StageSettings(root=tmp_path, model_name=small_model.name, dataset="popqa", preset=load_preset("semoe"))
    passages = (AugmentedPassage(pid=0, passage="Ubik is a novel.", title="Ubik"),)
    questions = [
        AugmentedQuestion(qid=str(n), test_id=n, question=f"Who is {n}?", answers=("a",), passages=passages)
        for n in range(3)
    ]
    write_augmented(settings.augmented_folder / "total.json", questions, "parse")
    return settings


def texts(model: Model, settings: StageSettings, how: InferenceSettings = PLAIN) -> list[str]:
    (report,) = inference(model, settings, how)
    assert report.num_questions == len(report.records)
    return [record.text for record in report.records]


def mark(settings: StageSettings, count: int = 3) -> Path:
    """Leaves the first answers of an earlier run, so that they can be told from new ones."""
    (file,) = settings.root.glob("output/**/predict.json")
    records = json.loads(file.read_text())[:count]
    file.write_text(json.dumps([record | {"text": KEPT} for record in records]))
    return file


def test_answers_of_the_same_settings_are_kept_and_the_others_made(small_model: Model, settings: StageSettings) -> None:
    first = texts(small_model, settings)
    assert KEPT not in first
    file = mark(settings, 2)
    assert texts(small_model, settings) == [KEPT, KEPT, first[2]]
    assert [record["did"] for record in json.loads(file.read_text())] == [0, 1, 2]


@pytest.mark.parametrize("change", [{"max_new_tokens": 3}, {"merge": "sum"}, {"extraction": "published"}], ids=str)
def test_answers_of_other_settings_are_made_anew(
    small_model: Model, settings: StageSettings, change: dict[str, object]
) -> None:
    texts(small_model, settings)
    mark(settings)
    assert KEPT not in texts(small_model, settings, replace(PLAIN, **change))  # type: ignore[arg-type]


def test_answers_of_a_version_that_did_not_know_a_setting_are_kept(small_model: Model, settings: StageSettings) -> None:
    """It did what the setting does by default."""
    switching = SwitchSettings(method="non-retrieval", query_formulation="direct", generate_max_length=2)
    how = replace(PLAIN, switching=switching)

    def answer(how: InferenceSettings) -> list[str]:
        (report,) = inference(small_model, settings, how, cast("Retriever", object()))
        return [record.text for record in report.records]

    answer(how)
    config = mark(settings).with_name("config.json")
    written = json.loads(config.read_text())
    config.write_text(json.dumps({name: value for name, value in written.items() if name != "after_retrieval"}))
    assert answer(how) == [KEPT] * 3
    assert KEPT not in answer(replace(how, switching=replace(switching, after_retrieval="accept")))


def test_answers_with_another_template_are_made_anew(small_model: Model, settings: StageSettings) -> None:
    texts(small_model, settings)
    mark(settings)
    answering = replace(settings.preset.answering, template="published")
    assert KEPT not in texts(small_model, replace(settings, preset=replace(settings.preset, answering=answering)))


def test_answers_of_other_settings_are_gone_before_the_first_new_one(
    small_model: Model, settings: StageSettings
) -> None:
    """A run that breaks off between would leave them to the settings of the new one."""
    texts(small_model, settings)
    file = mark(settings)
    with pytest.raises(UsageError):
        texts(small_model, settings, replace(PLAIN, extraction="nope"))
    assert not file.exists()
    assert KEPT not in texts(small_model, settings)


def test_a_sample_is_answered_alone(small_model: Model, settings: StageSettings) -> None:
    assert len(texts(small_model, replace(settings, sample=2))) == 2
    assert len(texts(small_model, replace(settings, sample=0))) == 0


@pytest.mark.parametrize("written_by", ["this version", "one that kept no digest"])
def test_other_questions_in_the_same_file_are_answered_anew(
    small_model: Model, settings: StageSettings, written_by: str
) -> None:
    texts(small_model, settings)
    file = mark(settings)
    if written_by != "this version":
        file.write_text(json.dumps([{**one, "asked": ""} for one in json.loads(file.read_text())]))
    augmented = settings.augmented_folder / "total.json"
    first, *others = read_augmented(augmented)
    write_augmented(augmented, [replace(first, answers=("b",)), *others], "parse")
    assert [text == KEPT for text in texts(small_model, settings)] == [False, True, True]
    assert json.loads(file.read_text())[0]["answer"] == ["b"]


def test_a_question_with_other_passages_is_answered_anew(small_model: Model, settings: StageSettings) -> None:
    texts(small_model, settings)
    mark(settings)
    augmented = settings.augmented_folder / "total.json"
    *others, last = read_augmented(augmented)
    (passage,) = last.passages
    write_augmented(augmented, [*others, replace(last, passages=(replace(passage, passage="A film."),))], "parse")
    assert [text == KEPT for text in texts(small_model, settings)] == [True, True, False]


def test_experts_that_are_nowhere_are_asked_for(small_model: Model, settings: StageSettings) -> None:
    with pytest.raises(UsageError, match="semoe encode"):
        texts(small_model, settings, replace(PLAIN, inference_method="prag"))
