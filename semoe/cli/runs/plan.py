"""`semoe plan`: says what a run will do and cost, and writes it down so that any number of workers can do it."""

from semoe.cli import options as o
from semoe.cli.output import err
from semoe.cli.recipe import RecipeOptions
from semoe.cli.runs.asked import Asked, make_planned
from semoe.cli.runs.cutting_options import ShardOptions, TrainedOptions
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.question_options import PlannedQuestions
from semoe.cli.runs.reckoning import EstimateOptions, reckon
from semoe.cli.runs.show_plan import show_plan
from semoe.cli.switching import SwitchOptions
from semoe.cli.verbs import verb
from semoe.words import counted


@verb
def plan(
    run: Run,
    questions: PlannedQuestions,
    recipe: RecipeOptions,
    switching: SwitchOptions,
    index_place: o.IndexOptions,
    cutting: ShardOptions,
    trained: TrainedOptions,
    costs: EstimateOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
) -> None:
    """Plan a run: find the passages, cut the work into shards, say what it takes. Nothing is trained yet.

    Example: semoe plan --run first --dataset popqa --data_path data/popqa --sample 100 --model_name smollm2 --probe

    Example: semoe plan --run wiki --corpus s3://data/psgs_w100.tsv --model_name llama3.2_1b --shards 512

    For a cluster, whose index is out of reach: add --retriever elasticsearch --retrieve_later --store s3://bucket/semoe
    """
    asked = Asked(
        questions=questions,
        recipe=recipe,
        switching=switching,
        index_place=index_place,
        cutting=cutting,
        trained=trained,
        costs=costs,
    )
    folder = open_run(place, run)
    manifest = make_planned(folder, asked)
    show_plan(folder, manifest, *reckon(folder, manifest, costs), as_json=output.as_json)
    if folder.plan().corpus:
        _tell_fewer(len(manifest.passage_shards), cutting.shards or 0)
    following = f"semoe run --run {run} --store {folder.objects.url}"
    more = " --corpus s3://… the first time" if folder.plan().retriever == "elasticsearch" else ""
    err.print(f"Next: {following}   # on a cluster: --backend argo{more}", soft_wrap=True)


def _tell_fewer(made: int, asked: int) -> None:
    """Says why there are fewer shards than were asked for: as many workers find nothing to do."""
    if made < asked:
        err.print(
            f"{counted(made, 'shard')} of passages, and not the {asked} asked for: no more can be cut. A passage is "
            "one shard's, and so is a row group of Parquet or a gzipped file; `semoe cut` makes pieces of those.",
            soft_wrap=True,
        )
