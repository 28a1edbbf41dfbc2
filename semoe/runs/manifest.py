"""Makes a run's manifest once retrieval is done: its distinct passages, cut into shards of about equal tokens."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from semoe.datasets.augmented import AugmentedPassage, Task
from semoe.errors import UsageError
from semoe.models.names import resolve_model
from semoe.models.tokenizer import Tokenizer
from semoe.runs.corpus import settle
from semoe.runs.cutting import num_shards_for, slices, slices_by_weight
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, Plan, ShardSize
from semoe.runs.shard_items import ON_PASSAGES, reckoned, shard_items
from semoe.words import counted


def make_manifest(folder: RunFolder, plan: Plan) -> Manifest:
    """Writes the distinct passages of all questions in shards of about equal tokens; what is written already stays.

    Of a corpus the passages stay where they are.

    Raises:
        UsageError: not every question has its passages yet, or not every shard of a corpus is read.
    """
    there = folder.manifest()
    if there is not None:
        return there
    if plan.corpus:
        manifest = settle(folder, plan.corpus)
        folder.write("manifest.json", manifest, Manifest)
        return manifest
    missing = len(plan.question_shards) - len(folder.finished("retrieve"))
    if missing:
        raise UsageError(
            f"Run {folder.run}: of {counted(len(plan.question_shards), 'shard')} of questions {missing} without "
            f"passages yet. Go on with `semoe resume --run {folder.run}`, or plan without --retrieve_later.",
            kind="no-manifest",
        )
    tasks = (task for shard in range(len(plan.question_shards)) for task in folder.retrieved(shard))
    passages, num_retrieved = distinct_passages(tasks)
    tokenizer = Tokenizer(resolve_model(plan.model_name))
    tokens = [max(1, len(tokenizer.encode(passage.passage))) for passage in passages.values()]
    wanted = plan.num_passage_shards or num_shards_for(len(passages))
    sizes = [] if not plan.trains else list(_write_passages(folder, list(passages.values()), tokens, wanted))
    folder.write_keys(list(passages))
    manifest = Manifest(
        num_passages=len(passages), num_retrieved=num_retrieved, num_tokens=sum(tokens), passage_shards=tuple(sizes)
    )
    folder.write("manifest.json", manifest, Manifest)
    return manifest


def provisional_manifest(plan: Plan) -> Manifest:
    """Returns what a manifest comes to where retrieval is left to the run: at most, or of a corpus about."""
    if plan.corpus:
        about = reckoned(plan.corpus)
        total = sum(size.num_items for size in about)
        return Manifest(num_passages=total, num_retrieved=total, num_tokens=0, passage_shards=about)
    count = plan.topk * sum(size.num_items for size in plan.question_shards)
    parts = slices(count, plan.num_passage_shards or num_shards_for(count))
    sizes = tuple(ShardSize(num_items=end - start) for start, end in parts)
    return Manifest(num_passages=count, num_retrieved=count, num_tokens=0, passage_shards=sizes)


def items_of(folder: RunFolder, stage: str) -> list[int]:
    """Returns how many items each shard of a stage has; makes the manifest where the stage needs it."""
    plan = folder.plan()
    return shard_items(stage, plan, make_manifest(folder, plan) if stage in ON_PASSAGES else None)


def distinct_passages(tasks: Iterable[Task]) -> tuple[dict[str, AugmentedPassage], int]:
    """Returns the passages by key, in the order in which they first occur, and how many were retrieved in all."""
    passages = dict[str, AugmentedPassage]()
    count = 0
    for task in tasks:
        for key, passage in zip(task.keys, task.question.passages, strict=True):
            passages.setdefault(key, replace(passage, pid=0, score=0.0))
            count += 1
    return passages, count


def _write_passages(
    folder: RunFolder, passages: Sequence[AugmentedPassage], tokens: Sequence[int], parts: int
) -> Iterator[ShardSize]:
    cut = slices_by_weight(tokens, parts)
    for shard, (start, end) in enumerate(cut):
        folder.write(f"passages/{shard:05}.json", list(passages[start:end]), list[AugmentedPassage])
        yield ShardSize(num_items=end - start, num_tokens=sum(tokens[start:end]))
