"""Passages that say nothing are left out, counted; and a corpus has at least one that says something."""

import logging
from collections.abc import Iterable, Iterator

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

log = logging.getLogger(__name__)


def without_blank(passages: Iterable[Passage], path: object) -> Iterator[Passage]:
    """Yields the passages that have a text or a title; warns at the end of how many had neither."""
    num_blank = 0
    first = ""
    for passage in passages:
        if passage.is_blank:
            first = first if num_blank else passage.id
            num_blank += 1
        else:
            yield passage
    if num_blank:
        log.warning(
            "%s: %d of the passages have neither text nor title and are left out, first the one of id %s.",
            path, num_blank, first,
        )  # fmt: skip


def at_least_one(passages: Iterable[Passage], path: object) -> Iterator[Passage]:
    """Yields the passages of a whole corpus.

    Raises:
        UsageError: there is none.
    """
    count = 0
    for count, passage in enumerate(passages, 1):  # noqa: B007  (whether there was any, is what is wanted)
        yield passage
    if not count:
        raise UsageError(f"{path} holds no passages. Download it again.", kind="empty-file")
