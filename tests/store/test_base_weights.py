"""Base weights that were given: from PEFT's own folders into the store, and refused where they do not fit."""

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file

from semoe.errors import CorruptError, UsageError
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import Preset
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.models.config import read_config
from semoe.store.base_weights import add_base_weight, settled, starting_weight
from semoe.store.objects import FolderObjects
from tests.tiny import tiny_model, tiny_model_folder

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT's, of what transformers will drop
MLP = ["gate_proj", "up_proj", "down_proj"]


class Place:
    """A tiny model, a store, and adapters that PEFT writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = str(tiny_model_folder(folder / "model", "llama"))
        self.objects = FolderObjects(folder / "store")

    def adapter(
        self, name: str = "adapter", *, zero: tuple[str, ...] = (), of: str = "llama", **config: object
    ) -> Path:
        """Saves an adapter that was not begun at zero."""
        asked = {"r": 2, "lora_alpha": 32, "target_modules": MLP, "init_lora_weights": False} | config
        torch.manual_seed(3)
        model = get_peft_model(tiny_model(of), LoraConfig(**asked))  # type: ignore[arg-type]
        model.peft_config["default"].base_model_name_or_path = self.model
        with torch.no_grad():
            for part, tensor in model.named_parameters():
                if any(one in part for one in zero):
                    tensor.zero_()
        model.save_pretrained(str(self.folder / name))
        return self.folder / name

    def settle(self, given: str | Path, **lora: object) -> Preset:
        preset = Preset(name="p", lora=LoraSettings(**lora), training=TrainingSettings(base_weight=str(given)))  # type: ignore[arg-type]
        return settled(preset, self.model, self.objects)

    def layout(self, **lora: object) -> ExpertLayout:
        return ExpertLayout(read_config(Path(self.model)), LoraSettings(**lora))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_one_experts_start_from_the_random_one(place: Place) -> None:
    preset = Preset(name="p")
    assert settled(preset, "no such model", place.objects) is preset
    assert torch.equal(
        starting_weight(place.objects, place.layout(), TrainingSettings(seed=7)), base_weight(place.layout(), 7)
    )


def test_a_folder_of_peft_is_taken_in_once_and_found_by_its_key(place: Place) -> None:
    first = place.settle(place.adapter()).training.base_weight
    assert place.settle(place.adapter("again")).training.base_weight == first
    assert place.settle(first).training.base_weight == place.settle(first[:6]).training.base_weight == first
    kept = starting_weight(place.objects, place.layout(), TrainingSettings(base_weight=first))
    theirs = load_file(place.folder / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in place.layout().split(kept).items())
    said = json.loads(place.objects.get(f"base_weights/{first}.json"))
    assert (said["format"], said["base_model"]) == ("semoe-base-weight", place.model)


def test_rslora_is_taken_for_what_it_means(place: Place) -> None:
    plain = place.settle(place.adapter(r=4, lora_alpha=8), rank=4, alpha=8).training
    root = place.settle(place.adapter("rs", r=4, lora_alpha=8, use_rslora=True), rank=4, alpha=8).training
    layout = place.layout(rank=4, alpha=8)
    one, other = (starting_weight(place.objects, layout, training) for training in (plain, root))
    a, b = layout.pair(one[None], layout.sites[0])
    same, scaled = layout.pair(other[None], layout.sites[0])
    assert torch.equal(a, same)
    assert torch.allclose(2 * b, scaled)


def test_one_that_has_no_effect_yet_is_one_all_the_same(place: Place) -> None:
    """As the published base weight is: A random, B zero."""
    assert place.settle(place.adapter(zero=("lora_B",))).training.base_weight


@pytest.mark.parametrize(
    ("asked", "lora", "words"),
    [
        ({"r": 4}, {}, "lora_rank 4, but 2 is asked for"),
        ({"lora_alpha": 16}, {}, "lora_alpha 16, but 32 is asked for"),
        ({"target_modules": ["q_proj"]}, {}, "target_modules"),
        ({"zero": ("lora_A", "lora_B")}, {}, "no gradient would ever leave"),
        (
            {"of": "qwen3", "target_modules": ["q_proj"]},
            {"target_modules": ("q_proj",)},
            "q_proj.lora_B.weight has shape",
        ),
        ({"use_dora": True}, {}, "use_dora"),
    ],
)
def test_one_that_does_not_fit_is_refused_by_name(
    place: Place, asked: dict[str, object], lora: dict[str, object], words: str
) -> None:
    folder = place.adapter(**asked)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as error:
        place.settle(folder, **lora)
    assert words in str(error.value)
    assert str(folder) in str(error.value)
    assert list(place.objects.list("")) == []


def test_a_key_that_fits_another_recipe_is_refused(place: Place) -> None:
    key = place.settle(place.adapter()).training.base_weight
    with pytest.raises(UsageError, match=r"another lora_alpha than 16"):
        place.settle(key, alpha=16)
    with pytest.raises(UsageError, match=r"lora_A.weight has shape \(2, 36\), expected \(3, 36\)"):
        place.settle(key, rank=3)
    with pytest.raises(UsageError, match=r"is of .*/model, but .*/other is asked for"):
        settled(
            Preset(name="p", training=TrainingSettings(base_weight=key)),
            str(tiny_model_folder(place.folder / "other", "mistral")),
            place.objects,
        )


def test_what_is_neither_folder_nor_key_is_told_with_what_there_is(place: Place) -> None:
    key = place.settle(place.adapter()).training.base_weight
    with pytest.raises(UsageError, match=f"no folder here and no key in .*, which has: {key}"):
        place.settle("warmup/nowhere")
    with pytest.raises(UsageError, match=r"holds no adapter_config\.json|holds no adapter_model"):
        place.settle(place.folder)


def test_damaged_bytes_are_not_used(place: Place) -> None:
    key = place.settle(place.adapter()).training.base_weight
    name = f"base_weights/{key}.safetensors"
    data = place.objects.get(name)
    place.objects.put(name, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CorruptError, match="its bytes are not those of its name"):
        place.settle(key)


def test_numbers_that_are_not_finite_are_no_base_weight(place: Place) -> None:
    flat_N = base_weight(place.layout())
    flat_N[5] = torch.inf
    with pytest.raises(UsageError, match="not finite"):
        add_base_weight(place.objects, place.layout(), flat_N, base_model="m", about={})
