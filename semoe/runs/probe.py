"""Measures how fast this machine makes experts of a run, so that a plan can say what the run will cost."""

import time
from collections.abc import Sequence

from torch import Tensor

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.runs.corpus import first_passages
from semoe.runs.estimate import Throughput
from semoe.runs.folder import RunFolder
from semoe.runs.job import Job
from semoe.runs.plan import Manifest
from semoe.stages.augment import augment_settings
from semoe.stages.augment_ahead import augmented_ahead, processes_for
from semoe.stages.train import train
from semoe.store.record import ExpertRecord
from semoe.telemetry.progress import Advance, progress
from semoe.words import counted

ROUNDS = 3
PASSAGES = 8
GPU_PASSAGES = 256
"""Fewer do not fill a GPU, and would make a run look slower than it is."""
SHARE = 10
"""A probe takes one passage in so many at most: it is to be short beside the run."""
LEAST = 2
"""A round takes so many all the same: one passage alone may give nothing to learn."""


class _Nowhere:
    def add(self, flat_N: Tensor, record: ExpertRecord) -> None:
        """Forgets an expert."""

    def flush(self) -> None:
        """Has nothing to keep."""


def probe(folder: RunFolder, manifest: Manifest, *, rounds: int = ROUNDS, passages: int | None = None) -> Throughput:
    """Augments and trains some of a run's passages, without publishing them.

    Args:
        folder: the run.
        manifest: its manifest.
        rounds: measurements.
        passages: of each; None: 8, and 256 on a GPU, or fewer of a small run.

    On a GPU one more round goes before, which is not measured: its kernels are compiled then.
    """
    job = Job(folder=folder, plan=folder.plan(), stage="encode", shard=0, stop=lambda: False)
    model = job.load_model()
    on_gpu = model.decoder.device.type == "cuda"
    num_rounds = rounds + 1 if on_gpu else rounds
    of_each = passages or _passages_a_round(GPU_PASSAGES if on_gpu else PASSAGES, num_rounds, manifest.num_passages)
    is_ahead = job.plan.corpus is not None and not job.plan.corpus.augment_apart
    processes = processes_for(model.decoder.device.type) if is_ahead else 0
    chosen = _spread_out(folder, manifest, num_rounds * of_each)
    num_rounds = max(1, min(num_rounds, len(chosen)))
    of_all = f"{len(chosen):,} of {counted(manifest.num_passages, 'passage')}"
    with progress(f"probe of {of_all} (augmented, then trained)", 2 * len(chosen), "steps") as advance:
        made, seconds_each = _augmented(job, chosen, processes, advance)
        rates = []
        for number in range(num_rounds):
            part = made[number::num_rounds]
            started = time.monotonic()
            keyed = [(passage_key(one.title, one.passage), one) for one in part]
            train(model, job.recipe, keyed, _Nowhere(), folder.objects, tokens_per_step=job.plan.tokens_per_step)
            training, augmenting = time.monotonic() - started, seconds_each * len(part)
            # Where processes augment while experts are trained, the slower of the two decides.
            rates.append(len(part) / (max(training, augmenting) if processes else training + augmenting))
            advance(len(part))
    return Throughput(rounds=tuple(rates[-rounds:]))


def _passages_a_round(most: int, num_rounds: int, num_passages: int) -> int:
    return max(LEAST, min(most, num_passages // (SHARE * num_rounds)))


def _augmented(
    job: Job, passages: Sequence[AugmentedPassage], num_processes: int, advance: Advance
) -> tuple[list[AugmentedPassage], float]:
    """Returns passages with rewrite and pairs, and the seconds each took once all processes were at work."""
    settings = augment_settings(job.plan.augmented_by, job.plan.preset)
    found: list[AugmentedPassage] = []
    first, began = 0, time.monotonic()
    for number, made in enumerate(augmented_ahead(passages, settings, num_processes)):
        found += made.passages
        advance(len(made.passages))
        if number == num_processes and len(found) < len(passages):
            # Until here they were begun.
            first, began = len(found), time.monotonic()
    return found, (time.monotonic() - began) / max(1, len(found) - first)


def _spread_out(folder: RunFolder, manifest: Manifest, count: int) -> Sequence[AugmentedPassage]:
    """Returns passages from the first, a middle and the last shard."""
    last = len(manifest.passage_shards) - 1
    shards = sorted({0, last // 2, last})
    corpus = folder.plan().corpus
    if corpus:
        return [one for shard in shards for one in first_passages(corpus, shard, -(-count // len(shards)))][:count]
    pool = [one for shard in shards for one in folder.passages(shard)]
    return pool[:: max(1, len(pool) // count)][:count]
