"""`semoe warmup`: one adapter learns how questions are answered, for experts to start from."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.gathering import loaded_model
from semoe.cli.output import show
from semoe.cli.recipe import RecipeOptions
from semoe.cli.verbs import verb
from semoe.errors import UsageError

Learnt = Annotated[list[str], typer.Option("--dataset", help="Whose questions are learnt; may be given several times.")]
Paths = Annotated[
    list[Path],
    typer.Option(
        "--data_path",
        help="One for each --dataset, in the same order: its folder or file. With --with_cot also a JSON file of "
        "records with question and cot, the chain of thought.",
    ),
]
Examples = Annotated[
    int | None, typer.Option("--sample", min=1, help="Examples of each. Default: 1,000; with --with_cot 300.")
]
KeptOut = Annotated[
    int | None,
    typer.Option(
        "--skip",
        min=0,
        help="Questions at the beginning of each file to keep out, as they are asked later. Default: 1,000; with "
        "--with_cot the first 300 of every type, and 1,000 more.",
    ),
]


@verb
def warmup(
    recipe: RecipeOptions,
    computing: o.ComputeOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    dataset: Learnt,
    data_path: Paths,
    sample: Examples = None,
    skip: KeptOut = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the order of the examples.")] = 42,
) -> None:
    """Teach one adapter how questions are answered, without passages, and keep it for experts to start from.

    Give the key that it prints to `encode`, `inference` or `plan` with --base_weight, and the same recipe. An example
    is learnt once, or --num_train_epochs times. A warm-up that is stopped begins again.

    Example: semoe warmup --model_name llama3.2_1b --preset published --dataset popqa --data_path data/popqa
    --dataset cwq --data_path data/cwq

    Example, with chains of thought that a larger model writes: semoe warmup --model_name llama3.2_1b --preset published
    --with_cot --augment_model llama3_8b --dataset hotpotqa --data_path data/hotpotqa
    """
    from semoe.published.warmup import WarmupSettings
    from semoe.published.warmup import warmup as run_warmup
    from semoe.stages.recipe import Recipe
    from semoe.store.base_weights import settled
    from semoe.store.objects import open_objects

    if len(dataset) != len(data_path):
        raise UsageError(
            f"{len(dataset)} --dataset but {len(data_path)} --data_path: give one for each.", kind="options"
        )
    settings = WarmupSettings(
        root=place.root_dir,
        files=tuple(zip(dataset, data_path, strict=True)),
        with_cot=recipe.with_cot,
        sample=sample,
        skip=skip,
        seed=seed,
    )
    objects = open_objects(place.store_url)
    preset = settled(recipe.adjusted(), recipe.model_name, objects)
    model = loaded_model(recipe, computing)
    by = recipe.augment_model
    report = run_warmup(
        model,
        Recipe.of(recipe.model_name, preset),
        settings,
        objects,
        lambda: model if by in (None, recipe.model_name) else loaded_model(replace(recipe, model_name=by), computing),
    )
    show(asdict(report), as_json=output.as_json)
