"""Answering with experts: our batch against PEFT loading, merging and answering one at a time.

`python -m benchmarks.answering`
"""

import tempfile
import time
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from benchmarks.common import setting
from benchmarks.timing import PASSAGES, describe
from semoe.experts.layout import ExpertLayout
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.models.model import Model
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.retrieval.dpr import read_passages
from semoe.store.blob import to_bytes
from semoe.store.peft_folder import adapter_config, write_expert

ROWS = 32
EXPERTS_PER_ROW = 3
NEW_TOKENS = 20
PEFT_ROWS = 4
"""Fewer than ours, since PEFT answers them one by one."""


def main() -> None:
    """Prints seconds a question of both sides, after checking that they say the same."""
    model, layout = setting()
    template = load_template("semoe")
    titles = [passage.title for passage in read_passages(PASSAGES)][:ROWS]
    prompts = [tuple(prompt_ids(model.tokenizer, template, f"Where was {title} born?")) for title in titles]
    generator = torch.Generator().manual_seed(0)
    own = [tuple(torch.randn(layout.size, generator=generator) * 0.01 for _ in range(EXPERTS_PER_ROW)) for _ in prompts]
    requests = [Request(prompt=p, experts=e, max_new_tokens=NEW_TOKENS) for p, e in zip(prompts, own, strict=True)]
    # No end token on either side, so that both compute all of NEW_TOKENS tokens.
    engine = Engine(model.decoder, layout, eos_ids=frozenset(), max_rows=ROWS)
    engine.generate(requests[:4])  # warms up
    start = time.perf_counter()
    answers = engine.generate(requests)
    ours = (time.perf_counter() - start) / ROWS
    theirs, peft = answers_of_peft(model, layout, own[:PEFT_ROWS], prompts[:PEFT_ROWS])
    if theirs != [answer.tokens for answer in answers[:PEFT_ROWS]]:
        raise SystemExit("ours and PEFT answer differently: no figure is printed")
    print(f"checked: {PEFT_ROWS} answers of {NEW_TOKENS} tokens are the same, token for token")
    print(f"PEFT, load + merge + answer: {peft:.2f} s a question")
    print(f"ours, {ROWS} in a batch:      {ours:.3f} s a question, {peft / ours:.1f} x")
    print(describe())


def answers_of_peft(
    model: Model, layout: ExpertLayout, own: list[tuple[torch.Tensor, ...]], prompts: list[tuple[int, ...]]
) -> tuple[list[tuple[int, ...]], float]:
    """Answers with each prompt's own experts, from folders as PEFT reads them; returns answers and seconds of each."""
    base = AutoModelForCausalLM.from_pretrained(model.folder, dtype=torch.float32)
    base.generation_config.eos_token_id = None
    with tempfile.TemporaryDirectory() as folder:
        places = [[Path(folder) / f"{row}_{k}" for k in range(len(experts))] for row, experts in enumerate(own)]
        for row_places, experts in zip(places, own, strict=True):
            for place, expert in zip(row_places, experts, strict=True):
                write_expert(place, to_bytes(layout, expert, {}), adapter_config(layout, "smollm2"))
        start = time.perf_counter()
        answers = [answer_with_peft(base, *one) for one in zip(places, prompts, strict=True)]
        return answers, (time.perf_counter() - start) / len(prompts)


def answer_with_peft(base: torch.nn.Module, folders: list[Path], prompt: tuple[int, ...]) -> tuple[int, ...]:
    """Loads, merges, answers, unloads."""
    model = PeftModel.from_pretrained(base, folders[0], adapter_name="0")
    for number, folder in enumerate(folders[1:], 1):
        model.load_adapter(folder, adapter_name=str(number))
    names = [str(number) for number in range(len(folders))]
    model.add_weighted_adapter(names, [1.0] * len(names), "merge", combination_type="cat")
    model.set_adapter("merge")
    ids = torch.tensor([prompt])
    with torch.no_grad():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
    model.unload()
    return tuple(out[0, len(prompt) :].tolist())


if __name__ == "__main__":
    main()
