"""The verb `warmup`: examples of datasets teach one adapter, which becomes a base weight for experts.

What the published `get_warmup_data.py` and `warmup_lora.py` do. Questions at the beginning of a file are kept out, as
they are those that are asked later.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from semoe.datasets.loading import load_dataset
from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import text_field
from semoe.errors import UsageError
from semoe.files import write_bytes, write_json
from semoe.models.model import Model
from semoe.published.names import safe
from semoe.stages.chains import chains_of
from semoe.stages.recipe import Recipe
from semoe.stages.warmup import Example, warm_up
from semoe.store.base_weights import base_weight_file
from semoe.store.objects import Objects
from semoe.store.peft_folder import ADAPTER, adapter_config
from semoe.store.whole_folder import make_folder
from semoe.telemetry.progress import progress
from semoe.words import counted

log = logging.getLogger(__name__)
KEPT_OUT = 1000
"""Questions that are never learnt: of a file, and with chains behind the first 300 of every type; as published."""
ASKED = 300
DIRECT, CHAINS = 1000, 300
"""Examples of a dataset, as published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupSettings:
    """Which examples, and where what comes of them lies."""

    root: Path
    files: tuple[tuple[str, Path], ...]
    """Datasets with their files, or with files of chains."""
    with_cot: bool = False
    sample: int | None = None
    """Examples of each; None: as published, 1,000, or 300 with chains of thought."""
    skip: int | None = None
    """Questions at the beginning of each file that are kept out; None: as published."""
    seed: int = 42


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupReport:
    """What `warmup` did."""

    base_weight: str
    """Its key: what `--base_weight` takes."""
    num_examples: int
    num_steps: int
    last_loss: float
    store: str
    folder: Path
    """A PEFT folder of the same numbers, where the published code has it."""


def warmup(
    model: Model, recipe: Recipe, settings: WarmupSettings, objects: Objects, writer: Callable[[], Model]
) -> WarmupReport:
    """Gathers the examples, trains on them, and writes the weight to the store and to its published folder.

    Args:
        model: the base model.
        recipe: of the experts that are to start from it.
        settings: which examples.
        objects: the store.
        writer: loads the model that writes chains of thought, where files have none.

    Raises:
        UsageError: too few questions, a broken file, or nothing fits.
        TransientError: the store does not answer.
    """
    rng = random.Random(settings.seed)
    examples: list[Example] = []
    for dataset, path in settings.files:
        examples += _examples(dataset, path, settings, rng, writer)
    rng.shuffle(examples)
    with progress("warmup", len(examples), "steps") as advance:
        done = warm_up(model, recipe, examples, objects, advance=advance)
    mode = "cot" if settings.with_cot else "direct"
    folder = settings.root / "warmup" / "lora_base_weight" / safe(recipe.model_name) / mode
    _write_folder(folder, objects, done.key, adapter_config(recipe.layout(model), recipe.model_name), asdict(settings))
    return WarmupReport(
        base_weight=done.key,
        num_examples=done.num_examples,
        num_steps=done.num_steps,
        last_loss=done.last_loss,
        store=objects.url,
        folder=folder,
    )


def _examples(
    dataset: str, path: Path, settings: WarmupSettings, rng: random.Random, writer: Callable[[], Model]
) -> list[Example]:
    if settings.with_cot and (found := _chains_in(path, dataset)):
        return found
    questions = _free(dataset, path, settings)
    rng.shuffle(questions)
    wanted = settings.sample or (CHAINS if settings.with_cot else DIRECT)
    if not settings.with_cot:
        found = [Example(question=one.question, answer=one.answers[0]) for one in questions[:wanted]]
    else:
        with progress(f"chains {dataset}", len(questions), "questions") as advance:
            chains = chains_of(writer(), dataset, questions, wanted, advance=advance)
        _write_chains(settings.root, dataset, chains)
        found = [Example(question=one.question, answer=chain, exemplars_of=dataset) for one, chain in chains]
    if not found:
        raise UsageError(
            f"{path}: no chain of thought that was written comes to its question's answer. Let a larger model write "
            "them: --augment_model.",
            kind="no-chains",
        )
    if len(found) < wanted:
        log.warning("%s: %d examples, where %d were wanted.", path, len(found), wanted)
    return found


def _free(dataset: str, path: Path, settings: WarmupSettings) -> list[Question]:
    """Returns the questions of a file that nobody asks later."""
    questions = load_dataset(dataset, path)
    skip = _kept_out(questions, with_cot=settings.with_cot) if settings.skip is None else settings.skip
    if skip >= len(questions):
        raise UsageError(
            f"{path} has {counted(len(questions), 'question')}, and the first {skip:,} are kept out, since they may be "
            "asked later. Give the whole file, or keep out fewer with --skip.",
            kind="too-few-questions",
        )
    return questions[skip:]


def _kept_out(questions: Sequence[Question], *, with_cot: bool) -> int:
    if not with_cot:
        return KEPT_OUT
    places: dict[str | None, list[int]] = {}
    for place, question in enumerate(questions):
        places.setdefault(question.type, []).append(place)
    return max(own[:ASKED][-1] for own in places.values()) + KEPT_OUT


def _chains_in(path: Path, dataset: str) -> list[Example]:
    """Returns the chains of a file that has some; its records say of which dataset they are, or mean the given one."""
    if not path.is_file():
        return []
    records = read_records(path)
    if "cot" not in records[0]:
        return []
    return [
        Example(
            question=text_field(record, "question", path, number),
            answer=text_field(record, "cot", path, number),
            exemplars_of=str(record.get("from") or dataset),
        )
        for number, record in enumerate(records, 1)
    ]


def _write_chains(root: Path, dataset: str, chains: Sequence[tuple[Question, str]]) -> None:
    """Keeps the chains, in the published form: `--data_path` reads them again."""
    records = [
        {
            "qid": one.qid, "test_id": one.test_id, "question": one.question, "answer": one.answers[0],
            "context": list(one.golden_passages), "type": one.type, "cot": chain, "from": dataset,
        }
        for one, chain in chains
    ]  # fmt: skip
    write_json(root / "warmup" / "data" / "cot" / f"{safe(dataset)}.json", records)


def _write_folder(folder: Path, objects: Objects, key: str, config: dict[str, Any], asked: dict[str, Any]) -> None:
    files = [[dataset, str(path)] for dataset, path in asked["files"]]
    said = {name: value for name, value in asked.items() if name != "root"} | {"files": files, "base_weight": key}

    def fill(temporary: Path) -> None:
        write_bytes(temporary / ADAPTER, base_weight_file(objects, key))
        write_json(temporary / "adapter_config.json", config)
        write_json(temporary / "training_config.json", said)

    make_folder(folder, fill)
