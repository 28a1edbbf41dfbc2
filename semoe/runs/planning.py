"""Makes a run's plan, and its manifest once retrieval is done; what is there already is kept.

A plan that is stopped half-way goes on when it is made again; one with other settings under the same name is refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from semoe.datasets import AugmentedPassage, Question, Task
from semoe.errors import UsageError
from semoe.models import resolve_model
from semoe.models.tokenizer import Tokenizer
from semoe.runs import ON_PASSAGES, Manifest, Plan, RunFolder, ShardSize, shard_items
from semoe.runs.plan import require_current
from semoe.runs.shard import run_shard
from semoe.stages.retrieve import unanswered
from semoe.telemetry import progress

ITEMS_PER_SHARD, MAX_SHARDS = 256, 512
"""Of a stage: more than 512 pods, with their retries, no longer fit one workflow object."""


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
        raise UsageError(
            f"Run {plan.run} exists with another {differing}. Give the new run another name with --run.",
            kind="run-exists",
        )
    return there


def make_manifest(folder: RunFolder, plan: Plan) -> Manifest:
    """Retrieves what is not retrieved yet, then writes the distinct passages in shards of about equal tokens."""
    there = folder.manifest()
    if there is not None:
        return there
    with progress("retrieve", len(plan.question_shards), "shards") as advance:
        for shard in range(len(plan.question_shards)):
            run_shard(folder, "retrieve", shard)
            advance()
    tasks = (task for shard in range(len(plan.question_shards)) for task in folder.retrieved(shard))
    passages, num_retrieved = distinct_passages(tasks)
    tokenizer = Tokenizer(resolve_model(plan.model_name))
    tokens = [max(1, len(tokenizer.encode(passage.passage))) for passage in passages.values()]
    wanted = plan.num_passage_shards or num_shards_for(len(passages))
    sizes = list(_write_passages(folder, list(passages.values()), tokens, wanted))
    folder.write_keys(list(passages))
    manifest = Manifest(
        num_passages=len(passages), num_retrieved=num_retrieved, num_tokens=sum(tokens), passage_shards=tuple(sizes)
    )
    folder.write("manifest.json", manifest, Manifest)
    return manifest


def provisional_manifest(plan: Plan) -> Manifest:
    """Returns what a manifest comes to at most, for a plan whose retrieval is left to the run."""
    count = plan.topk * sum(size.num_items for size in plan.question_shards)
    parts = slices(count, plan.num_passage_shards or num_shards_for(count))
    sizes = tuple(ShardSize(num_items=end - start) for start, end in parts)
    return Manifest(num_passages=count, num_retrieved=count, num_tokens=0, passage_shards=sizes)


def num_shards_for(num_items: int) -> int:
    """Returns how many shards that many questions or passages make where nobody says it."""
    return -(-num_items // ITEMS_PER_SHARD)


def items_of(folder: RunFolder, stage: str) -> list[int]:
    """Returns how many items each shard of a stage has; makes the manifest where the stage needs it."""
    plan = folder.plan()
    return shard_items(stage, plan, make_manifest(folder, plan) if stage in ON_PASSAGES else None)


def tasks_of(questions: Iterable[Question], set_number: int) -> list[Task]:
    """Returns the questions of one set, ready for a plan."""
    return [
        Task(did=did, set_number=set_number, question=unanswered(question)) for did, question in enumerate(questions)
    ]


def distinct_passages(tasks: Iterable[Task]) -> tuple[dict[str, AugmentedPassage], int]:
    """Returns the passages by key, in the order in which they first occur, and how many were retrieved in all."""
    passages, count = dict[str, AugmentedPassage](), 0
    for task in tasks:
        for key, passage in zip(task.keys, task.question.passages, strict=True):
            passages.setdefault(key, replace(passage, pid=0, score=0.0))
            count += 1
    return passages, count


def balanced(weights: Sequence[int], parts: int) -> Iterator[tuple[int, int]]:
    """Cuts a sequence into at most `parts` contiguous slices of about equal weight; yields (start, end), none empty."""
    start, used, closed, total = 0, 0, 0, sum(weights)
    for end, weight in enumerate(weights, 1):
        used += weight
        if used * parts >= total * (closed + 1) or end == len(weights):
            yield start, end
            # A heavy item may fill several slices at once.
            start, closed = end, max(closed + 1, used * parts // max(total, 1))


def slices(count: int, parts: int) -> Iterator[tuple[int, int]]:
    """Cuts `count` items into contiguous slices of about equal size."""
    return balanced([1] * count, max(1, min(parts, count, MAX_SHARDS)))


def _write_passages(
    folder: RunFolder, passages: Sequence[AugmentedPassage], tokens: Sequence[int], parts: int
) -> Iterator[ShardSize]:
    cut = balanced(tokens, max(1, min(parts, len(passages), MAX_SHARDS)))
    for shard, (start, end) in enumerate(cut):
        folder.write(f"passages/{shard:05}.json", list(passages[start:end]), list[AugmentedPassage])
        yield ShardSize(num_items=end - start, num_tokens=sum(tokens[start:end]))
