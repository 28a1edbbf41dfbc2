"""What passages do to a request: which stand in the prompt, which experts are loaded, how much room is left."""

from pathlib import Path

import pytest
import torch

from semoe.datasets.keys import passage_key
from semoe.experts.preset import load_preset
from semoe.models.model import Model
from semoe.retrieval.passage import Passage, Retrieved
from semoe.stages.recipe import Recipe
from semoe.stages.requests import RequestMaker
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord

QUESTION = "Who wrote Ubik?"
NAMES = ("Alabama", "Bolivia", "Canada")


def recipe(model: Model) -> Recipe:
    return Recipe(model_name=model.name, preset=load_preset("semoe"), augmented_by="parse")


def hits(words: int = 3) -> list[Retrieved]:
    """Three passages, best first, of so many words each."""
    return [
        Retrieved(Passage(str(rank), " ".join([name] + ["word"] * (words - 1)), name), 4.0 - 2 * rank, rank)
        for rank, name in enumerate(NAMES)
    ]


def stored(model: Model, folder: Path, found: list[Retrieved]) -> Experts:
    """The experts of these passages, each full of its own rank + 1."""
    layout = recipe(model).layout(model)
    store = ExpertStore(FolderObjects(folder), "s")
    with Producer(store, layout, run="r") as producer:
        for hit in found:
            key = passage_key(hit.passage.title, hit.passage.text)
            record = ExpertRecord(key=key, space="s", title=hit.passage.title, num_tokens=1, loss=0.5, learnt="l")
            producer.add(torch.full((layout.size,), hit.rank + 1.0), record)
    return Experts(store, layout)


def acting(model: Model, experts: Experts | None = None, *, shows: bool = True, **more: str) -> RequestMaker:
    return RequestMaker(
        model=model, recipe=recipe(model), experts=experts, shows_passages=shows,
        **({"merge": "score"} | more),  # type: ignore[arg-type]
    )  # fmt: skip


def shown(model: Model, prompt: tuple[int, ...]) -> list[str]:
    text = model.tokenizer.decode(list(prompt))
    return [name for name in NAMES if name in text]


@pytest.mark.parametrize(("words", "kept"), [(20, 3), (800, 2), (1500, 1), (2500, 0)])
def test_the_last_ranked_passages_leave_a_prompt_that_would_overflow(small_model: Model, words: int, kept: int) -> None:
    ready = acting(small_model).request(QUESTION, hits(words), (), 14)
    assert ready.request is not None
    assert shown(small_model, ready.request.prompt) == list(NAMES[:kept])
    assert ready.dropped_passages == 3 - kept
    assert "Ubik" in small_model.tokenizer.decode(list(ready.request.prompt))


@pytest.fixture
def room(small_model: Model) -> int:
    """How many tokens an answer may have beside all three passages."""
    plain = acting(small_model).request(QUESTION, hits(), (), 14).request
    assert plain is not None
    return small_model.decoder.config.max_position_embeddings - len(plain.prompt)


@pytest.mark.parametrize("beyond", [0, 1])
def test_what_just_fits_stays_and_one_token_more_drops_a_passage(small_model: Model, room: int, beyond: int) -> None:
    ready = acting(small_model).request(QUESTION, hits(), (), room + beyond)
    assert ready.dropped_passages == beyond
    assert ready.request is not None
    assert ready.request.max_new_tokens == room + beyond


def test_what_was_written_before_takes_its_room_and_ends_the_prompt(small_model: Model, room: int) -> None:
    accepted = (5,) * 10
    ready = acting(small_model).request(QUESTION, hits(), accepted, room - 10)
    assert ready.dropped_passages == 0
    assert ready.request is not None
    assert ready.request.prompt[-10:] == accepted


def test_a_context_without_room_gives_no_request_and_one_with_little_a_short_one(small_model: Model) -> None:
    context, act = small_model.decoder.config.max_position_embeddings, acting(small_model)
    bare = act.request(QUESTION, (), (), 14).request
    assert bare is not None
    left = context - len(bare.prompt)
    ready = act.request(QUESTION, hits(), (5,) * (left - 1), 14)
    assert ready.request is not None
    assert (ready.request.max_new_tokens, ready.dropped_passages) == (1, 3)
    assert ready.cut_tokens == 13
    none = act.request(QUESTION, hits(), (5,) * left, 14)
    assert (none.request, none.cut_tokens, none.num_tokens) == (None, 14, context)


def test_each_passage_brings_its_expert_with_the_weight_of_its_score(small_model: Model, tmp_path: Path) -> None:
    found = hits()
    act = acting(small_model, stored(small_model, tmp_path, [found[0], found[2]]), shows=False)
    ready = act.request(QUESTION, found, (), 14)
    assert ready.request is not None
    assert [float(expert[0]) for expert in ready.request.experts] == [1.0, 3.0]
    assert ready.request.weights == pytest.approx((1.0, 0.1353), abs=1e-4)
    assert ready.experts == (act.key(found[0]), act.key(found[2]))
    assert ready.missing == {act.key(found[1])}
    assert shown(small_model, ready.request.prompt) == []


@pytest.mark.parametrize(
    ("shows", "missing", "names"),
    [(True, "skip", list(NAMES)), (False, "skip", []), (False, "icl", ["Bolivia"]), (True, "icl", list(NAMES))],
)
def test_a_passage_without_an_expert_stands_in_the_prompt_where_it_should(
    small_model: Model, tmp_path: Path, shows: bool, missing: str, names: list[str]
) -> None:
    found = hits()
    experts = stored(small_model, tmp_path, [found[0], found[2]])
    ready = acting(small_model, experts, shows=shows, missing=missing).request(QUESTION, found, (), 14)
    assert ready.request is not None
    assert shown(small_model, ready.request.prompt) == names


def test_where_no_experts_are_loaded_none_is_missing_from_the_prompt(small_model: Model) -> None:
    ready = acting(small_model, shows=False, missing="icl").request(QUESTION, hits(), (), 14)
    assert ready.request is not None
    assert (shown(small_model, ready.request.prompt), ready.request.experts) == ([], ())


@pytest.mark.parametrize(
    ("title", "text", "opening"),
    [("Ubik", "A novel.", "Ubik\nA novel."), ("Ubik", "Ubik is it.", "Ubik is it."), ("", "A novel.", "A novel.")],
)
def test_a_title_stands_before_a_text_that_does_not_open_with_it(
    small_model: Model, title: str, text: str, opening: str
) -> None:
    ready = acting(small_model).request(QUESTION, [Retrieved(Passage("0", text, title), 1.0, 0)], (), 14)
    assert ready.request is not None
    prompt = small_model.tokenizer.decode(list(ready.request.prompt))
    assert opening in prompt
    assert "Ubik\nUbik" not in prompt
    assert "\n\nA novel" not in prompt or title
