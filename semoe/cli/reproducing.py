"""From an experiment's config to what `plan` is asked for, the name of its run, and what of it was changed."""

from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semoe.cli import options as o
from semoe.cli.recipe import RecipeOptions
from semoe.cli.reproduce_options import ExperimentOptions, PassageOptions
from semoe.cli.runs.asked import Asked
from semoe.cli.runs.cutting_options import ShardOptions, TrainedOptions
from semoe.cli.runs.question_options import PlannedQuestions
from semoe.cli.runs.reckoning import EstimateOptions
from semoe.cli.settings_file import require_known
from semoe.cli.switching import SwitchOptions
from semoe.datasets.manifest import DataState, data_state, find_data, manifest, require_data
from semoe.errors import UsageError
from semoe.reproduction.config import SUFFIX, Config, config_names, read_config
from semoe.retrieval.retrievers import on_a_server
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.runs.folder import RunFolder

PASSAGES = "psgs_w100.tsv"
WEIGHTS = "weights"
WARM_UP = "a warm-up (semoe warmup)"
BM25 = "bm25"
SAME_AS_PUBLISHED = (BM25, "elasticsearch")
"""Retrievers that rank by BM25 over words, as the published code does."""


@dataclass(frozen=True, kw_only=True)
class Experimenting:
    """An experiment with what the command line says about it."""

    config: Config
    what: ExperimentOptions
    data: PassageOptions
    data_dir: Path
    """The data folder on this machine: a copy, where it is in S3."""
    index_place: o.IndexOptions
    cutting: ShardOptions
    estimating: EstimateOptions

    @property
    def questions(self) -> PlannedQuestions:
        """The questions as the config has them, but for where they are."""
        return PlannedQuestions(**self._table("plan"))

    @property
    def recipe(self) -> RecipeOptions:
        """The recipe of the experts, with the model and the base weight that were asked for."""
        own = RecipeOptions(**self._table("recipe"))
        what = self.what
        return replace(
            own, model_name=what.model_name or own.model_name, base_weight=what.base_weight or own.base_weight
        )

    @property
    def run(self) -> str:
        """The run's name: the same command again goes on with it, and what was changed does not meet it."""
        if self.what.run:
            return self.what.run
        model = Path(self.what.model_name).name if self.recipe.model_name != self._table("recipe")["model_name"] else ""
        sample = f"sample{self.what.sample}" if self._sample != self.questions.sample else ""
        retriever = self.index_place.retriever if self.index_place.retriever != BM25 else ""
        others = [retriever, model, self._other_base, sample]
        name = "-".join([self.config.name, *filter(None, others)])
        # What a cluster takes for a label, by which it finds the run's workflow.
        return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)

    def asked(self) -> Asked:
        """Returns what `plan` is asked for.

        Raises:
            UsageError: a dataset's questions are not there; the message says where they are to be had.
        """
        datasets = self.questions.dataset or []
        paths = [require_data(self.data_dir, one, self.data.data_dir) for one in datasets]
        return Asked(
            questions=replace(self.questions, data_path=paths, sample=self._sample),
            recipe=self.recipe,
            switching=SwitchOptions(**self._table("switching")),
            index_place=self.index_place,
            cutting=self.cutting,
            trained=TrainedOptions(corpus=self._passages()),
            costs=self.estimating,
        )

    def changed(self, folder: "RunFolder") -> list[str]:
        """Returns what was not done as the config says, a sentence each; the model first."""
        own = RecipeOptions(**self._table("recipe"))
        said = []
        if self.recipe.model_name != own.model_name:
            said.append(
                f"The model is {self.recipe.model_name}, not {own.model_name}: no figure here is of the config's."
            )
        if self._other_base:
            given, meant = folder.plan().preset.training.base_weight, own.base_weight or "random numbers"
            said.append(f"Experts start from base weight {given}, where the config has {meant}.")
        if self._sample != self.questions.sample:
            said.append(
                f"Asked are {_questions(self._sample)}, where the config asks {_questions(self.questions.sample)}."
            )
        for one in folder.plan().sets:
            if one.dataset in manifest():
                said += _short(data_state(self.data_dir, one.dataset), one.num_questions, self._sample)
        if self.index_place.retriever not in SAME_AS_PUBLISHED:
            said.append(f"Passages are found by {self.index_place.retriever}, not by BM25.")
        return said

    @property
    def _other_base(self) -> str:
        """What a base weight that is not the config's adds to the name of the run."""
        given = self.what.base_weight
        if given in ("", self._table("recipe").get("base_weight", "")):
            return ""
        return f"base-{'-'.join(Path(given).parts[-2:])}"

    @property
    def _sample(self) -> int:
        return self.what.sample or self.questions.sample

    def _passages(self) -> str | None:
        """The passages to index first: those that were named, or those of the data folder for an index in a folder."""
        there = self.data_dir / PASSAGES
        is_ours = not on_a_server(self.index_place.retriever) and there.is_file()
        return self.data.passages or (str(there) if is_ours else None)

    def _table(self, name: str) -> dict[str, Any]:
        return dict(self.config.options.get(name, {}))


def read_known(name_or_path: str) -> Config:
    """Reads a config, and holds its tables to the options that `plan` has.

    Raises:
        UsageError: see `read_config`; or a key that is no option (the message names the nearest), or a wrong value.
    """
    found = read_config(name_or_path)
    require_known(found.options, f"config {found.name}")
    if "model_name" not in found.options.get("recipe", {}):
        raise UsageError(f"config {found.name}, [recipe]: key model_name is missing.", kind="missing-key")
    if not found.options.get("plan", {}).get("dataset"):
        raise UsageError(f"config {found.name}, [plan]: key dataset is missing.", kind="missing-key")
    return found


def chosen(what: ExperimentOptions) -> list[str]:
    """Returns the names of the configs that are meant.

    Raises:
        UsageError: none is named, or none has such a name.
    """
    names = config_names()
    if what.config and what.all:
        raise UsageError("--all takes every config: leave out --config.", kind="options")
    if what.all or (what.list and not what.config):
        return list(names)
    if not what.config:
        raise UsageError("Say which experiment: --config NAME, or --all. See --list.", kind="options")
    if what.config.endswith(SUFFIX):
        return [what.config]
    found = [name for name in names if fnmatch(name, what.config)]
    return found or [read_config(what.config).name]


def lacks(config: Config, data_dir: Path) -> list[str]:
    """Returns what this machine lacks for an experiment: weights, questions; nothing is asked of a network."""
    recipe = config.options["recipe"]
    model = recipe["model_name"]
    datasets = config.options["plan"]["dataset"]
    without = [one for one in datasets if one in manifest() and find_data(data_dir, one) is None]
    is_cold = bool(recipe.get("base_weight")) and not Path(recipe["base_weight"]).is_dir()
    found = {WEIGHTS: not _has_weights(model), WARM_UP: is_cold}
    return [name for name, is_lacking in found.items() if is_lacking] + [f"questions of {one}" for one in without]


def _has_weights(model: str) -> bool:
    from semoe.models.hub import cached
    from semoe.models.names import SHORT_NAMES

    if Path(model).expanduser().is_dir() or model == "smollm2":
        return True
    return cached(SHORT_NAMES.get(model, model)) is not None


def _questions(sample: int) -> str:
    return "all questions" if sample == -1 else f"the first {counted(sample, 'question')}"


def _short(state: DataState, planned: int, sample: int) -> list[str]:
    """Says where a file is not the original's: its first questions may be others."""
    if state.state == "whole":
        return []
    fewer = f", and {planned:,} of the {sample:,} wanted" if planned < sample else ""
    return [
        f"{state.dataset} is not the original's file: it has {counted(state.num_questions, 'question')} where that has "
        f"{state.expected:,}{fewer}."
    ]
