"""Who hears of answers while they are written: `semoe ask` shows them live. Where nobody listens nothing is made."""

from collections.abc import Sequence
from typing import Protocol

from semoe.generation.request import Answer
from semoe.generation.switching.row import Search
from semoe.generation.switching.trace import Probability, Switch
from semoe.generation.switching.tracing import probabilities_of


class Watcher(Protocol):
    """Hears of answers by their question's position, in the thread that writes them: it should be quick."""

    def wrote(self, index: int, before: Sequence[int], draft: Answer) -> None:
        """Hears, after each token, of the draft in hand as far as it is written.

        Args:
            index: of the question.
            before: tokens that were accepted before the draft was begun.
            draft: what is written behind them; some of it may be dropped again.
        """
        ...

    def asks(self, index: int, sentence: str, probabilities: Sequence[Probability], query: str) -> None:
        """Hears of a search before it is made: what is in doubt (empty: nothing, the question itself is asked)."""
        ...

    def switched(self, index: int, switch: Switch, went: Sequence[str]) -> None:
        """Hears what a search brought; `went` has the keys of the experts that were loaded until then."""
        ...


def tell_of_search(watcher: Watcher | None, search: Search) -> None:
    """Tells a watcher, where there is one, of a search that is about to be made."""
    if watcher is not None:
        probabilities = probabilities_of(search.sentence, search.doubt)
        watcher.asks(search.row.index, search.sentence, probabilities, search.query)
