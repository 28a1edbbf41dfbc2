"""One adapter out of several experts, for plain PEFT, and for servers that give a request one adapter.

python examples/one_adapter.py [STORE]     On the command line: semoe experts export KEY … --merge cat --to FOLDER
"""

import sys
from pathlib import Path

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

import semoe
from semoe.store.expert_store import ExpertStore
from semoe.store.export import export_merged

FOLDER = Path("three_as_one")
PROMPT = "Juha Jokela was born in"


def main(store: str = "demo_run/store") -> None:
    """Merges the first three experts of a store, half of each as the preset `semoe` answers, and asks PEFT."""
    objects = semoe.open_store(store)
    (space, *_) = objects.folders("spaces/")
    opened = ExpertStore(objects, space)
    keys = [entry.key for _, entry in zip(range(3), opened.entries(), strict=False)]
    made = export_merged(opened, keys, [0.5] * len(keys), FOLDER, way="cat", rank=None)
    print(
        f"{len(keys)} experts, rank {made.num_used}, padded to {made.rank}: a server needs --max-lora-rank {made.rank}"
    )

    folder = semoe.load_model("smollm2").folder
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), FOLDER)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    written = model.generate(**tokenizer(PROMPT, return_tensors="pt"), max_new_tokens=8, do_sample=False)
    print(tokenizer.decode(written[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
