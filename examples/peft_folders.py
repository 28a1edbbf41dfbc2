"""Experts out of PEFT folders of your own: each question is answered with its own adapter, all in one batch.

python examples/peft_folders.py FOLDER …     of one base model, rank and target modules
"""

import sys
from pathlib import Path

import semoe
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.files import read_json
from semoe.store.peft_folder import read_expert

PROMPT = "The bell of Ilmajoki was cast in"


def main(*folders: str) -> None:
    """Prints how each adapter goes on with the same words, and how the model does by itself."""
    config = read_json(Path(folders[0]) / "adapter_config.json")
    base = config["base_model_name_or_path"]
    model = semoe.load_model(base)
    lora = LoraSettings(rank=config["r"], alpha=config["lora_alpha"], target_modules=tuple(config["target_modules"]))
    layout = ExpertLayout(model.decoder.config, lora)
    # Flat vectors of N float32 numbers. An adapter of another rank or model, or one without effect, is refused.
    experts = [read_expert(Path(folder), layout, base_model=base) for folder in folders]

    engine = semoe.Engine(model.decoder, layout, eos_ids=model.tokenizer.eos_ids)
    prompt = tuple(model.tokenizer.encode(PROMPT))
    requests = [
        semoe.Request(prompt=prompt, experts=own, max_new_tokens=8) for own in [(), *((one,) for one in experts)]
    ]
    for name, answer in zip(("no adapter", *folders), engine.generate(requests), strict=True):
        print(f"{name}: {model.tokenizer.decode(answer.tokens)!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
