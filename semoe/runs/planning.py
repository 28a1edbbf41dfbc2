"""Makes a run's plan; what is there already is kept.

A plan that is stopped half-way goes on when it is made again; one with other settings under the same name is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from semoe.datasets.augmented import Task
from semoe.datasets.loading import file_type, load_dataset
from semoe.datasets.question import Question
from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.config import read_config
from semoe.models.identity import digest_of_folder
from semoe.models.names import resolve_model
from semoe.retrieval.retriever import RERANKER
from semoe.runs.corpus import plan_corpus
from semoe.runs.cutting import num_shards_for, slices
from semoe.runs.estimate import Estimate, Prices, Throughput, estimate
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, Plan, QuestionSet, ShardSize, require_current
from semoe.stages.inference_settings import InferenceSettings, require_fixed
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import unanswered
from semoe.store.base_weights import settled
from semoe.store.kept_states import open_at

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A dataset and where its questions are."""

    dataset: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSettings:
    """What a run is to do, before its questions are read."""

    files: tuple[QuestionFile, ...]
    data_type: str | None = None
    """Of the questions; None: all."""
    sample: int = -1
    """The first so many of each file; -1: all."""
    recipe: Recipe
    topk: int
    retriever: str
    index_dir: Path
    index_name: str
    reranker: str = RERANKER
    """For a retriever with `/rerank`."""
    methods: tuple[str, ...]
    """Folder names of the ways to answer: `icl`, `prag_random`, `token-prag`, …"""
    switching: SwitchSettings | None = None
    fewshot: int | None = None
    """Worked examples in the prompt; None: those that the experts were trained with."""
    dtype: str = "float32"
    tokens_per_step: int | None = None
    num_passage_shards: int | None = None
    num_question_shards: int | None = None
    corpus: str | None = None
    """To be trained whole, in place of what questions retrieve."""
    quoting: str = ""
    """How the corpus is written; empty: as its name says."""
    experts_of: str = ""
    """A run whose experts answer: nothing is trained."""
    augment_apart: bool = False
    """Whether a corpus is augmented in a stage of its own; a language model always is."""
    snapshot: str = ""
    """The state of their space to answer with, or the beginning of its name; empty: as workers find it."""

    @property
    def augments_apart(self) -> bool:
        """Whether a stage of its own augments: a language model takes the device that training has, too."""
        return self.augment_apart or self.recipe.augmented_by != "parse"


def plan_run(folder: RunFolder, settings: PlanSettings) -> Plan:
    """Reads the questions, looks at the model, and writes the plan.

    Raises:
        UsageError: a file is missing or broken, there is no such model or base weight, or a plan with other settings
            has this name.
    """
    recipe = settings.recipe
    # Pods find it in the store: a folder of this machine is out of their reach.
    preset = settled(recipe.preset, recipe.model_name, folder.objects)
    settings = replace(settings, recipe=replace(recipe, preset=preset))
    if settings.corpus:
        cut = plan_corpus(settings.corpus, settings.quoting, settings.num_passage_shards, apart=settings.augments_apart)
        return make_plan(folder, replace(_plan(folder.run, settings, ()), corpus=cut), [])
    tasks: list[Task] = []
    sets: list[QuestionSet] = []
    for number, file in enumerate(settings.files):
        own = load_dataset(file.dataset, file.path, data_type=settings.data_type, sample=settings.sample)
        tasks += tasks_of(own, number)
        kind = file_type(file.dataset, settings.data_type, file.path)
        sets.append(QuestionSet(dataset=file.dataset, data_type=kind, num_questions=len(own)))
    plan = _plan(folder.run, settings, tuple(sets))
    if settings.experts_of:
        _require_experts(RunFolder(folder.objects, settings.experts_of).plan(), plan)
    if settings.snapshot:
        plan = replace(plan, snapshot=_state(folder, settings, plan))
    return make_plan(folder, plan, tasks, settings.num_question_shards)


def _require_experts(other: Plan, plan: Plan) -> None:
    """Makes sure that the experts of another run are those that a plan would answer with.

    Raises:
        UsageError: they are of another recipe.
    """
    if other.space != plan.space:
        raise UsageError(
            f"Run {other.run} has experts of space {other.space} ({other.model_name}, {other.augmented_by}, "
            f"{other.dtype}), and this plan would answer with those of {plan.space}. Give the --model_name, --preset, "
            "--augment_model and --dtype that it had.",
            kind="other-space",
        )


def _state(folder: RunFolder, settings: PlanSettings, plan: Plan) -> str:
    """Returns the whole name of the state that a plan is to answer with.

    Raises:
        UsageError: there is none, it cannot be read again, or no method of the plan reads one.
    """
    ways = [InferenceSettings.of(method, plan.switching) for method in plan.methods]
    require_fixed(plan.switching, loads_experts=any(how.loads_experts for how in ways))
    return open_at(folder.objects, plan.space, settings.snapshot).ledger.state.digest


def _plan(run: str, settings: PlanSettings, sets: tuple[QuestionSet, ...]) -> Plan:
    recipe = settings.recipe
    digest = digest_of_folder(resolve_model(recipe.model_name), recipe.preset.chat.values())
    return Plan(
        run=run,
        model_name=recipe.model_name,
        preset=recipe.preset,
        augmented_by=recipe.augmented_by,
        sets=sets,
        question_shards=(),
        topk=settings.topk,
        retriever=settings.retriever,
        index_dir=str(settings.index_dir),
        index_name=settings.index_name,
        reranker=settings.reranker,
        methods=settings.methods,
        with_cot=bool(recipe.exemplars),
        dtype=settings.dtype,
        tokens_per_step=settings.tokens_per_step,
        num_passage_shards=settings.num_passage_shards,
        switching=settings.switching,
        fewshot=settings.fewshot,
        experts_of=settings.experts_of,
        model_digest=digest,
        space=recipe.space_of(digest, settings.dtype).name,
    )


def make_plan(folder: RunFolder, plan: Plan, tasks: Sequence[Task], num_question_shards: int | None = None) -> Plan:
    """Writes the questions, then the plan.

    Args:
        folder: where.
        plan: the plan without its question shards.
        tasks: the questions of all its sets, in order.
        num_question_shards: of the stages that work on questions; None: one for `ITEMS_PER_SHARD` of them.

    Raises:
        UsageError: a plan with other settings has this name.
    """
    cut = list(slices(len(tasks), num_question_shards or num_shards_for(len(tasks))))
    sizes = tuple(ShardSize(num_items=end - start) for start, end in cut)
    whole = replace(plan, question_shards=sizes)
    there = folder.find("plan.json", Plan)
    if there is None:
        for shard, (start, end) in enumerate(cut):
            folder.write(f"questions/{shard:05}.json", list(tasks[start:end]), list[Task])
        folder.create("plan.json", whole, Plan)
        there = folder.plan()
    require_current(there)
    if there != whole:
        differing = next(name for name in Plan.__slots__ if getattr(there, name) != getattr(whole, name))
        other = "corpus, or one that is read or cut in another way" if differing == "corpus" else differing
        raise UsageError(
            f"Run {plan.run} exists with another {other}. Give the new run another name (--run) or another folder "
            "(--root_dir).",
            kind="run-exists",
        )
    return there


def tasks_of(questions: Iterable[Question], set_number: int) -> list[Task]:
    """Returns the questions of one set, ready for a plan."""
    return [
        Task(did=did, set_number=set_number, question=unanswered(question)) for did, question in enumerate(questions)
    ]


def estimate_of(
    plan: Plan, manifest: Manifest, measured: Throughput | None, *, parallelism: int, prices: Prices, gpus: int = 0
) -> Estimate:
    """Reckons what a planned run will take; see `estimate`."""
    if not plan.trains:
        manifest = replace(manifest, num_passages=0, passage_shards=())
    layout = ExpertLayout(read_config(resolve_model(plan.model_name)), plan.preset.lora)
    rates = (min(measured.rounds), max(measured.rounds)) if measured else None
    return estimate(
        manifest,
        bytes_per_expert=layout.size * FLOAT_BYTES,
        parallelism=parallelism,
        prices=prices,
        experts_per_second=rates,
        error=plan.corpus.error if plan.corpus else 0.0,
        gpus=gpus,
    )
