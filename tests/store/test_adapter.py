"""Adapters from elsewhere: each means what PEFT makes of it, or is refused by its field."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.reference import reference_linear
from semoe.generation.request import Request
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.models.same_model import findable, same_model
from semoe.store.blob import to_bytes
from semoe.store.peft_folder import adapter_config, read_expert, write_expert
from tests.tiny import chatting_model_folder, tiny_model, tiny_model_folder

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::RuntimeWarning")
MODULES = ["down_proj", "gate_proj", "up_proj"]
RANK, ALPHA = 4, 6
TOKENS = torch.arange(2, 19)
ADAPTER = "adapter_model.safetensors"


def adapter(folder: Path, **options: Any) -> Tensor:
    """Saves an adapter that PEFT made and that does something; returns the logits of its model."""
    torch.manual_seed(0)
    asked: dict[str, Any] = {"r": RANK, "lora_alpha": ALPHA, "target_modules": MODULES, "task_type": "CAUSAL_LM"}
    model = get_peft_model(tiny_model("llama"), LoraConfig(**(asked | options)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.1)
    model.save_pretrained(folder)
    with torch.no_grad():
        logits: Tensor = model(TOKENS[None]).logits[0]
    return logits


def layout(decoder: Decoder, rank: int = RANK, alpha: int = ALPHA) -> ExpertLayout:
    return ExpertLayout(decoder.config, LoraSettings(rank=rank, alpha=alpha, target_modules=tuple(MODULES)))


def logits(decoder: Decoder, shape: ExpertLayout, flat_N: Tensor) -> Tensor:
    linear = reference_linear(shape, [Request(prompt=tuple(TOKENS.tolist()), experts=(flat_N,))], [17])
    with torch.no_grad():
        return decoder.logits(decoder.hidden(TOKENS, positions_of([17]), PackedAttention([17]), linear))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return load_decoder(tiny_model_folder(tmp_path_factory.mktemp("base") / "m", "llama"))


PATHS = [f"model.layers.{layer}.mlp.{module}" for layer in (0, 1) for module in MODULES]
RIGHT: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "rsLoRA": {"use_rslora": True},
    "gaussian": {"init_lora_weights": "gaussian"},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "no initialisation": {"init_lora_weights": False},
    "whole paths": {"target_modules": PATHS},
    "a pattern": {"target_modules": r".*\.mlp\.(up|gate|down)_proj"},
    "all but attention": {"target_modules": "all-linear", "exclude_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
    "dropout": {"lora_dropout": 0.1},
    "every layer named": {"layers_to_transform": [1, 0]},
    "a pattern for modules that it has not": {"rank_pattern": {"q_proj": 9}, "alpha_pattern": {"embed_tokens": 3}},
    "patterns that say the same": {"rank_pattern": {"up_proj": RANK}, "alpha_pattern": {"down_proj": ALPHA}},
}


@pytest.mark.parametrize("options", RIGHT.values(), ids=RIGHT)
def test_an_adapter_means_what_peft_makes_of_it(tmp_path: Path, decoder: Decoder, options: dict[str, Any]) -> None:
    adapter(tmp_path, **options)
    with torch.no_grad():
        expected = PeftModel.from_pretrained(tiny_model("llama"), tmp_path).eval()(TOKENS[None]).logits[0]
    flat_N = read_expert(tmp_path, layout(decoder), base_model="org/tiny")
    torch.testing.assert_close(logits(decoder, layout(decoder), flat_N), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("init", ["pissa", "pissa_niter_4", "olora"])
def test_an_adapter_that_changes_its_base_is_refused_until_it_is_converted(
    tmp_path: Path, decoder: Decoder, init: str
) -> None:
    asked = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=MODULES, init_lora_weights=init)
    model = get_peft_model(tiny_model("llama"), asked)
    model.save_pretrained(tmp_path / "first")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.add_(0.01)
        expected = model(TOKENS[None]).logits[0]
    model.save_pretrained(tmp_path / "trained")
    with pytest.raises(UsageError, match=f"init_lora_weights '{init}', which changes the base model"):
        read_expert(tmp_path / "trained", layout(decoder), base_model="org/tiny")
    model.save_pretrained(tmp_path / "converted", path_initial_model_for_weight_conversion=str(tmp_path / "first"))
    doubled = layout(decoder, 2 * RANK, 2 * ALPHA)
    flat_N = read_expert(tmp_path / "converted", doubled, base_model="org/tiny")
    torch.testing.assert_close(logits(decoder, doubled, flat_N), expected, rtol=1e-4, atol=1e-3)


REFUSED: dict[str, Any] = {
    "use_dora": True,
    "bias": "lora_only",
    "lora_bias": True,
    "modules_to_save": ["lm_head"],
    "trainable_token_indices": [1, 2],
    "target_parameters": ["mlp.experts"],
    "layer_replication": [[0, 2], [1, 2]],
    "layers_to_transform": 1,
    "rank_pattern": {"up_proj": 8},
    "alpha_pattern": {"up_proj": 8},
    "init_lora_weights": "corda",
    "use_qalora": True,
    "alora_invocation_tokens": [5, 6],
    "arrow_config": {"top_k": 2},
    "megatron_config": {"size": 2},
    "peft_type": "LOHA",
    "a_field_of_tomorrow": 3,
}


@pytest.mark.parametrize(("field", "value"), REFUSED.items())
def test_what_an_expert_cannot_express_is_refused_by_its_field(
    tmp_path: Path, decoder: Decoder, field: str, value: Any
) -> None:
    adapter(tmp_path)
    configure(tmp_path, **{field: value})
    with pytest.raises(UsageError, match=field):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")


def configure(folder: Path, **fields: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_exactly(tmp_path: Path, decoder: Decoder, kind: torch.dtype) -> None:
    adapter(tmp_path)
    plain = {name: tensor.to(kind) for name, tensor in load_file(tmp_path / ADAPTER).items()}
    save_file(plain, tmp_path / ADAPTER)
    found = layout(decoder).split(read_expert(tmp_path, layout(decoder), base_model="org/tiny"))
    assert all(torch.equal(found[name], tensor.float()) for name, tensor in plain.items())


BROKEN: dict[str, Callable[[Path], object]] = {
    "is a Git LFS pointer": lambda folder: (folder / ADAPTER).write_text(
        "version https://git-lfs.github.com/spec/v1\n"
    ),
    "is a Git LFS pointer, not": lambda folder: (folder / "adapter_config.json").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
    ),
    "holds no adapter_model.safetensors": lambda folder: (
        (folder / ADAPTER).unlink(),
        (folder / ADAPTER).mkdir(),
    ),
    "never loaded": lambda folder: (folder / ADAPTER).rename(folder / "adapter_model.bin"),
    "holds no adapter_config.json": lambda folder: (folder / "adapter_config.json").unlink(),
    "broken JSON": lambda folder: (folder / "adapter_config.json").write_text("{"),
    "not a JSON object": lambda folder: (folder / "adapter_config.json").write_text("[]"),
    "stored as int8": lambda folder: cast(folder, torch.int8),
    "stored as float8_e4m3fn": lambda folder: cast(folder, torch.float8_e4m3fn),
}


def cast(folder: Path, kind: torch.dtype) -> None:
    save_file({name: tensor.to(kind) for name, tensor in load_file(folder / ADAPTER).items()}, folder / ADAPTER)


@pytest.mark.parametrize(("said", "change"), BROKEN.items(), ids=BROKEN)
def test_a_folder_that_cannot_be_read_says_why(
    tmp_path: Path, decoder: Decoder, said: str, change: Callable[[Path], object]
) -> None:
    adapter(tmp_path)
    change(tmp_path)
    with pytest.raises((UsageError, CorruptError), match=said):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")


def test_an_exported_expert_names_a_base_that_peft_finds_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = load_decoder(tiny_model_folder(Path("models/tiny"), "llama"))
    shape = layout(own)
    flat_N = torch.randn(shape.size, generator=torch.Generator().manual_seed(0)) * 0.1
    write_expert(
        Path("expert"), to_bytes(shape, flat_N, {"key": "a", "space": "s"}), adapter_config(shape, "models/tiny")
    )
    monkeypatch.chdir("/")
    theirs = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "expert")
    with torch.no_grad():
        expected = theirs(TOKENS[None]).logits[0]
    torch.testing.assert_close(logits(own, shape, flat_N), expected, rtol=1e-4, atol=1e-4)


LLAMA = "meta-llama/Llama-3.2-1B-Instruct"
SNAPSHOT = f"/root/.cache/huggingface/hub/models--meta-llama--Llama-3.2-1B-Instruct/snapshots/{'a1' * 20}"
SAME = [
    ("llama3.2_1b", LLAMA), ("llama3.2-1b-instruct", LLAMA), ("llama3.2_1b", "llama3.2-1b-instruct"),
    (LLAMA, SNAPSHOT), (LLAMA, f"{SNAPSHOT}/"), ("llama3.2_1b", SNAPSHOT), (LLAMA, LLAMA.lower()),
    (LLAMA, "/mnt/nas/models/Llama-3.2-1B-Instruct"), (LLAMA, "/mnt/nas/Llama-3.2-1B-Instruct/"),
    (LLAMA, "D:\\models\\Llama-3.2-1B-Instruct"), ("llama3_8b", "llama3-8b-instruct"),
]  # fmt: skip
OTHERS = [
    ("llama3.2_1b", "qwen2.5_1.5b"), (LLAMA, "meta-llama/Llama-3.2-3B-Instruct"), (LLAMA, "/mnt/nas/models/llama"),
    ("llama3_8b", SNAPSHOT), ("smollm2", LLAMA),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_of_one_model(one: str, other: str) -> None:
    assert same_model(one, other)
    assert same_model(other, one)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_names_of_two_models(one: str, other: str) -> None:
    assert not same_model(one, other)
    assert not same_model(other, one)


def test_what_folders_hold_decides_where_they_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chatting_model_folder(tmp_path / "m")
    shutil.copytree("m", "copy")
    shutil.copytree("m", "elsewhere/m")
    Path("link").symlink_to("m")
    for name in ("./m", "m/", str(tmp_path / "m"), "link", "copy", "elsewhere/m"):
        assert same_model("m", name), name
    template = Path("elsewhere/m/chat_template.jinja")
    template.write_text(template.read_text() + " ")
    same_model.cache_clear()
    assert same_model("m", str(tmp_path / "elsewhere" / "m")), "an adapter does not care for the chat template"
    changed = {name: tensor + 0.1 for name, tensor in load_file("elsewhere/m/model.safetensors").items()}
    save_file(changed, "elsewhere/m/model.safetensors")
    same_model.cache_clear()
    assert not same_model("m", str(tmp_path / "elsewhere" / "m"))


def test_a_name_is_found_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m").mkdir()
    assert findable("llama3.2_1b") == LLAMA
    assert findable("someone/model") == "someone/model"
    assert findable("m") == findable("./m/") == str((tmp_path / "m").resolve())
    assert (Path(findable("smollm2")) / "config.json").is_file()


MEANT: dict[str, dict[str, Any]] = {
    "a rank that a pattern sets": {"r": 9, "rank_pattern": dict.fromkeys(MODULES, RANK)},
    "an alpha that a pattern sets": {"lora_alpha": 1, "alpha_pattern": {"mlp.*proj": ALPHA}},
    "ends of paths": {"target_modules": ["mlp.up_proj", "layers.0.mlp.gate_proj", "1.mlp.gate_proj", "down_proj"]},
    "a pattern that leaves out": {"target_modules": "all-linear", "exclude_modules": ".*self_attn.*"},
    "layers of a list": {"layers_to_transform": [0, 1], "layers_pattern": "layers"},
}


@pytest.mark.parametrize("options", MEANT.values(), ids=MEANT)
def test_modules_ranks_and_alphas_are_found_as_peft_finds_them(
    tmp_path: Path, decoder: Decoder, options: dict[str, Any]
) -> None:
    expected = adapter(tmp_path, **options)
    flat_N = read_expert(tmp_path, layout(decoder), base_model="org/tiny")
    torch.testing.assert_close(logits(decoder, layout(decoder), flat_N), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", ["all-linear", [*MODULES, "q_proj"]])
def test_a_module_without_tensors_has_no_effect_where_it_begins_with_none(
    tmp_path: Path, decoder: Decoder, target: object
) -> None:
    expected = adapter(tmp_path)
    configure(tmp_path, target_modules=target)
    flat_N = read_expert(tmp_path, layout(decoder), base_model="org/tiny")
    torch.testing.assert_close(logits(decoder, layout(decoder), flat_N), expected, rtol=1e-4, atol=1e-4)
    configure(tmp_path, init_lora_weights=False)
    with pytest.raises(UsageError, match="target_modules"):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")


FEWER: dict[str, dict[str, Any]] = {
    "a pattern for fewer": {"target_modules": ".*up_proj"},
    "a pattern for none": {"target_modules": "up_proj"},
    "a path in one layer": {"target_modules": ["layers.0.mlp.up_proj", "gate_proj", "down_proj"]},
    "a path to nowhere": {"target_modules": ["up_proj", "x.gate_proj", "down_proj"]},
    "a pattern that takes off": {"exclude_modules": ".*up_proj"},
    "a path that takes off": {"exclude_modules": ["layers.0.mlp.up_proj"]},
    "one layer": {"layers_to_transform": 1},
}


@pytest.mark.parametrize("fields", FEWER.values(), ids=FEWER)
def test_tensors_that_peft_would_pass_over_are_not_loaded_either(
    tmp_path: Path, decoder: Decoder, fields: dict[str, Any]
) -> None:
    adapter(tmp_path)
    configure(tmp_path, **fields)
    with pytest.raises(UsageError, match="made with target_modules"):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")


NO_VALUES = [
    ("rank_pattern", [2]), ("alpha_pattern", "x"), ("rank_pattern", {"(": 2}), ("r", "4"), ("r", True),
    ("lora_alpha", None), ("target_modules", "(up"), ("target_modules", [3]), ("target_modules", None),
    ("exclude_modules", 3), ("exclude_modules", "(.*"), ("layers_to_transform", ["a", 1]),
    ("layers_to_transform", "all"), ("layers_pattern", "h"), ("peft_type", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), NO_VALUES)
def test_a_field_that_is_not_what_it_should_be_is_named(
    tmp_path: Path, decoder: Decoder, field: str, value: object
) -> None:
    adapter(tmp_path)
    configure(tmp_path, **{field: value})
    with pytest.raises(UsageError, match=f"has {field} "):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody/m"])
def test_a_name_that_no_folder_can_have_is_another_model(name: str) -> None:
    assert not same_model(name, "org/tiny")


@pytest.mark.parametrize("part", ["lora_A", "lora_B"])
def test_an_adapter_whose_product_is_zero_is_refused(tmp_path: Path, decoder: Decoder, part: str) -> None:
    """MiCA begins with A = 0, the others with B = 0."""
    adapter(tmp_path)
    tensors = {name: tensor * (part not in name) for name, tensor in load_file(tmp_path / ADAPTER).items()}
    save_file(tensors, tmp_path / ADAPTER)
    with pytest.raises(CorruptError, match=f"{part[-1]} = 0 everywhere"):
        read_expert(tmp_path, layout(decoder), base_model="org/tiny")
