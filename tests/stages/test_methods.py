"""Every method that retrieves while it answers, with every query formulation and inference method that makes sense, on
real questions of all four datasets, with the real small model and real experts."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.datasets.augmented import AugmentedQuestion, Task
from semoe.datasets.keys import passage_key
from semoe.datasets.loading import load_dataset
from semoe.experts.preset import load_preset
from semoe.generation.engine import Engine
from semoe.generation.switching.loop import Switching
from semoe.generation.switching.methods import methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.models.model import load_model
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.answer import Answerer
from semoe.stages.answer_record import AnswerRecord
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.on_the_spot import OnTheSpot
from semoe.stages.recipe import Recipe
from semoe.stages.requests import RequestMaker
from semoe.stages.retrieve import unanswered
from semoe.store.barren import NO_PAIRS
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts, make_space
from tests.demo import DEMO, PASSAGES, quick

DATA = Path(__file__).parents[1] / "data"
SETS = {"popqa": DEMO, "2wikimultihopqa": DEMO, "hotpotqa": DATA, "cwq": DATA}
THRESHOLD = {"dragin": 0.3}
MATRIX = [
    (method, formulation, inference)
    for method, kind in [(name, methods[name]) for name in methods]
    for formulation in kind.formulations
    for inference in ("icl", "prag", "combine")
]
EACH = [one for one in MATRIX if one[1] == methods[one[0]].formulations[0]]
"""Every method with every way to answer."""
SOME = [
    # Queries from attention, from a doubted sentence, from all that was written; every way to answer.
    ("dragin", "real_words", "icl"), ("dragin", "current_wo_wrong", "combine"), ("token", "forward_all", "prag"),
    *[
        (method, methods[method].formulations[-1], inference)
        for method, inference in zip(("single-retrieval", "fix-length-retrieval", "fix-sentence-retrieval"),
                                     itertools.cycle(("prag", "combine", "icl")))
    ],
]  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An index, a model, a recipe of two steps, a store, and one question of each dataset."""
    root = tmp_path_factory.mktemp("methods")
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    (root / "quick.toml").write_text(quick())
    model = load_model("smollm2", device="cpu")
    recipe = Recipe(model_name="smollm2", preset=load_preset(str(root / "quick.toml")), augmented_by="parse")
    objects = FolderObjects(root / "store")
    make_space(objects, recipe.space(model), recipe.layout(model))
    questions = [unanswered(load_dataset(name, folder / name)[0]) for name, folder in SETS.items()]
    return {
        "model": model,
        "recipe": recipe,
        "store": ExpertStore(objects, recipe.space(model).name),
        "retriever": open_retriever("bm25", RetrievalConfig(index_dir=root / "index")),
        "language": Language(),
        "tasks": [Task(did=n, question=question) for n, question in enumerate(questions)],
        "root": root,
    }


def answers(
    work: dict[str, Any], tasks: list[Task] | None = None, inference: str = "prag", **settings: Any
) -> list[AnswerRecord]:
    model, recipe, store = work["model"], work["recipe"], work["store"]
    switching = SwitchSettings(
        **{"missing": "train", "generate_max_length": 24, "fix_length": 8, "max_switches": 3} | settings
    )
    how = InferenceSettings(inference_method=inference, switching=switching)
    spot = OnTheSpot.of(model, recipe, store, switching, run="test")
    experts = Experts(store, recipe.layout(model))
    answerer = Answerer(
        model=model, recipe=recipe, how=how, experts=experts, retriever=work["retriever"], make_experts=spot,
        language=work["language"],
    )  # fmt: skip
    return answerer.answer(tasks or work["tasks"])


def check(work: dict[str, Any], method: str, formulation: str, inference: str) -> None:
    records = answers(
        work, inference=inference, method=method, query_formulation=formulation,
        hallucination_threshold=THRESHOLD.get(method, 0.1),
    )  # fmt: skip
    assert len(records) == len(SETS)
    traces = [record.trace for record in records if record.trace]
    assert len(traces) == len(records)
    for record, trace in zip(records, traces, strict=True):
        assert AnswerRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
        assert trace.counters.generate >= 1
        assert len(trace.switches) <= 3
        assert trace.counters.retrieve == len(trace.switches)
        # Where the same passages come again, the draft in hand goes on, and none is begun.
        assert len(trace.real_switches) <= trace.counters.generate
        for switch in trace.switches:
            assert switch.query.strip()
            loaded = {one.key for one in switch.passages if one.has_expert} if inference != "icl" else set()
            assert set(switch.experts) <= loaded or switch.note
    if inference != "icl" and method != "non-retrieval":
        assert any(switch.experts for trace in traces for switch in trace.switches)
    if method != "non-retrieval":
        assert any(trace.switches for trace in traces)


@pytest.mark.parametrize(("method", "formulation", "inference"), SOME)
def test_some_of_the_matrix(work: dict[str, Any], method: str, formulation: str, inference: str) -> None:
    check(work, method, formulation, inference)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "formulation", "inference"), MATRIX)
def test_the_whole_matrix(work: dict[str, Any], method: str, formulation: str, inference: str) -> None:
    check(work, method, formulation, inference)


@pytest.fixture(scope="module")
def vectors(work: dict[str, Any]) -> RetrievalConfig:
    """Vectors beside BM25's index."""
    folder = work["root"] / "index"
    assert run(["index", "--retriever", "dense-hnsw", "--data_path", str(PASSAGES), "--index_dir", str(folder)]) == 0
    return RetrievalConfig(index_dir=folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("retriever", ["dense", "bm25+dense", "bm25/names", "bm25+dense-hnsw/names"])
@pytest.mark.parametrize(("method", "formulation", "inference"), EACH)
def test_every_retriever(
    work: dict[str, Any], vectors: RetrievalConfig, retriever: str, method: str, formulation: str, inference: str
) -> None:
    check(work | {"retriever": open_retriever(retriever, vectors)}, method, formulation, inference)


def test_real_switches_change_the_text_and_equal_a_fresh_start(work: dict[str, Any]) -> None:
    """With the experts of what was found, the model goes on otherwise than it would have; alone as in a batch."""
    together = answers(work, method="token", hallucination_threshold=0.05)
    alone = [answers(work, [task], method="token", hallucination_threshold=0.05)[0] for task in work["tasks"]]
    never = answers(work, method="non-retrieval")
    assert [one.text for one in together] == [one.text for one in alone]
    assert sum(bool(one.trace and one.trace.switches) for one in together) >= 2
    assert any(one.text != plain.text for one, plain in zip(together, never, strict=True))
    for one, plain in zip(together, never, strict=True):
        if one.trace and one.trace.switches:
            kept = one.trace.switches[0].position
            assert one.text[:kept] == plain.text[:kept]


def test_after_the_last_switch_the_text_is_a_fresh_starts(work: dict[str, Any]) -> None:
    """Real weights, real experts: the same tokens as from a new engine given prompt, accepted text and new experts."""
    answers(work, method="token", hallucination_threshold=0.05)  # makes the experts
    model, recipe = work["model"], work["recipe"]
    layout = recipe.layout(model)
    acting = RequestMaker(
        model=model, recipe=recipe, experts=Experts(work["store"], layout), shows_passages=True,
        merge="half",
    )  # fmt: skip

    def engine() -> Engine:
        return Engine(model.decoder, layout, eos_ids=model.tokenizer.eos_ids, max_rows=4)

    switching = Switching(
        engine=engine(), decoder=model.decoder, tokenizer=model.tokenizer, language=work["language"],
        retriever=work["retriever"], requests=acting,
        settings=SwitchSettings(hallucination_threshold=0.05, generate_max_length=24, max_switches=2),
    )  # fmt: skip
    questions = [task.question.question for task in work["tasks"]]
    switched = [(q, one) for q, one in zip(questions, switching.answer(questions), strict=True) if one.switches]
    assert switched
    for question, one in switched:
        last = [switch for switch in one.switches if not switch.note][-1]
        hits = [Retrieved(Passage(p.id, p.text, p.title), p.score, n) for n, p in enumerate(last.passages)]
        ready = acting.request(question, hits, one.tokens[: last.token], 24 - last.token)
        assert ready.request is not None
        (fresh,) = engine().generate([ready.request])
        assert (*one.tokens[: last.token], *fresh.tokens)[: len(one.tokens)] == one.tokens


@pytest.mark.parametrize(("missing", "is_barren"), [("skip", False), ("icl", False), ("train", False), ("train", True)])
def test_what_a_missing_expert_does(work: dict[str, Any], missing: str, is_barren: bool) -> None:
    """A passage of its own, which nothing knows yet, or of which is known that it gives nothing to learn."""
    name = f"Zorbax {missing} {is_barren}"
    passage = Passage(f"9{missing}", f"{name} is a town in Freedonia. {name} was founded in 1723.", name)

    class One:
        def search(self, queries: list[str], k: int) -> list[list[Retrieved]]:
            return [[Retrieved(passage, 1.0, 0)] for _ in queries]

    question = AugmentedQuestion(qid="z", test_id=0, question=f"Where is {name}?", answers=("Freedonia",))
    known, retriever = len(work["store"]), work["retriever"]
    work["retriever"] = One()
    if is_barren:
        work["store"].barren.add({passage_key(passage.title, passage.text): NO_PAIRS}, run="another")
    try:
        (record,) = answers(work, [Task(did=0, question=question)], method="single-retrieval", missing=missing)
    finally:
        work["retriever"] = retriever
    assert record.trace
    (switch,) = record.trace.switches
    made = missing == "train" and not is_barren
    assert len(work["store"]) == known + made
    assert switch.passages[0].has_expert == made
    assert (record.num_experts, len(switch.experts)) == (int(made), int(made))
    acting = RequestMaker(
        model=work["model"], recipe=work["recipe"], shows_passages=False, merge="half",
        experts=Experts(work["store"], work["recipe"].layout(work["model"])), missing=missing,
    )  # fmt: skip
    ready = acting.request(question.question, [Retrieved(passage, 1.0, 0)], (), 8)
    assert ready.request is not None
    assert ("Freedonia" in work["model"].tokenizer.decode(list(ready.request.prompt))) == (missing == "icl")


def test_a_published_config_with_experts_that_switch(work: dict[str, Any], tmp_path: Path) -> None:
    config = {
        "model_name_or_path": "smollm2", "method": "token", "dataset": "popqa", "fewshot": 0, "sample": 2,
        "data_path": str(DEMO / "popqa"), "output_dir": str(tmp_path / "r"), "generate_max_length": 16,
        "retriever": "BM25", "es_index_name": "wiki", "retrieve_topk": 2, "hallucination_threshold": 0.05,
        "query_formulation": "forward_all", "inference_method": "combine", "preset": str(work["root"] / "quick.toml"),
        "store": str(work["root"] / "store"), "missing": "train",
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert run(["main", "-c", str(tmp_path / "config.json"), "--index_dir", str(work["root"] / "index")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "0" / "output.jsonl").read_text().splitlines()]
    assert sum(line["retrieve_count"] for line in lines) >= 1
    assert all(len(line["switches"]) == line["retrieve_count"] for line in lines)
    assert any(switch["experts"] for line in lines for switch in line["switches"])
