"""What a run is to do: settings, questions, and the slices that its shards are.

Written once, before any work; a worker knows from it all that decides its result.
"""

from dataclasses import dataclass

from semoe.errors import UsageError
from semoe.experts.preset import Preset
from semoe.generation.switching.settings import SwitchSettings
from semoe.retrieval.retriever import RERANKER
from semoe.stages.corpus_range import CorpusFile
from semoe.stages.inference_settings import InferenceSettings

VERSION = 2
"""A plan of version 1 named neither the bytes of its model nor the space of its experts: it can be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """The questions of one dataset and type: a contiguous part of the run's questions."""

    dataset: str
    data_type: str
    num_questions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardSize:
    """How much one shard holds."""

    num_items: int
    num_tokens: int = 0
    """Of its passages' texts; 0 for questions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusPlan:
    """A whole corpus, whose passages are trained."""

    file: CorpusFile
    bounds: tuple[int, ...]
    """Bytes where the shards begin, as far as is known (`semoe.runs.corpus`), and at last the corpus's size."""
    num_passages: tuple[int, ...]
    """Of each shard, reckoned from some places."""
    error: float
    """Of their sum, relative: its 95 % interval reaches so far to both sides."""
    augment_apart: bool = False
    """Whether a stage of its own augments; False: whoever trains does, ahead of what it trains."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """`plan.json`."""

    run: str
    model_name: str
    preset: Preset
    augmented_by: str
    """`parse`, or the language model that augments."""
    sets: tuple[QuestionSet, ...]
    question_shards: tuple[ShardSize, ...]
    """Shards of the stages that work on questions: retrieve and inference."""
    topk: int
    retriever: str
    index_dir: str
    index_name: str
    methods: tuple[str, ...]
    """How each question is answered: `icl`, `prag`, …, `prag_random` for a control."""
    reranker: str = RERANKER
    """For a retriever with `/rerank`."""
    with_cot: bool = False
    dtype: str = "float32"
    tokens_per_step: int | None = None
    num_passage_shards: int | None = None
    """Wanted for the stages that work on passages; None: as many as their number asks for."""
    switching: SwitchSettings | None = None
    """How to retrieve while answering; None: once, with the question, before."""
    fewshot: int | None = None
    """Worked examples in the prompt: the first so many of its dataset; None: those that its experts learnt with."""
    corpus: CorpusPlan | None = None
    """Of a run that trains all of it; None: what its questions retrieve."""
    experts_of: str = ""
    """The run whose experts answer: this one trains none."""
    snapshot: str = ""
    """The state of the space to answer with; empty: the one that the first worker finds which answers."""
    model_digest: str = ""
    """Of the base model (`semoe.models.identity`): workers refuse another."""
    space: str = ""
    """The expert space that its experts belong to."""
    version: int = VERSION

    @property
    def trains(self) -> bool:
        """Whether it trains experts: of a corpus, or those that its answers load."""
        ways = (InferenceSettings.of(method, self.switching) for method in self.methods)
        return self.corpus is not None or (not self.experts_of and any(how.loads_experts for how in ways))


def require_current(plan: Plan) -> None:
    """Makes sure that a plan can be worked on: an earlier one does not name its expert space.

    Raises:
        UsageError: what is left of it would be trained into another.
    """
    if plan.version < VERSION:
        raise UsageError(
            f"Run {plan.run} was planned by an earlier version of SEMOE, which named expert spaces otherwise. "
            "Finish it with that version, or plan it anew under another name: its experts are then trained anew. "
            "`semoe status`, `logs`, `report` and `export` read it as it is.",
            kind="unknown-version",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """`manifest.json`: the distinct passages that were retrieved, or all of a corpus, cut into shards.

    Written after retrieval.
    """

    num_passages: int
    num_retrieved: int
    """Repetitions counted."""
    num_tokens: int
    passage_shards: tuple[ShardSize, ...]
    """Shards of the stages that work on passages: augment and encode."""
    starts: tuple[int, ...] = ()
    """Of a corpus: where its shards begin in truth."""
