"""What the experts of some passages come to: found, trained, without pairs; and who is first."""

from dataclasses import replace
from pathlib import Path

import pytest

from semoe.datasets.augmented import AugmentedPassage, QAPair
from semoe.errors import UsageError
from semoe.experts.preset import parse_preset
from semoe.experts.sequences import TooLong
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.stages.encode import Encoded, Encoding
from semoe.stages.recipe import Recipe
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.opened import make_space
from tests.demo import quick


def passage(answer: str = "") -> AugmentedPassage:
    """One with a pair, or without any."""
    pair = QAPair(question="Where?", answer=answer, full_answer=f"In {answer}.")
    return AugmentedPassage(pid=0, passage="It is somewhere.", qa=(pair,) if answer else ())


class Bench:
    """Encodes into one store."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model = model
        self.recipe = Recipe.of(model.name, parse_preset(quick(), "quick"))
        self.store = make_space(FolderObjects(folder), self.recipe.space(model), self.recipe.layout(model))

    def work(self, cure: str | None = "Mend it.", **passages: AugmentedPassage) -> Encoding:
        keyed = {name * 64: one for name, one in passages.items()}
        store = ExpertStore(self.store.objects, self.store.names.space, max_age=0)  # sees at once what others commit
        return Encoding.of(self.model, self.recipe, keyed, store, cure=cure)

    def encode(self, cure: str | None = "Mend it.", **passages: AugmentedPassage) -> Encoded:
        return self.work(cure, **passages).train(run="r")


@pytest.fixture
def bench(small_model: Model, tmp_path: Path) -> Bench:
    return Bench(small_model, tmp_path)


def counts(done: Encoded) -> tuple[int, int, int, int, int]:
    trained = done.published.trained.num_experts
    return (done.num_passages, done.num_found, trained, done.published.num_published, len(done.without_pairs))


def test_each_passage_is_found_trained_or_without_pairs(bench: Bench) -> None:
    assert counts(bench.encode(a=passage("Paris"), b=passage())) == (2, 0, 1, 1, 1)
    assert counts(bench.encode(a=passage("Paris"), b=passage(), c=passage("Rome"))) == (3, 1, 1, 1, 1)


def test_sequences_that_are_too_long_are_counted_and_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    done = bench.encode(a=passage("Paris"), b=passage("word " * 2100), c=passage("word " * 3100))
    assert done.published.trained.too_long == TooLong(num_cut=1, num_left_out=0, num_beyond_context=2)
    assert "longer than the model's context of 2048 tokens" in caplog.text
    caplog.clear()
    assert bench.encode(d=passage("Rome")).published.trained.too_long == TooLong()
    assert caplog.text == ""


def test_worked_examples_longer_than_a_sequence_are_refused_before_training(bench: Bench) -> None:
    bench.recipe = replace(bench.recipe, exemplars=(Exemplar("Why?", "word " * 2100),))
    with pytest.raises(UsageError, match=r"worked examples? alone"):
        bench.encode(a=passage("Paris"))


def test_other_pairs_than_an_expert_learnt_are_refused(bench: Bench) -> None:
    bench.encode(a=passage("Paris"))
    with pytest.raises(UsageError, match=r"1 expert .* learnt other pairs .* Mend it\."):
        bench.encode(a=passage("Rome"))


def test_somebody_who_was_first_with_other_pairs_is_told_of(bench: Bench) -> None:
    late = bench.work(a=passage("Rome"))
    bench.encode(a=passage("Paris"))
    with pytest.raises(UsageError, match="learnt other pairs"):
        late.train(run="late")


def test_where_any_expert_will_do_the_first_stays(bench: Bench) -> None:
    late = bench.work(None, a=passage("Rome"))
    bench.encode(a=passage("Paris"))
    assert late.train(run="late").published.num_published == 0
    assert counts(bench.encode(None, a=passage("Rome"))) == (1, 1, 0, 0, 0)


def test_an_expert_whose_numbers_are_not_finite_is_not_published(bench: Bench) -> None:
    preset = bench.recipe.preset
    wild = replace(preset, training=replace(preset.training, learning_rate=1e30, num_steps=4))
    bench.recipe = replace(bench.recipe, preset=wild)
    bench.store = make_space(bench.store.objects, bench.recipe.space(bench.model), bench.recipe.layout(bench.model))
    with pytest.raises(UsageError, match=r"numbers that are not finite.*smaller learning rate"):
        bench.encode(a=passage("Paris"))
    aside: list[str] = []
    done = bench.work(a=passage("Paris")).train(run="r", set_aside=lambda keyed, error: aside.append(keyed[0]))
    assert (aside, done.published.num_published) == (["a" * 64], 0)
    assert "a" * 64 not in ExpertStore(bench.store.objects, bench.store.names.space)
