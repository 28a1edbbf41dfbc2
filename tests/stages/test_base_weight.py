"""Experts that start from a given weight: each is what PEFT alone makes of it, whoever trains it and however often."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM

from semoe.datasets.augmented import AugmentedPassage, QAPair
from semoe.errors import UsageError
from semoe.experts.preset import load_preset
from semoe.models.model import Model
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.stages.encode import Encoding
from semoe.stages.recipe import Recipe
from semoe.stages.warmup import Example, warm_up
from semoe.store.base_weights import settled, starting_weight
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts, make_space
from tests.experts.work import relative_difference

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT's, of what transformers will drop
MLP = ["gate_proj", "up_proj", "down_proj"]
ANSWERS = ("Paris", "Rome in Italy", "it", "1950 or so")


def passages() -> dict[str, AugmentedPassage]:
    """Some with sequences of different lengths, by key."""
    made = {}
    for number, answer in enumerate(ANSWERS):
        pair = QAPair(question=f"Where is {answer}?", answer=answer, full_answer=f"In {answer}.")
        made[f"{number:02x}" * 32] = AugmentedPassage(
            pid=number, passage=f"{answer} is somewhere.", rewrite=f"Somewhere is {answer}.", qa=(pair,) * (number + 1)
        )
    return made


@pytest.fixture(scope="module")
def adapter(small_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA as somebody else warmed it up: neither A nor B is zero."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(5)
    config = LoraConfig(r=2, lora_alpha=32, target_modules=MLP, init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(small_model.name), config)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "lora_" in name:
                tensor.mul_(0.05)
    model.save_pretrained(str(folder))
    return folder


def recipe_of(model: Model, given: Path | str, objects: FolderObjects) -> Recipe:
    preset = load_preset("published")
    preset = replace(preset, training=replace(preset.training, base_weight=str(given), num_epochs=1))
    return Recipe.of(model.name, settled(preset, model.name, objects))


def encoded(model: Model, recipe: Recipe, objects: FolderObjects, own: dict[str, AugmentedPassage]) -> ExpertStore:
    store = make_space(objects, recipe.space(model), recipe.layout(model))
    Encoding.of(model, recipe, own, ExpertStore(objects, store.names.space, max_age=0), cure="Mend it.").train(run="r")
    return ExpertStore(objects, store.names.space, max_age=0)


def read(store: ExpertStore, recipe: Recipe, model: Model, key: str) -> torch.Tensor:
    found = Experts(store, recipe.layout(model)).get(key)
    assert found is not None
    return found


def with_peft_alone(model: Model, adapter: Path, recipe: Recipe, passage: AugmentedPassage) -> torch.Tensor:
    """As the published code does: the adapter is loaded, and learns one sequence after the other."""
    alone = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model.name), str(adapter), is_trainable=True)
    training = recipe.preset.training
    own = [p for p in alone.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(own, lr=training.learning_rate, weight_decay=training.weight_decay)
    for sequence in recipe.sequences(model, passage):
        ids = torch.tensor([sequence.tokens])
        optimiser.zero_grad()
        F.cross_entropy(alone(ids).logits[0, :-1], ids[0, 1:]).backward()
        optimiser.step()
    return recipe.layout(model).join({n: t.detach() for n, t in get_peft_model_state_dict(alone).items()})


def test_each_expert_is_what_peft_alone_makes_of_the_same_weight(
    small_model: Model, adapter: Path, tmp_path: Path
) -> None:
    objects = FolderObjects(tmp_path / "store")
    recipe = recipe_of(small_model, adapter, objects)
    store = encoded(small_model, recipe, objects, passages())
    layout = recipe.layout(small_model)
    base_N = starting_weight(objects, layout, recipe.preset.training)
    for key, passage in passages().items():
        ours_N, alone_N = read(store, recipe, small_model, key), with_peft_alone(small_model, adapter, recipe, passage)
        assert relative_difference(layout, ours_N, alone_N) <= 1e-3
        assert relative_difference(layout, ours_N, base_N) > 1e-3


def test_work_that_was_stopped_goes_on_from_the_same_weight(small_model: Model, adapter: Path, tmp_path: Path) -> None:
    whole, parts = FolderObjects(tmp_path / "whole"), FolderObjects(tmp_path / "parts")
    recipe = recipe_of(small_model, adapter, whole)
    one = encoded(small_model, recipe, whole, passages())
    assert recipe_of(small_model, adapter, parts) == recipe
    encoded(small_model, recipe, parts, dict(list(passages().items())[:2]))
    # Whoever goes on has no folder, but the store.
    again = recipe_of(small_model, recipe.preset.training.base_weight, parts)
    other = encoded(small_model, again, parts, passages())
    for key in passages():
        assert torch.equal(read(one, recipe, small_model, key), read(other, recipe, small_model, key))


def test_another_weight_is_another_space(small_model: Model, adapter: Path, tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "store")
    given, random = recipe_of(small_model, adapter, objects), recipe_of(small_model, "", objects)
    assert given.space(small_model).name != random.space(small_model).name
    store = encoded(small_model, given, objects, passages())
    kept = given.preset.training.base_weight
    assert objects.get(store.names.base_weight) == objects.get(f"base_weights/{kept}.safetensors")
    assert len(encoded(small_model, random, objects, {})) == 0


def test_a_path_never_names_a_space(small_model: Model, adapter: Path) -> None:
    preset = load_preset("published")
    given = replace(preset, training=replace(preset.training, base_weight=str(adapter)))
    with pytest.raises(UsageError, match="is no key of a base weight"):
        Recipe.of(small_model.name, given).space(small_model)


def test_a_space_whose_weight_the_store_lacks_is_not_begun(small_model: Model, adapter: Path, tmp_path: Path) -> None:
    recipe = recipe_of(small_model, adapter, FolderObjects(tmp_path / "here"))
    with pytest.raises(UsageError, match=r"no key in .*/there, which has: none"):
        encoded(small_model, recipe, FolderObjects(tmp_path / "there"), passages())


def test_a_warm_up_is_what_peft_alone_makes_of_its_examples(small_model: Model, adapter: Path, tmp_path: Path) -> None:
    """Every example once, in order, each closed by the end token; the loss is on all tokens."""
    objects = FolderObjects(tmp_path / "store")
    recipe = recipe_of(small_model, adapter, objects)
    examples = [Example(question=f"Where is {answer}", answer=answer) for answer in ANSWERS]
    steps: list[float] = []
    done = warm_up(small_model, recipe, examples, objects, advance=steps.append)
    assert (done.num_examples, done.num_steps, round(sum(steps))) == (4, 4, 4)
    made = starting_weight(objects, recipe.layout(small_model), replace(recipe.preset.training, base_weight=done.key))
    end = small_model.tokenizer.encode_after("The answer is", f" Paris.{small_model.tokenizer.end_token}")
    learnt = _Learnt(small_model, recipe, examples)
    assert learnt.sequences[0][-len(end) :] == tuple(end)
    assert end[-1] in small_model.tokenizer.eos_ids
    assert relative_difference(recipe.layout(small_model), made, learnt.with_peft(adapter)) <= 1e-3
    assert warm_up(small_model, recipe, examples, objects).key == done.key


class _Learnt:
    """The same by hand: prompt, answer, end token."""

    def __init__(self, model: Model, recipe: Recipe, examples: list[Example]) -> None:
        self.model, self.recipe = model, recipe
        self.sequences = [self._ids(one) for one in examples]

    def _ids(self, one: Example) -> tuple[int, ...]:
        tokenizer = self.model.tokenizer
        asked = prompt_ids(tokenizer, load_template("published"), one.question)
        return (*asked, *tokenizer.encode_after("The answer is", f" {one.answer}.{tokenizer.end_token}"))

    def with_peft(self, adapter: Path) -> torch.Tensor:
        alone = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(self.model.name), str(adapter), is_trainable=True
        )
        optimiser = torch.optim.AdamW([p for p in alone.parameters() if p.requires_grad], lr=3e-4, weight_decay=0.01)
        for tokens in self.sequences:
            ids = torch.tensor([tokens])
            optimiser.zero_grad()
            F.cross_entropy(alone(ids).logits[0, :-1], ids[0, 1:]).backward()
            optimiser.step()
        return self.recipe.layout(self.model).join(
            {name: tensor.detach() for name, tensor in get_peft_model_state_dict(alone).items()}
        )
