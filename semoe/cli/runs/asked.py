"""All that a plan is asked for, as one record of option groups; `plan` and `reproduce` make their plans of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from semoe.cli import options as o
from semoe.cli.output import err
from semoe.cli.recipe import RecipeOptions
from semoe.cli.runs.cutting_options import ShardOptions, TrainedOptions
from semoe.cli.runs.question_options import PlannedQuestions
from semoe.cli.runs.reckoning import EstimateOptions
from semoe.cli.switching import SwitchOptions
from semoe.errors import UsageError
from semoe.files import require_there
from semoe.prompts.exemplars import load_exemplars
from semoe.retrieval.retrievers import parts_of
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.runs.folder import RunFolder
    from semoe.runs.plan import Manifest
    from semoe.runs.planning import PlanSettings
    from semoe.stages.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of a plan."""

    questions: PlannedQuestions
    recipe: RecipeOptions
    switching: SwitchOptions
    index_place: o.IndexOptions
    cutting: ShardOptions
    trained: TrainedOptions
    costs: EstimateOptions

    @property
    def datasets(self) -> list[str]:
        """The datasets, in order; empty where a corpus is trained whole."""
        return self.questions.dataset or []

    @property
    def paths(self) -> list[Path]:
        """Where their questions are."""
        return self.questions.data_path or []

    def settings(self) -> "PlanSettings":
        """Returns what a run is to do, before its questions are read.

        Raises:
            UsageError: options contradict each other, or one has an impossible value.
        """
        _require_sense(self)
        _require_use(self)
        _require_paths(self)
        from semoe.models.dtypes import torch_dtype
        from semoe.runs.planning import PlanSettings, QuestionFile

        torch_dtype(self.questions.dtype)
        switching = self.switching.settings()
        whole = self.trained.corpus if not self.datasets else None
        return PlanSettings(
            files=tuple(map(QuestionFile, self.datasets, self.paths)),
            data_type=self.questions.data_type,
            sample=self.questions.sample,
            recipe=self._recipe(),
            topk=self.questions.topk,
            retriever=self.index_place.retriever.lower(),
            index_dir=self.index_place.index_dir,
            index_name=self.index_place.index_name,
            reranker=self.index_place.reranker,
            methods=self.questions.folder_names(switching) if self.datasets else (),
            switching=None if whole else switching,
            fewshot=self.questions.fewshot,
            dtype=self.questions.dtype,
            tokens_per_step=self.questions.tokens_per_step,
            num_passage_shards=self.cutting.shards,
            num_question_shards=self.cutting.question_shards or self.cutting.shards,
            corpus=whole,
            quoting=self.trained.quoting,
            experts_of=self.trained.experts_of,
            augment_apart=self.trained.augment_apart,
            snapshot=self.trained.snapshot,
        )

    def _recipe(self) -> "Recipe":
        """The recipe of the experts, with what is asked of answers laid over it: no part of what an expert is."""
        recipe = self.recipe.settings(self.datasets[0] if self.datasets else "")
        answering, given = recipe.preset.answering, self.questions
        answering = replace(
            answering,
            max_new_tokens=given.max_new_tokens or answering.max_new_tokens,
            quantization=given.quantization or answering.quantization,
        )
        if self.datasets and answering.quantization == "float8" and given.dtype != "bfloat16":
            raise UsageError(
                f"--quantization float8, here or in the preset, is for --dtype bfloat16, and it is {given.dtype}.",
                kind="quantization",
            )
        return replace(recipe, preset=replace(recipe.preset, answering=answering))


def make_planned(folder: "RunFolder", asked: Asked) -> "Manifest":
    """Plans a run, and returns what there is to train; what is planned already stays.

    Passages that questions retrieve from are indexed first, where that is asked for and not done.

    Raises:
        UsageError: wrong options, missing or broken files, or a run of this name with other settings.
        TransientError: the store or the index does not answer.
    """
    # First what is light: a mistake is told at once.
    settings = asked.settings()
    from semoe.runs.manifest import provisional_manifest
    from semoe.runs.planning import plan_run
    from semoe.runs.retrieving import retrieve_and_cut

    if asked.trained.corpus and asked.datasets:
        _index(asked.trained.corpus, asked.trained.quoting, asked.index_place)
    made = plan_run(folder, settings)
    # Retrieves, but for what the run itself is to find out: that is reckoned.
    later = asked.cutting.retrieve_later or made.corpus
    return provisional_manifest(made) if later else retrieve_and_cut(folder, made)


def _index(corpus: str, quoting: str, index_place: o.IndexOptions) -> None:
    """Indexes the corpus where that is not done, and says so."""
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.stages.index import ensure_index

    where = RetrievalConfig(
        index_dir=index_place.index_dir, index_name=index_place.index_name, encoder=index_place.encoder or None
    )
    for indexed in ensure_index(corpus, index_place.retriever, where, quoting):
        err.print(f"Indexed {counted(indexed.num_passages, 'passage')}: {indexed.index}", soft_wrap=True)


def _require_sense(asked: Asked) -> None:
    """Refuses options that contradict each other, before anything is done."""
    datasets, corpus, recipe = asked.datasets, asked.trained.corpus, asked.recipe
    if asked.cutting.retrieve_later and asked.costs.probe:
        raise UsageError(
            "--probe measures on the run's passages, which --retrieve_later leaves unknown. Give --experts_per_second.",
            kind="options",
        )
    parts_of(asked.index_place.retriever)
    if not datasets and not corpus:
        raise UsageError(
            "Say what is to be trained: what questions retrieve (--dataset and --data_path), or all of a corpus "
            "(--corpus).",
            kind="options",
        )
    if not datasets and recipe.with_cot:
        raise UsageError("--with_cot takes worked examples from a dataset, which a corpus has not.", kind="options")
    if asked.index_place.encoder and not corpus:
        raise UsageError(
            "--encoder makes an index, so it needs --corpus. An index that is there knows its encoder.", kind="options"
        )
    if len(datasets) != len(asked.paths):
        raise UsageError(
            f"{len(datasets)} --dataset but {len(asked.paths)} --data_path: give one for each.", kind="options"
        )
    if recipe.with_cot and len(set(datasets)) > 1:
        raise UsageError("With --with_cot a run has one dataset: each has its own worked examples.", kind="options")
    _require_prompt(asked)


def _require_paths(asked: Asked) -> None:
    """Refuses files that are not there, before what reads them is loaded."""
    for path in asked.paths:
        require_there(path, "--data_path")
    if asked.trained.corpus:
        require_there(asked.trained.corpus, "--corpus")


def _require_prompt(asked: Asked) -> None:
    """Refuses worked examples that are not there, and a length that a method would not look at."""
    fewshot = asked.questions.fewshot
    if fewshot is not None:
        if len(set(asked.datasets)) != 1:
            raise UsageError("--fewshot takes worked examples of one dataset: give one --dataset.", kind="options")
        there = len(load_exemplars(asked.datasets[0])) if fewshot else 0
        if fewshot > there:
            raise UsageError(
                f"--fewshot {fewshot}: {asked.datasets[0]} has {counted(there, 'worked example')}. Give a "
                "smaller number.",
                kind="bad-value",
            )
    if asked.switching.method and asked.questions.max_new_tokens is not None:
        raise UsageError(
            "--max_new_tokens is for answers in one go. With --method give --generate_max_length.", kind="options"
        )


def _require_use(asked: Asked) -> None:
    """Refuses what a run over a corpus, or one that trains nothing, would not look at."""
    trained, questions, datasets = asked.trained, asked.questions, asked.datasets
    given = {
        "retrieve_later": asked.cutting.retrieve_later,
        "sample": questions.sample >= 0,
        "experts_of": bool(trained.experts_of),
        "fewshot": questions.fewshot is not None,
    }
    stray = next((name for name, is_given in given.items() if is_given), None)
    if not datasets and stray:
        raise UsageError(f"--{stray} is for questions: it needs --dataset.", kind="options")
    if trained.augment_apart and datasets:
        raise UsageError("--augment_apart is for a corpus: a run over questions always does.", kind="options")
    if trained.snapshot and not trained.experts_of:
        raise UsageError("--snapshot is for experts that are there: it needs --experts_of.", kind="options")
    if trained.experts_of and asked.costs.probe:
        raise UsageError("--probe measures training, and with --experts_of nothing is trained.", kind="options")
