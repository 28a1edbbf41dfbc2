"""The batched engine answers as PEFT does when it merges and answers one row at a time."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import PreTrainedModel

from semoe.generation.engine import Engine
from semoe.generation.reference import reference_linear
from semoe.generation.request import Request
from semoe.generation.slots import ExpertSlots
from semoe.models.attention import PackedAttention, positions_of
from semoe.models.model import load_decoder
from semoe.store.blob import to_bytes
from semoe.store.peft_folder import adapter_config, write_expert
from tests.generation.rows import LENGTHS, NEW, SPREADS, assert_same, prompts, random_expert, setting
from tests.tiny import FAMILIES, tiny_model, tiny_model_folder


def answer_with_peft(base: PreTrainedModel, folders: Sequence[Path], prompt: tuple[int, ...]) -> list[int]:
    """Loads, merges (`cat`, weights 1), answers greedily, and unloads again."""
    model: PreTrainedModel | PeftModel = base
    if folders:
        model = PeftModel.from_pretrained(base, folders[0], adapter_name="0")
        for number, folder in enumerate(folders[1:], 1):
            model.load_adapter(folder, adapter_name=str(number))
        names = [str(number) for number in range(len(folders))]
        model.add_weighted_adapter(names, [1.0] * len(names), "merge", combination_type="cat")
        model.set_adapter("merge")
    tokens = list(prompt)
    with torch.no_grad():
        for _ in range(NEW):
            tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    if folders:
        model.unload()
    return tokens[len(prompt) :]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(("family", "rank"), [("llama", 2), ("qwen2", 3), ("mistral-window", 2), ("gemma3", 2)])
def test_rows_with_their_own_experts_equal_peft_one_at_a_time(
    tmp_path: Path, family: str, rank: int, spread: str
) -> None:
    decoder, layout = setting(tmp_path, family, rank)
    folders = {i: tmp_path / f"e{i}" for row in SPREADS[spread] for i in row}
    for i, folder in folders.items():
        write_expert(folder, to_bytes(layout, random_expert(layout, i), {}), adapter_config(layout, "tiny"))
    requests = [
        Request(prompt=prompt, experts=tuple(random_expert(layout, i) for i in row), max_new_tokens=NEW)
        for prompt, row in zip(prompts(), SPREADS[spread], strict=True)
    ]
    ours = [list(a.tokens) for a in Engine(decoder, layout, eos_ids=frozenset(), max_rows=4).generate(requests)]
    base = tiny_model(family)
    rows = zip(prompts(), SPREADS[spread], strict=True)
    theirs = [answer_with_peft(base, [folders[i] for i in row], prompt) for prompt, row in rows]
    assert ours == theirs
    without = Engine(decoder, None, eos_ids=frozenset()).generate(
        [Request(prompt=p, max_new_tokens=NEW) for p in prompts()]
    )
    assert ours != [list(a.tokens) for a in without], "the experts must matter, or this test proves nothing"


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_answers_equal_those_of_transformers_with_its_cache(tmp_path: Path, family: str) -> None:
    """Some prompts are longer than the original length or the window, and some answers grow past it."""
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family))
    chooser = random.Random(5)
    own = [tuple(chooser.randrange(2, 97) for _ in range(n)) for n in (3, 12, 16, 17, 18, 33)]
    requests = [Request(prompt=prompt, max_new_tokens=NEW) for prompt in own]
    ours = [list(a.tokens) for a in Engine(decoder, None, eos_ids=frozenset(), max_rows=4).generate(requests)]
    for prompt, answer in zip(own, ours, strict=True):
        # A fresh model: a dynamic scaling in transformers remembers the longest sequence that it saw.
        model = tiny_model(family)
        model.generation_config.eos_token_id = None
        ids = torch.tensor([prompt])
        theirs = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False)
        assert answer == theirs[0, len(prompt) :].tolist()


@pytest.mark.parametrize("family", ["llama", "dynamic-rope", "longrope-rope", "gemma3"])
@pytest.mark.parametrize("max_rows", [1, 3, 7])
def test_a_rows_answer_depends_on_no_neighbour(tmp_path: Path, max_rows: int, family: str) -> None:
    decoder, layout = setting(tmp_path, family, 2)
    requests = [
        Request(prompt=p, experts=tuple(random_expert(layout, i) for i in row), max_new_tokens=3 + len(p) % 5)
        for p, row in zip(prompts(), SPREADS["skewed"], strict=True)
    ]
    alone = [Engine(decoder, layout, eos_ids=frozenset()).generate([request])[0] for request in requests]
    order = [3, 0, 4, 2, 1]
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=max_rows, prefill_tokens=20)
    together = engine.generate([requests[i] for i in order])
    for position, i in enumerate(order):
        assert_same(together[position], alone[i])


def test_fast_prompt_and_step_linears_equal_the_reference(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    rows = [
        Request(
            prompt=(1,),
            experts=tuple(random_expert(layout, i) for i in row),
            weights=tuple(0.3 + i for i in row),
        )
        for row in SPREADS["skewed"]
    ]
    slots = ExpertSlots(decoder, layout, max_rows=len(rows))
    for slot, row in enumerate(rows):
        slots.set(slot, row.experts, row.weights or ())
    both = (1, 1, *LENGTHS[2:])
    for lengths, fast in (
        ((1,) * 5, slots.linear(5, (), ())),
        (LENGTHS, slots.linear(0, range(5), LENGTHS)),
        (both, slots.linear(2, range(2, 5), LENGTHS[2:])),
    ):
        tokens, positions = torch.arange(sum(lengths)) % 97, positions_of(lengths)
        attend, plain = PackedAttention(lengths), reference_linear(layout, rows, lengths)
        ours, expected = (decoder.hidden(tokens, positions, attend, linear) for linear in (fast, plain))
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_an_end_token_ends_the_answer_and_is_left_out(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    free = Engine(decoder, layout, eos_ids=frozenset()).generate([Request(prompt=(5, 6, 7), max_new_tokens=NEW)])[0]
    end = free.tokens[3]
    stopped = Engine(decoder, layout, eos_ids=frozenset([end])).generate(
        [Request(prompt=(5, 6, 7), max_new_tokens=NEW)]
    )[0]
    assert stopped.tokens == free.tokens[: free.tokens.index(end)]
    assert (stopped.finish, free.finish) == ("eos", "length")
