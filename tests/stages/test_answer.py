"""Which experts an answer is given: its question's own, or as many of other questions' for the control."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, Task
from semoe.errors import UsageError
from semoe.experts.preset import load_preset
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.stages.answer import Answerer, distinct_keys
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.recipe import Recipe
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts


class Watched(Experts):
    """Remembers which experts were asked for."""

    asked: list[str]

    def prefetch(self, keys: list[str], *, wait: bool = False) -> None:
        self.asked = list(keys)
        super().prefetch(keys, wait=wait)


def task(did: int, num_passages: int = 3) -> Task:
    """A question whose passages no other question has."""
    passages = tuple(AugmentedPassage(pid=pid, passage=f"text {did}-{pid}") for pid in range(num_passages))
    question = AugmentedQuestion(qid=str(did), test_id=did, question="Who?", answers=("a",), passages=passages)
    return Task(did=did, question=question)


def loaded(model: Model, folder: Path, tasks: Sequence[Task], one: Task, *, seed: int = 42, experts: str) -> list[str]:
    """Returns the keys of the experts that are loaded for one of several questions."""
    recipe = Recipe(model_name=model.name, preset=load_preset("semoe"), augmented_by="parse")
    watched = Watched(ExpertStore(FolderObjects(folder), "s"), recipe.layout(model))
    how = InferenceSettings(inference_method="prag", experts=experts, seed=seed, max_new_tokens=1)
    Answerer(model=model, recipe=recipe, how=how, experts=watched, all_keys=distinct_keys(tasks)).answer([one])
    return watched.asked


def test_a_question_is_given_its_own_experts(small_model: Model, tmp_path: Path) -> None:
    tasks = [task(did) for did in range(3)]
    assert loaded(small_model, tmp_path, tasks, tasks[1], experts="own") == tasks[1].keys


def test_the_control_never_has_an_expert_of_the_questions_own_and_as_many(small_model: Model, tmp_path: Path) -> None:
    """With one other question's passages there is just enough: a control that took its own would have to show."""
    tasks, everything = [task(did) for did in range(2)], set[str]()
    for seed in range(3):
        for one, other in (tasks, tasks[::-1]):
            drawn = loaded(small_model, tmp_path, tasks, one, seed=seed, experts="random")
            assert sorted(drawn) == sorted(other.keys)
            everything.update(drawn)
    assert everything == {key for one in tasks for key in one.keys}


def test_the_control_takes_what_there_is_where_others_have_too_few(small_model: Model, tmp_path: Path) -> None:
    tasks = [task(0, num_passages=4), task(1, num_passages=1)]
    assert loaded(small_model, tmp_path, tasks, tasks[0], experts="random") == tasks[1].keys
    assert loaded(small_model, tmp_path, tasks[:1], tasks[0], experts="random") == []


def test_the_control_is_drawn_by_seed_and_question(small_model: Model, tmp_path: Path) -> None:
    tasks = [task(did) for did in range(12)]
    first, again, other_seed = (
        [tuple(loaded(small_model, tmp_path, tasks, one, seed=seed, experts="random")) for one in tasks[:4]]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other_seed
    assert len(set(first)) == 4
    assert all(len(set(drawn)) == 3 for drawn in first)


def asked(model: Model, *, length: int = 2, exemplars: Sequence[Exemplar] = ()) -> Answerer:
    recipe = Recipe(model_name=model.name, preset=load_preset("semoe"), augmented_by="parse", exemplars=exemplars)
    how = InferenceSettings(inference_method="icl", max_new_tokens=length)
    return Answerer(model=model, recipe=recipe, how=how, experts=None)


def of_words(did: int, question: int = 1, passage: int = 1) -> Task:
    """A question and two passages of so many words."""
    passages = tuple(AugmentedPassage(pid=pid, passage="word " * passage) for pid in range(2))
    asks = AugmentedQuestion(qid="", test_id=10 + did, question="why " * question, answers=("a",), passages=passages)
    return Task(did=did, question=asks)


def test_passages_and_words_of_an_answer_that_do_not_fit_are_kept_with_it_and_told(small_model: Model) -> None:
    tasks = [of_words(0), of_words(1, passage=1500), of_words(2, passage=3000), of_words(3, question=2030)]
    answerer = asked(small_model)
    records = answerer.answer(tasks)
    assert [one.fit.dropped_passages for one in records] == [0, 1, 2, 2]
    long = records[3].fit.too_long
    assert [one.fit.too_long for one in records[:3]] == [0, 0, 0]
    assert long > 2048
    assert (records[3].text, records[3].scores.f1) == ("", 0.0)
    said = answerer.told(records) or ""
    assert "2048 tokens" in said
    assert "3 questions of 4 lost 5 passages" in said
    assert f"question 3 (test_id 13) has {long} tokens" in said
    assert answerer.told(records[:1]) is None


def test_an_answer_that_the_context_ended_says_how_many_tokens_it_lacks(small_model: Model) -> None:
    task = of_words(0, question=1950)
    (plain,) = asked(small_model, length=1).answer([task])
    (cut,) = asked(small_model, length=500).answer([task])
    written = len(small_model.tokenizer.encode(cut.text))
    assert plain.fit.cut_tokens == 0
    assert cut.fit.cut_tokens == pytest.approx(500 - written, abs=3), "a text may have other tokens than were written"
    assert 400 < cut.fit.cut_tokens < 500


def test_an_answer_that_ended_by_itself_lacks_nothing(small_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    task = of_words(0, question=1950)
    (cut,) = asked(small_model, length=500).answer([task])
    ends = small_model.tokenizer.encode(cut.text)[3:]
    monkeypatch.setattr(small_model.tokenizer, "eos_ids", frozenset(ends))
    (ended,) = asked(small_model, length=500).answer([task])
    assert len(ended.text) < len(cut.text)
    assert ended.fit.cut_tokens == 0


def test_worked_examples_that_leave_no_room_are_refused_before_any_question(small_model: Model) -> None:
    tasks = [of_words(0)]
    fitting = (Exemplar("why?", "word " * 900),)
    assert asked(small_model, exemplars=fitting).answer(tasks)[0].fit.too_long == 0
    with pytest.raises(UsageError, match=r"The 3 worked examples alone .* may have 2048.*--with_cot"):
        asked(small_model, exemplars=fitting * 3).answer(tasks)


@pytest.mark.parametrize(
    ("name", "method", "experts"),
    [("combine", "combine", "own"), ("prag_random", "prag", "random"), ("token-prag", "prag", "own")],
)
def test_settings_are_told_by_the_name_of_their_folder(name: str, method: str, experts: str) -> None:
    switching = SwitchSettings() if "-" in name else None
    found = InferenceSettings.of(name, switching)
    assert (found.inference_method, found.experts, found.folder_name) == (method, experts, name)


@pytest.mark.parametrize(
    ("method", "shows", "loads"),
    [("none", False, False), ("icl", True, False), ("prag", False, True), ("combine", True, True)],
)
def test_a_method_shows_passages_or_loads_experts_or_both(method: str, shows: bool, loads: bool) -> None:
    found = InferenceSettings(inference_method=method)
    assert (found.shows_passages, found.loads_experts) == (shows, loads)


def test_a_control_of_answers_that_retrieve_is_refused() -> None:
    with pytest.raises(UsageError, match="--experts random"):
        InferenceSettings(experts="random", switching=SwitchSettings())


def test_an_unknown_method_is_told_before_a_question_is_asked(small_model: Model) -> None:
    how = InferenceSettings(inference_method="none", switching=SwitchSettings(method="tokn"))
    with pytest.raises(UsageError, match="method"):
        Answerer.of(small_model, Recipe.of("tiny"), how, None, run="r")
