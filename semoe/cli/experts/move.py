"""`semoe experts export | import`: take experts out of a store and into it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.experts.spaces import Key, Space, open_space, whole_key
from semoe.cli.output import is_json, show
from semoe.errors import UsageError
from semoe.models import load_model
from semoe.models.dtypes import torch_dtype
from semoe.published.imports import import_experts
from semoe.store.export import export_expert


def export(
    key: Key,
    to: Annotated[Path, typer.Option("--to", help="New folder; PeftModel.from_pretrained loads it.")],
    space: Space = "",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
) -> None:
    """Export one expert as a plain PEFT folder. `semoe encode --export` writes the published tree.

    Example: semoe experts export 3fa9 --to my_expert
    """
    opened = open_space(store, root_dir, space)
    whole = whole_key(opened, key)
    if to.exists():
        raise UsageError(f"{to} exists. Choose a new folder.", kind="exists")
    export_expert(opened, whole, [to])
    show({"exported": whole, "to": to})


def import_verb(
    model_name: o.ModelName,
    dataset: o.Dataset,
    preset: o.PresetName = "published",
    data_type: o.DataType = None,
    with_cot: o.WithCot = False,
    augment_model: o.AugmentModel = None,
    num_train_epochs: o.Epochs = None,
    learning_rate: o.LearningRate = None,
    lora_rank: o.LoraRank = None,
    lora_alpha: o.LoraAlpha = None,
    dtype: o.Dtype = "float32",
    store: o.Store = None,
    root_dir: o.RootDir = o.ROOT,
    format: o.Format = "table",  # noqa: A002  (the option's name)
) -> None:
    """Take the experts of a published offline/ tree into the store; each is checked, and one without effect is refused.

    Example: semoe experts import --model_name llama3.2_1b --dataset popqa --lora_rank 2 --lora_alpha 32
    """
    recipe = o.adjusted(preset, rank=lora_rank, alpha=lora_alpha, learning_rate=learning_rate, epochs=num_train_epochs)
    settings = o.stage(
        root_dir, model_name, dataset, recipe,
        data_type=data_type, with_cot=with_cot, augment_model=augment_model, store=store,
    )  # fmt: skip
    show(asdict(import_experts(load_model(model_name, dtype=torch_dtype(dtype)), settings)), as_json=is_json(format))
