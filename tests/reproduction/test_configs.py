"""Every config that comes with SEMOE is read and made a plan of; its figures are the published scripts'."""

import subprocess
import sys
from pathlib import Path

import pytest

from semoe.cli.reproducing import WARM_UP, lacks, read_known
from semoe.datasets.loading import data_types
from semoe.errors import UsageError
from semoe.reproduction.config import config_names, parse_config, read_config
from semoe.runs.comparison import METRICS, label
from tests.reproduction.experiments import data_folder, experimenting

ROOT = Path(__file__).parents[2]
EXPERTS = [name for name in config_names() if len(name.split("-")) == 2]
HEAD = '[experiment]\ntitle = "t"\nof = "o"\nabout = "a"\n'
OWN = HEAD + '[recipe]\nmodel_name = "m"\n[plan]\ndataset = ["popqa"]\n'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", config_names())
def test_a_config_becomes_what_a_plan_is_made_of(name: str, data: Path) -> None:
    one = experimenting(name, data, sample=1, model_name="tiny")
    settings = one.asked().settings()
    assert settings.recipe.model_name == "tiny"
    assert settings.sample == 1
    assert settings.files[0].path == data / settings.files[0].dataset
    assert one.config.experiment.title
    assert one.config.experiment.differs
    assert one.run == f"{name}-tiny-sample1"


def test_the_configs_are_what_their_script_writes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "make_reproduction_configs.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    for folder in ("semoe/reproduction/configs", "configs/reproduce"):
        assert {path.name: path.read_text() for path in (ROOT / folder).iterdir()} == made


def test_there_are_as_many_as_are_published() -> None:
    names = config_names()
    assert len([name for name in EXPERTS if "smollm2" not in name]) == 12
    assert len([name for name in names if name.endswith("-token")]) == 12
    assert len([name for name in names if name.endswith("-warmup")]) == 12
    assert len([name for name in names if read_config(name).experiment.of == "DRAGIN"]) == 72


@pytest.mark.parametrize("name", config_names())
def test_a_published_figure_is_of_something_that_the_config_does(name: str, data: Path) -> None:
    methods = experimenting(name, data).asked().settings().methods
    (dataset,) = read_config(name).options["plan"]["dataset"]
    published = read_config(name).published
    assert bool(published) == (not name.endswith(("-token", "-smollm2")))
    for one in published:
        assert one.method in map(label, methods)
        assert one.metric in METRICS
        assert one.type in data_types(dataset)
        assert 0 < one.value < 100
        assert one.source.startswith("arXiv ")


def test_figures_are_those_of_the_papers() -> None:
    def of(name: str, method: str, metric: str = "f1", kind: str = "total") -> list[float]:
        wanted = (method, metric, kind)
        return [one.value for one in read_config(name).published if (one.method, one.metric, one.type) == wanted]

    assert of("popqa-llama3.2_1b", "combine") == [29.61]
    assert of("2wikimultihopqa-qwen2.5_1.5b", "prag", kind="bridge_comparison") == [44.94]
    assert of("cwq-llama3_8b-warmup", "prag") == [55.91]
    assert of("hotpotqa-llama2_13b-dragin", "icl", "em") == [33.7, 31.4]
    assert of("strategyqa-vicuna_13b-wo_rag", "none", "em") == [68.2]
    assert of("iirc-llama2_7b-fs_rag", "icl") == [21.57]


@pytest.mark.parametrize("name", [name for name in config_names() if name.endswith("-warmup")])
def test_a_warm_up_changes_nothing_but_where_experts_start(name: str) -> None:
    warm, plain = read_config(name).options, read_config(name.removesuffix("-warmup")).options
    folder = f"warmup/lora_base_weight/{plain['recipe']['model_name']}/" + (
        "cot" if plain["recipe"]["with_cot"] else "direct"
    )
    assert warm == {**plain, "recipe": {**plain["recipe"], "base_weight": folder}}


@pytest.mark.parametrize("name", [name for name in EXPERTS if "smollm2" not in name])
def test_experts_are_trained_as_published(name: str) -> None:
    dataset, model = name.split("-")
    options = read_config(name).options
    recipe, plan = options["recipe"], options["plan"]
    is_multihop = dataset in ("2wikimultihopqa", "hotpotqa")
    epochs = {"popqa": 2}.get(dataset, 2 if (dataset, model) == ("hotpotqa", "qwen2.5_1.5b") else 1)
    assert (recipe["model_name"], recipe["with_cot"], recipe["num_train_epochs"]) == (model, is_multihop, epochs)
    assert (recipe["learning_rate"], recipe["lora_rank"], recipe["lora_alpha"]) == (0.0003, 2, 32)
    assert (plan["sample"], plan["max_new_tokens"], plan["topk"]) == (300, 128 if is_multihop else 20, 3)


@pytest.mark.parametrize(
    ("name", "fewshot", "sample", "length", "formulation", "threshold"),
    [
        ("cwq-llama3.2_1b-token", 6, 300, 300, "forward_all", 0.1),
        ("2wikimultihopqa-llama3_8b-token", 6, -1, 64, "direct", 0.1),
        ("hotpotqa-llama3_8b-token", 8, -1, 100, "direct", 0.08),
        ("popqa-llama3_8b-token", 3, 300, 100, "direct", 0.08),
    ],
)
def test_answers_retrieve_as_published(
    name: str, fewshot: int, sample: int, length: int, formulation: str, threshold: float, data: Path
) -> None:
    settings = experimenting(name, data).asked().settings()
    how = settings.switching
    assert how is not None
    assert (settings.fewshot, settings.sample, how.generate_max_length) == (fewshot, sample, length)
    assert (how.query_formulation, how.hallucination_threshold) == (formulation, threshold)
    assert (how.entityless, how.max_switches) == ("skip", 1)
    assert settings.methods == ("token-icl",)


def test_the_length_of_answers_is_no_part_of_an_expert(data: Path) -> None:
    long = experimenting("popqa-llama3.2_1b", data).asked().settings().recipe
    assert long.preset.answering.max_new_tokens == 20
    cot = experimenting("hotpotqa-llama3_8b", data).asked().settings().recipe
    assert cot.preset.answering.max_new_tokens == 128
    assert cot.space_of("d", "float32") == type(cot)(
        model_name=cot.model_name, preset=cot.preset, augmented_by=cot.augmented_by, exemplars=cot.exemplars
    ).space_of("d", "float32")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[experiment\n", "broken TOML"),
        (HEAD + "[recipes]\n", "'recipes'. Did you mean 'recipe'?"),
        ('[experiment]\ntitle = "t"\n', "key of is missing"),
        (HEAD + 'titel = "t"\n', "Did you mean 'title'?"),
        (HEAD + '[[published]]\nmethod = "prag"\n', "key metric is missing"),
    ],
)
def test_a_broken_config_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"[cC]onfig") as error:
        parse_config(text, "own")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN + "topc = 3\n", "key in config own, [plan]: 'topc'. Did you mean 'topk'?"),
        (OWN + 'topk = "3"\n', "topk must be a whole number"),
        (HEAD + '[plan]\ndataset = ["popqa"]\n', "key model_name is missing"),
        (HEAD + '[recipe]\nmodel_name = "m"\n', "key dataset is missing"),
    ],
)
def test_an_option_that_plan_has_not_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_known(str(path))
    assert words in str(error.value)


def test_what_was_changed_is_in_the_name_of_the_run(data: Path) -> None:
    assert experimenting("popqa-smollm2", data).run == "popqa-smollm2"
    assert experimenting("popqa-smollm2", data, model_name="smollm2", sample=300).run == "popqa-smollm2"
    assert experimenting("popqa-smollm2", data, model_name="a/b c").run == "popqa-smollm2-b_c"
    assert experimenting("popqa-smollm2", data, run="mine", sample=2).run == "mine"
    assert experimenting("popqa-smollm2", data, base_weight="a/b/cot").run == "popqa-smollm2-base-b-cot"
    warm = "popqa-llama3.2_1b-warmup"
    assert experimenting(warm, data, base_weight="warmup/lora_base_weight/llama3.2_1b/direct").run == warm
    assert experimenting(warm, data, base_weight="0123").recipe.base_weight == "0123"


def test_a_warm_up_that_nobody_made_is_told_as_lacking(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = read_config("popqa-llama3.2_1b-warmup")
    assert WARM_UP in lacks(config, data)
    (tmp_path / "warmup/lora_base_weight/llama3.2_1b/direct").mkdir(parents=True)
    assert WARM_UP not in lacks(config, data)
