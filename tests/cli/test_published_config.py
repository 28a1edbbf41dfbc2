"""`semoe main -c` on a configuration as they were published."""

import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.datasets.loading import load_dataset
from semoe.generation.switching.settings import SwitchSettings
from semoe.prompts.template import Prompt, Template
from semoe.published import main_run
from semoe.published.main_config import MainConfig, read_main_config
from tests.demo import DEMO
from tests.tiny import chatting_model_folder


def write_config(folder: Path, **changed: Any) -> Path:
    config = {
        "model_name_or_path": "smollm2", "method": "single-retrieval", "dataset": "popqa",
        "fewshot": 0, "sample": 2,
        "data_path": str(DEMO / "popqa"), "output_dir": str(folder / "r"), "generate_max_length": 4,
        "retriever": "BM25", "es_index_name": "wiki", "retrieve_topk": 3,
    }  # fmt: skip
    path = folder / "config.json"
    path.write_text(json.dumps(config | changed))
    return path


def test_a_published_config_runs_and_opens_no_store_that_it_has_no_use_for(journey: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, store="gs://a/store/that/is/none")
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "0" / "output.jsonl").read_text().splitlines()]
    assert [len(line["rel_psgs"]) for line in lines] == [3, 3]


def test_a_published_config_retrieves_with_sgpt(
    journey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = chatting_model_folder(tmp_path / "decoder")
    place = ["--index_dir", str(tmp_path / "index")]
    data = ["--retriever", "dense", "--encoder", f"sgpt:{encoder}", "--data_path", str(DEMO / "passages.tsv")]
    parts = ["--parts", str(tmp_path / "parts")]
    for more, done in ((["--share", "0/1"], {"already_there": 0}), ([], {"already_there": 300})):
        assert run(["index", *data, *place, *parts, *more, "--json"]) == 0
        assert json.loads(capsys.readouterr().out).items() >= (done | {"passages": 300}).items()
    for wrong, said in (
        (["--share", "0/1"], "--share needs --parts"),
        ([*parts, "--share", "0/1", "--retriever", "bm25"], "for vectors"),
    ):
        assert run(["index", *data, *place, *wrong]) == 2
        assert said in capsys.readouterr().err
    keys = {"sgpt_model_name_or_path": str(encoder), "sgpt_encode_file_path": "vectors/", "passage_file": "psgs.tsv"}
    assert run(["main", "-c", str(write_config(tmp_path, retriever="SGPT", **keys)), *place]) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "0" / "output.jsonl").read_text().splitlines()]
    assert [len(line["rel_psgs"]) for line in lines] == [3, 3]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"method": "tokn"}, "Did you mean 'token'"),
        ({"method": "token", "query_formulation": "real_words"}, "makes no sense"),
        ({"inference_method": "pragg"}, "Did you mean 'prag'"),
        ({"inference_method": "prag", "store": "gs://a/store"}, "gs://"),
        ({"retrieve_topkk": 3}, "Did you mean 'retrieve_topk'"),
        ({"shuffle": "false"}, "shuffle must be true or false, not 'false'. Write true or false, without quotes"),
        ({"use_counter": "false"}, "use_counter must be true or false"),
        ({"check_real_words": 0}, "check_real_words must be true or false, not 0"),
        ({"sample": "2"}, "sample must be a whole number, not '2'. Write it without quotes"),
        ({"fewshot": -1}, "fewshot must be 0 or more"),
        ({"after_retrieval": "acept"}, "Did you mean 'accept'"),
        ({"closing": "publishd"}, "Did you mean 'published'"),
        ({"fix_length": 0}, "fix_length must be 1 or more"),
        ({"dataset": ["popqa"]}, "dataset must be a text, not ['popqa']"),
        ({"hallucination_threshold": None}, "hallucination_threshold must be a number"),
        ({"retriever": "BM52"}, "Did you mean 'bm25'"),
        ({"retriever": "BM52", "method": "non-retrieval"}, "Did you mean 'bm25'"),
        ({"retriever": "SGPT"}, "needs sgpt_model_name_or_path"),
        ({"retriever": "SGPT", "sgpt_model_name_or_path": "a/b"}, "semoe index --retriever dense"),
    ],
)
def test_a_mistake_in_a_published_config_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    words: str,
) -> None:
    monkeypatch.setattr(main_run, "load_model", None)  # a mistake is told before a model is loaded
    assert run(["main", "-c", str(write_config(tmp_path, **changed))]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def own_prompt(tmp_path: Path) -> str:
    """A preset that names a prompt template of its own."""
    (tmp_path / "mine.jinja").write_text("MINE {{ passages | length }} {{ question }}")
    (tmp_path / "mine.toml").write_text(f'[answering]\ntemplate = "{tmp_path / "mine.jinja"}"\n')
    return str(tmp_path / "mine.toml")


def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects what the templates make of questions from now on."""
    seen: list[str] = []
    render = Template.render

    def watched(self: Template, *arguments: Any, **more: Any) -> Prompt:
        prompt = render(self, *arguments, **more)
        seen.append(prompt.user)
        return prompt

    monkeypatch.setattr(Template, "render", watched)
    return seen


def test_a_preset_that_names_a_template_of_its_own_asks_with_it(
    journey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_prompt: str
) -> None:
    seen = prompts(monkeypatch)
    config = write_config(tmp_path, preset=own_prompt, sample=1)
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    assert [one[:7] for one in seen] == ["MINE 3 "]


@pytest.mark.parametrize("preset", ["semoe", "mine.toml"])
def test_another_preset_asks_as_published_and_a_file_is_told_so(
    journey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, preset: str
) -> None:
    (tmp_path / "mine.toml").write_text('[answering]\ntemplate = "semoe"\n')
    seen = prompts(monkeypatch)
    config = write_config(tmp_path, preset=preset if preset == "semoe" else str(tmp_path / preset), sample=1)
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    assert seen[0].startswith("Use the knowledge")
    assert ("not with semoe of" in caplog.text) == (preset != "semoe")


def test_a_broken_template_of_a_preset_is_told_before_a_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_prompt: str
) -> None:
    monkeypatch.setattr(main_run, "load_model", None)
    (tmp_path / "mine.jinja").write_text("asks nothing")
    assert run(["main", "-c", str(write_config(tmp_path, preset=own_prompt))]) == 2
    assert "mine.jinja never uses `question`" in " ".join(capsys.readouterr().err.split())


def test_the_configuration_that_a_published_run_keeps_is_read(journey: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, sample=1, config_path="config/of/theirs.json")
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    assert "config_path" not in json.loads((tmp_path / "r/0/config.json").read_text())


def test_a_config_means_what_is_published_where_our_verbs_have_other_defaults(journey: Path, tmp_path: Path) -> None:
    said = json.loads((answered(journey, tmp_path, sample=1, method="token") / "config.json").read_text())
    assert (said["after_retrieval"], said["closing"], said["entityless"]) == ("accept", "published", "skip")
    plain = SwitchSettings()
    assert (plain.after_retrieval, plain.closing, plain.entityless) == ("judge", "any", "tokens")
    given = {"after_retrieval": "judge", "closing": "any", "entityless": "tokens"}
    (tmp_path / "own").mkdir()
    own = answered(journey, tmp_path / "own", sample=1, method="entity", **given) / "config.json"
    assert json.loads(own.read_text()).items() >= (given | {"method": "token"}).items()


def read(folder: Path, **changed: Any) -> MainConfig:
    return read_main_config(write_config(folder, **changed))


def test_a_share_of_words_counts_where_no_number_is_given_as_published(tmp_path: Path) -> None:
    dragin = {"method": "dragin", "retrieve_keep_ratio": 0.5}
    assert read(tmp_path, **dragin).switching.retrieve_keep_ratio == 0.5
    both = read(tmp_path, **dragin, retrieve_keep_top_k=7).switching
    assert (both.retrieve_keep_ratio, both.retrieve_keep_top_k) == (None, 7)


def test_a_config_that_may_mean_all_tokens_by_token_is_told_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """DRAGIN's has no solver of entities; SparseMoE's have one, but for four."""
    for changed, is_told in (({"method": "token", "entity_solver": "avg"}, False), ({"method": "token"}, True)):
        caplog.clear()
        read(tmp_path, **changed)
        assert ("write all-tokens" in caplog.text) == is_told
    assert read(tmp_path, method="all-tokens").switching.method == "all-tokens"


def answered(journey: Path, tmp_path: Path, **changed: Any) -> Path:
    config = write_config(tmp_path, **changed)
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    return tmp_path / "r" / "0"


def rewritten(folder: Path, **texts: str) -> None:
    """Gives the questions of these ids other texts."""
    path = folder / "output.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [line | {"text": texts.get(line["qid"], line["text"])} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def evaluated(capsys: pytest.CaptureFixture[str], *folders: Path | str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["evaluate", *map(str, folders), "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_a_folder_of_main_is_scored_with_the_golds_of_its_dataset(
    journey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = answered(journey, tmp_path, shuffle=True, sample=3)
    golds = {one.qid: one.answers for one in load_dataset("popqa", DEMO / "popqa")}
    qids = [json.loads(line)["qid"] for line in (folder / "output.jsonl").read_text().splitlines()]
    rewritten(folder, **{qids[0]: golds[qids[0]][-1], qids[1]: "surely wrong", qids[2]: golds[qids[2]][0]})
    found = evaluated(capsys, folder)
    assert [(one["method"], one["extraction"], one["num_questions"]) for one in found] == [
        ("single-retrieval-icl", "published", 3),
        ("single-retrieval-icl", "semoe", 3),
    ]
    assert [round(one["em"]["mean"], 1) for one in found] == [66.7, 66.7]
    assert found[0]["overflow"] == {"short_of_passages": 0, "dropped_passages": 0, "cut_answers": 0, "not_asked": 0}


def test_a_folder_of_the_published_main_is_scored_too(
    journey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has predictions alone, and its configuration keys that are none here."""
    folder = answered(journey, tmp_path, sample=1)
    (question,) = load_dataset("popqa", DEMO / "popqa", sample=1)
    line = {"qid": question.qid, "prediction": f"So the answer is {question.answers[0]}."}
    (folder / "output.jsonl").write_text(json.dumps(line))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(config | {"fewshot": 6, "retrieve_keep_ratio": 1, "retriever": "SGPT"})
    )
    found = evaluated(capsys, folder)
    assert [(one["extraction"], one["em"]["mean"]) for one in found] == [("published_cot", 100.0), ("semoe", 100.0)]
    (folder / "output.jsonl").rename(folder / "output.txt")
    assert evaluated(capsys, "--dir", folder) == found, "DRAGIN's name of the file, and the published option"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data_path": "nowhere"}, "nowhere"),
        ({"dataset": "popq"}, "Did you mean 'popqa'"),
        ({"method": None}, "is not the configuration of a run"),
    ],
)
def test_a_folder_of_main_whose_dataset_is_gone_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], words: str
) -> None:
    config = write_config(tmp_path)
    kept = {name: value for name, value in (json.loads(config.read_text()) | changed).items() if value is not None}
    config.write_text(json.dumps(kept))
    (tmp_path / "output.jsonl").write_text('{"qid": "1", "text": "a"}\n')
    assert run(["evaluate", str(tmp_path)]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"qid": "none of them", "text": "a"}', "question none of them is not in popqa"),
        ('{"text": "a"}', "answer 1 cannot be read"),
        ('{"qid": "1"}', "answer 1 cannot be read"),
        ("[1]", "answer 1 cannot be read"),
        ('{"qid": ', "line 1"),
    ],
)
def test_an_output_that_is_none_of_the_dataset_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    write_config(tmp_path)
    (tmp_path / "output.jsonl").write_text(f"{line}\n")
    assert run(["evaluate", str(tmp_path)]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_answers_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(tmp_path)]) == 2
    assert "neither predict.json nor output.jsonl" in " ".join(capsys.readouterr().err.split())
