"""A run over a corpus on this machine's GPU: how fast its experts are made, and who waits for whom.

python -m benchmarks.gpu.corpus --corpus psgs_w100.tsv --passages 10000

Three parts, each of which can be left out by its number of passages:

    run      `semoe run` over the first passages in one shard, after one that compiles the kernels and is not counted
    beside   the trainer alone, and while processes augment beside it
    resume   a run that is ended half-way, and when its next worker trains again

The model has Llama 3.2 1B's shape, random weights and the tokenizer of `--tokenizer`, unless `--model_name` is given.
Needs the extra `parse`; experts are written to a temporary folder (4 MB each: TMPDIR=/dev/shm, where there is room).
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.shapes import LLAMA_1B
from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.experts.preset import load_preset
from semoe.models.dtypes import torch_dtype
from semoe.models.model import load_model
from semoe.models.names import resolve_model
from semoe.retrieval.dpr import read_passages
from semoe.stages.augment import augment_settings
from semoe.stages.augment_ahead import augmented_ahead, processes_for
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import unaugmented
from semoe.stages.train import train
from semoe.store.objects import open_objects
from semoe.store.record import ExpertRecord

WARM_UP = 700
POLL_SECONDS = 0.2
BEGUN_SECONDS = 8
"""Until processes that augment are at work."""


class _Nowhere:
    def add(self, flat_N: torch.Tensor, record: ExpertRecord) -> None:
        """Forgets an expert."""

    def flush(self) -> None:
        """Has nothing to keep."""


class Bench:
    """A model, a preset and a corpus, in a folder of their own."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        self.asked = asked
        self.folder = folder
        self.model_name = asked.model_name or str(random_model(folder / "llama", asked.tokenizer))

    def corpus(self, count: int) -> Path:
        """Returns a file of the first passages."""
        path = self.folder / f"{count}.tsv"
        with self.asked.corpus.open(encoding="utf-8") as lines:
            path.write_text("".join(islice(lines, count + 1)), encoding="utf-8")
        return path

    def planned(self, run: str, count: int) -> list[str]:
        """Plans a run in one shard; returns where it is, as options."""
        place = ["--run", run, "--store", str(self.folder / run)]
        how = ["--model_name", self.model_name, "--preset", self.asked.preset, "--dtype", self.asked.dtype]
        semoe("plan", *place, "--corpus", str(self.corpus(count)), "--shards", "1", *how)
        return place

    def run(self, count: int) -> None:
        """Does a whole run."""
        semoe("run", *self.planned("warm", min(count, WARM_UP)), "--yes")
        place = self.planned("whole", count)
        seconds = semoe("run", *place, "--yes")
        report = json.loads((self.folder / "whole" / "runs" / "whole" / "report.json").read_text())
        encode, experts = report["counts"]["encode"], report["experts"]
        print(f"run: {count:,} passages in {seconds:.1f} s; {experts['in_store']:,} experts in the store")
        rate = encode["trained"] / encode["training_seconds"]
        waited = f"{encode['waiting_seconds']:.1f} of {encode['training_seconds']:.1f} s"
        print(f"  {rate:.1f} experts a second; {waited} were spent waiting for passages", flush=True)

    def beside(self, count: int) -> None:
        """Trains the same with and without augmentation beside it."""
        model = load_model(self.model_name, dtype=torch_dtype(self.asked.dtype), device="auto")
        preset = load_preset(self.asked.preset)
        recipe = Recipe.of(self.model_name, preset)
        processes = max(1, processes_for(model.decoder.device.type))
        passages = [unaugmented(one) for one in read_passages(self.asked.corpus)]
        made, alone = augmented(passages[: 2 * count], self.asked.preset, processes, threading.Event())
        print(f"beside: {processes} processes augment {alone:.0f} passages a second")
        keyed = [(passage_key(one.title, one.passage), one) for one in made]
        objects = open_objects(str(self.folder / "whole"))
        train(model, recipe, keyed[:WARM_UP], _Nowhere(), objects)

        def rate() -> float:
            began = time.monotonic()
            done = train(model, recipe, keyed[:count], _Nowhere(), objects)
            return done.num_experts / (time.monotonic() - began)

        undisturbed, over, rates = rate(), threading.Event(), list[float]()
        thread = threading.Thread(
            target=lambda: rates.append(augmented(passages, self.asked.preset, processes, over)[1])
        )
        thread.start()
        time.sleep(BEGUN_SECONDS)
        disturbed = rate()
        over.set()
        thread.join()
        print(
            f"  trainer alone {undisturbed:.1f} experts a second, beside them {disturbed:.1f}; they make {rates[0]:.0f}"
        )

    def resume(self, count: int) -> None:
        """Ends a run half-way, and times its next worker: how fast it is, and how long until it trains."""
        place = self.planned("ended", count)
        process = subprocess.Popen([sys.executable, "-m", "semoe", "run", *place, "--yes", "--commit_seconds", "10"])
        beat = self.folder / "ended" / "runs" / "ended" / "progress" / "encode" / "00000.json"
        while process.poll() is None and done_of(beat) < 0.5:
            time.sleep(POLL_SECONDS)
        process.send_signal(signal.SIGINT)
        process.wait()
        before = done_of(beat)
        seconds = semoe("worker", *place, "--stage", "encode", "--shard", "0", "--json")
        counts = json.loads((self.folder / "ended" / "runs" / "ended" / "shards" / "encode" / "00000.json").read_text())
        counts = counts["counts"]
        waited, training = counts["waiting_seconds"], counts["training_seconds"]
        print(f"resume: ended at {before:.0%}; the other {counts['trained']:,.0f} experts: ", end="")
        print(
            f"{counts['trained'] / training:.1f} a second, of {training:.1f} s {waited:.1f} spent waiting for passages"
        )
        print(f"  about {seconds - training + waited:.1f} s of its process were no training", flush=True)


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="tab-separated, as DPR's")
    parser.add_argument("--passages", type=int, default=10_000, help="of the run; 0: none")
    parser.add_argument("--beside", type=int, default=1_500, help="passages that are trained with and without; 0: none")
    parser.add_argument("--resume", type=int, default=2_000, help="of the run that is ended; 0: none")
    parser.add_argument("--model_name", default="", help="default: random weights")
    parser.add_argument("--tokenizer", default="smollm2", help="of the random model")
    parser.add_argument("--preset", default="semoe")
    parser.add_argument("--dtype", default="bfloat16")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked, Path(folder))
        for part, count in ((bench.run, asked.passages), (bench.beside, asked.beside), (bench.resume, asked.resume)):
            if count:
                part(count)


def augmented(
    passages: Sequence[AugmentedPassage], preset: str, processes: int, over: threading.Event
) -> tuple[list[AugmentedPassage], float]:
    """Augments until it is over; returns what was made, and how many a second once all processes were at work."""
    made: list[AugmentedPassage] = []
    first, began = 0, time.monotonic()
    for number, part in enumerate(augmented_ahead(passages, augment_settings("parse", load_preset(preset)), processes)):
        made += part.passages
        if number == processes:
            first, began = len(made), time.monotonic()
        if over.is_set():
            break
    return made, (len(made) - first) / (time.monotonic() - began)


def semoe(*arguments: str) -> float:
    """Runs a command; returns its seconds."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "semoe", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def done_of(beat: Path) -> float:
    """Returns how much of a shard is done."""
    try:
        found = json.loads(beat.read_text())
    except (OSError, ValueError):
        return 0.0
    return float(found["done"]) / max(1.0, float(found["total"]))


def random_model(folder: Path, tokenizer: str) -> Path:
    """Writes a model of Llama 3.2 1B's shape."""
    folder.mkdir()
    there = resolve_model(tokenizer)
    for file in (*there.glob("tokenizer*"), *there.glob("chat_template*")):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(json.dumps(LLAMA_1B))
    width, inner, layers = LLAMA_1B["hidden_size"], LLAMA_1B["intermediate_size"], LLAMA_1B["num_hidden_layers"]
    queries = LLAMA_1B["num_attention_heads"] * LLAMA_1B["head_dim"]
    keys = LLAMA_1B["num_key_value_heads"] * LLAMA_1B["head_dim"]
    shapes = {"model.embed_tokens": (LLAMA_1B["vocab_size"], width), "model.norm": (width,)}
    for number in range(layers):
        at = f"model.layers.{number}"
        shapes |= {f"{at}.input_layernorm": (width,), f"{at}.post_attention_layernorm": (width,)}
        shapes |= {
            f"{at}.self_attn.{name}_proj": (size, width)
            for name, size in zip("qkv", (queries, keys, keys), strict=True)
        }
        shapes |= {f"{at}.self_attn.o_proj": (width, queries), f"{at}.mlp.down_proj": (width, inner)}
        shapes |= {f"{at}.mlp.{name}_proj": (inner, width) for name in ("gate", "up")}
    chance = torch.Generator().manual_seed(0)
    weights = {
        f"{name}.weight": torch.ones(shape) if len(shape) == 1 else 0.02 * torch.randn(shape, generator=chance)
        for name, shape in shapes.items()
    }
    save_file({name: one.bfloat16() for name, one in weights.items()}, folder / "model.safetensors")
    return folder


if __name__ == "__main__":
    main()
