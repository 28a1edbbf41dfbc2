"""`semoe reproduce`: a published experiment from its config to a report, by the functions of `plan` and `run`."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semoe.cli import options as o
from semoe.cli.data_folder import opened
from semoe.cli.output import err, print_json, reader, show, show_rows
from semoe.cli.reproduce_options import ExperimentOptions, PassageOptions
from semoe.cli.reproducing import WARM_UP, WEIGHTS, Experimenting, chosen, lacks, read_known
from semoe.cli.runs.asked import make_planned
from semoe.cli.runs.cutting_options import ShardOptions
from semoe.cli.runs.doing import Doing
from semoe.cli.runs.doing_options import BackendName, ClusterOptions, CostOptions, MaxAttempts, WorkerOptions
from semoe.cli.runs.opening import open_run
from semoe.cli.runs.reckoning import EstimateOptions, reckon
from semoe.cli.runs.report import show_report
from semoe.cli.runs.show_plan import show_plan
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.reproduction.config import Config
    from semoe.runs.folder import RunFolder

REPORTS = Path("reproduction")
SHOWN = ("config", "of", "n", "answers", "lacks here")
"""Of what a program gets of an experiment: dataset and model stand in its config's name."""


@verb
def reproduce(
    what: ExperimentOptions,
    data: PassageOptions,
    index_place: o.IndexOptions,
    cutting: ShardOptions,
    estimating: EstimateOptions,
    workers: WorkerOptions,
    on_cluster: ClusterOptions,
    costs: CostOptions,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    backend: BackendName = "local",
    max_attempts: MaxAttempts = None,
) -> None:
    """Do a published experiment as its config says, and write a report: each figure with its interval, and its cost.

    It plans, says what it will take, asks as `run` does, trains and answers in shards. After Ctrl-C the same command
    goes on.

    Example: semoe reproduce --list

    Example: semoe reproduce --config popqa-llama3.2_1b --data_dir data

    Example: semoe reproduce --config 'popqa-*' --sample 20 --model_name smollm2

    On a cluster: semoe reproduce --config popqa-llama3.2_1b --backend argo --retriever elasticsearch --retrieve_later
    """
    names = chosen(what)
    configs = list(map(read_known, names))
    if what.list:
        with opened(data.data_dir, _datasets(configs)) as data_dir:
            _show_list(configs, data_dir, as_json=output.as_json)
        return
    if len(names) > 1 and (what.run or what.to):
        raise UsageError("--run and --to name one run: they do not go with several configs.", kind="options")
    doing = Doing(
        workers=workers,
        on_cluster=on_cluster,
        costs=costs,
        output=output,
        backend=backend,
        # One is what nobody asked for: a cluster has a number of its own.
        parallelism=estimating.parallelism if estimating.parallelism > 1 else None,
        max_attempts=max_attempts,
    )
    doing.require_sense()
    made = []
    with opened(data.data_dir, _datasets(configs)) as data_dir:
        for config in configs:
            one = Experimenting(
                config=config,
                what=what,
                data=data,
                data_dir=data_dir,
                index_place=index_place,
                cutting=cutting,
                estimating=estimating,
            )
            if len(names) == 1 or _is_possible(one):
                made += _done(one, doing, open_run(place, one.run))
    if output.as_json:
        print_json(made)


def _done(one: Experimenting, doing: Doing, folder: "RunFolder") -> list[dict[str, object]]:
    """Does an experiment and writes its report; returns it for programs, or nothing where that comes later."""
    from semoe.runs.status import is_finished

    err.print(f"{one.config.name}: {one.config.experiment.title} (run {folder.run})", soft_wrap=True)
    only = one.what.only
    if only == "report":
        folder.plan()  # who asks for the report of a run has made it
    _plan(one, folder, quiet=doing.output.as_json or only == "report")
    if only == "plan":
        return [{"config": one.config.name, "run": folder.run}]
    # One that a workflow finished, whoever submitted it, has its report to be written and nothing to be done.
    if only is None and not is_finished(folder) and not doing.do(folder):
        err.print("The workflow goes on. Once it is done, the same command writes the report.", soft_wrap=True)
        return []
    return [_written(one, folder, quiet=doing.output.as_json)]


def _plan(one: Experimenting, folder: "RunFolder", *, quiet: bool) -> None:
    manifest = make_planned(folder, one.asked())
    reckoned = reckon(folder, manifest, one.estimating)
    if not quiet:
        show_plan(folder, manifest, *reckoned)


def _written(one: Experimenting, folder: "RunFolder", *, quiet: bool) -> dict[str, object]:
    """Writes the report of a finished run, here and beside the run; returns it for programs."""
    from semoe.reproduction.report import reproduction_of
    from semoe.reproduction.written import write_report
    from semoe.runs.reporting import make_report

    report = make_report(folder)
    command = shlex.join(["semoe", *reader.arguments])
    found = reproduction_of(folder, report, one.config, changed=one.changed(folder), command=command)
    paths = write_report(found, one.what.to or REPORTS / folder.run)
    for path in paths:
        folder.write_page(path.name, path.read_bytes())
    if not quiet:
        show_report(report)
        show({"report": ", ".join(map(str, paths))})
    return {"config": one.config.name, "run": folder.run, "reports": list(map(str, paths)), "report": asdict(found)}


def _is_possible(one: Experimenting) -> bool:
    """Whether the machine has all that an experiment needs; says what it lacks. Nothing is downloaded for many."""
    given = {WEIGHTS: one.what.model_name, WARM_UP: one.what.base_weight}
    missing = [name for name in lacks(one.config, one.data_dir) if not given.get(name)]
    if missing:
        err.print(f"{one.config.name} is left out: this machine lacks {', '.join(missing)}.", soft_wrap=True)
    return not missing


def _show_list(configs: Sequence["Config"], data_dir: Path, *, as_json: bool) -> None:
    rows = []
    for config in configs:
        plan = config.options["plan"]
        methods = _methods(config.options)
        row = {
            "config": config.name,
            "of": config.experiment.of,
            "dataset": ", ".join(plan["dataset"]),
            "model": config.options["recipe"]["model_name"],
            "n": "all" if plan.get("sample", -1) == -1 else plan["sample"],
            "answers": methods if as_json else _in_short(methods),
            "lacks here": ", ".join(lacks(config, data_dir)) or "nothing",
        }
        rows.append(row)
    show_rows("Experiments; n: the first so many questions", SHOWN, rows, as_json=as_json)


def _datasets(configs: Sequence["Config"]) -> set[str]:
    return {dataset for config in configs for dataset in config.options["plan"]["dataset"]}


def _methods(options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ways to answer, by the names of their folders."""
    method = options.get("switching", {}).get("method")
    names = str(options["plan"].get("inference_method", "")).split(",")
    return [f"{method}-{name}" if method else name for name in names]


def _in_short(methods: Sequence[str]) -> str:
    controls = sum(name.endswith("_random") for name in methods)
    if not controls:
        return ", ".join(methods)
    return f"{counted(len(methods) - controls, 'way')}, {counted(controls, 'control')}"
