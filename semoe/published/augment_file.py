"""One augmented file: questions with their retrieved passages in, the same with rewrites and pairs out.

Each distinct passage is augmented once, however many questions found it, in chunks whose results go to a
journal. Chunks are cut by position among the distinct passages and are made whole, so that an interrupted
run gives the same bytes as an uninterrupted one. A report of what was made and rejected is kept too;
`augmented_place` says where.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from semoe.augment.contract import Augmentation, Augmenter
from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion
from semoe.datasets.keys import passage_key
from semoe.datasets.question import Question
from semoe.errors import SemoeError, UsageError
from semoe.published.augmented_place import AugmentedPlace, write_alone
from semoe.published.journal import Chunk, Journal
from semoe.retrieval.passage import Passage, Retrieved
from semoe.stages.augment import augment_passages
from semoe.stages.retrieve import unanswered, unaugmented

FoundQuestion = tuple[Question, Sequence[Retrieved]]


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentReport:
    """What a run made, over the distinct passages."""

    questions: int
    passages: int
    """Distinct passages."""
    pairs: int
    without_pairs: int
    """Passages of which no pair was kept."""
    rejected: dict[str, int]
    """Pairs and rewrites that were not kept, by reason (`rejection.REASONS`)."""


def augment_questions(
    questions: Sequence[FoundQuestion],
    augmenter: Augmenter,
    place: AugmentedPlace,
    *,
    prefix: str,
    settings: Mapping[str, Any],
    chunk: int = 16,
    on_progress: Callable[[int], None] | None = None,
) -> AugmentReport:
    """Augments the passages of `questions` into a file, or goes on where an interrupted run stopped.

    An output that is whole already, of the same questions and settings, is left alone.

    Args:
        questions: each question with its passages in retrieval order.
        augmenter: makes rewrites and pairs.
        place: of the JSON file in the published shape, its report and its journal.
        prefix: what stands before `_rewrite` and `_qa` in the file: the model's short name.
        settings: what else decides the output; JSON values. Work done under other settings is not used.
        chunk: passages a call of the augmenter.
        on_progress: told after each chunk how many more distinct passages are done.

    Raises:
        UsageError: the chunk size is below 1, or the output cannot be written.
        TransientError: the disk is full.
    """
    if chunk < 1:
        raise UsageError(f"The chunk size must be 1 or more, not {chunk}.", kind="bad-value")
    tell = on_progress or (lambda done: None)
    passages = _distinct(questions)
    settings = {**settings, "prefix": prefix, "chunk": chunk}
    plain = _plain(settings)
    run = {"settings": plain, "input": _digest(questions)}
    place.clear()
    if done := _finished(place, run):
        tell(len(passages))
        return done
    journal = place.journal(plain)
    chunks = _augment_chunks(passages, augmenter, journal, chunk, tell)
    made = {key: one for part in chunks for key, one in zip(part.keys, part.made, strict=True)}
    write_alone(place.output, [_augmented(question, found, made) for question, found in questions], prefix)
    report = _report(len(questions), chunks)
    place.write_report({**asdict(report), **run})
    journal.remove()
    return report


def _distinct(questions: Sequence[FoundQuestion]) -> dict[str, Passage]:
    """Returns the passages by key, in the order in which they first occur."""
    passages: dict[str, Passage] = {}
    for _, found in questions:
        for retrieved in found:
            passages.setdefault(_key(retrieved.passage), retrieved.passage)
    return passages


def _key(passage: Passage) -> str:
    return passage_key(passage.title, passage.text)


def _augment_chunks(
    passages: dict[str, Passage],
    augmenter: Augmenter,
    journal: Journal,
    size: int,
    tell: Callable[[int], None],
) -> list[Chunk]:
    keys = list(passages)
    finished = journal.open()
    chunks: list[Chunk] = []
    for start in range(0, len(keys), size):
        part = tuple(keys[start : start + size])
        if part not in finished:
            finished[part] = _augment_chunk(part, passages, augmenter)
            journal.append(finished[part])
        chunks.append(finished[part])
        tell(len(part))
    return chunks


def _augment_chunk(keys: tuple[str, ...], passages: dict[str, Passage], augmenter: Augmenter) -> Chunk:
    rejected: Counter[str] = Counter()
    made = augment_passages(augmenter, [passages[key] for key in keys], rejected)
    return Chunk(keys, tuple(made), rejected)


def _augmented(question: Question, found: Sequence[Retrieved], made: dict[str, Augmentation]) -> AugmentedQuestion:
    passages = (_augmented_passage(pid, one, made[_key(one.passage)]) for pid, one in enumerate(found))
    return replace(unanswered(question), passages=tuple(passages))


def _augmented_passage(pid: int, retrieved: Retrieved, made: Augmentation) -> AugmentedPassage:
    plain = unaugmented(retrieved.passage, pid=pid, score=retrieved.score)
    return replace(plain, rewrite=made.rewrite, qa=made.qa)


def _report(questions: int, chunks: Sequence[Chunk]) -> AugmentReport:
    made = [one for chunk in chunks for one in chunk.made]
    rejected = sum((chunk.rejected for chunk in chunks), Counter[str]())
    return AugmentReport(
        questions=questions,
        passages=len(made),
        pairs=sum(len(one.qa) for one in made),
        without_pairs=sum(not one.qa for one in made),
        rejected=dict(sorted(rejected.items())),
    )


def _finished(place: AugmentedPlace, run: dict[str, Any]) -> AugmentReport | None:
    """Returns the report of a whole output that the same run made; None where there is none."""
    try:
        stored = place.report()
        is_whole = place.is_as_reported(stored)
        settings = stored["settings"]
        # An earlier version began a field's name with all of a model's path.
        stored["settings"] = settings | {"prefix": Path(settings["prefix"]).name}
        same = all(stored.pop(name) == value for name, value in run.items())
        del stored["output"]
        return AugmentReport(**stored) if is_whole and same else None
    except (SemoeError, KeyError, TypeError, AttributeError):
        return None  # a broken report vouches for nothing


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings as JSON gives them back, so that stored and new ones compare equal."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(dict(settings)))
    return plain


def _digest(questions: Sequence[FoundQuestion]) -> str:
    plain = [(asdict(question), [asdict(one) for one in found]) for question, found in questions]
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()
