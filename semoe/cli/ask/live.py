"""An answer on screen while it is written: only ever added to, so it reads alike in a pipe and on a terminal."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from semoe.words import counted

if TYPE_CHECKING:
    from semoe.generation.request import Answer
    from semoe.generation.switching.draft import Decode
    from semoe.generation.switching.trace import Probability, Switch, TracedPassage
    from semoe.generation.switching.words import Word

SURE = 0.9
UNSURE = 0.5
BEGINNING = 60
"""Characters of a passage that are shown."""


def certainty(p: float) -> str:
    """Returns the colour of a word that the model wrote with this probability."""
    return "green" if p >= SURE else "yellow" if p >= UNSURE else "red"


def legend() -> Text:
    """Says what the colours mean."""
    shades = (f"p ≥ {SURE:g}", "green"), ", ", (f"≥ {UNSURE:g}", "yellow"), ", ", ("below", "red")
    return Text.assemble("How sure it is of a word: ", *shades, ".")


def coloured(words: "Sequence[Word]") -> Text:
    """Returns words in the colours of the model's certainty, on one line."""
    texts = [word.text.replace("\n", " ") for word in words]
    texts[:1] = [text.lstrip() for text in texts[:1]]
    return Text.assemble(*((text, certainty(word.p)) for text, word in zip(texts, words, strict=True)))


class Live:
    """A `Watcher` that prints one answer.

    Args:
        console: where to.
        decode: returns the text of tokens.
        has_p: whether what makes a sentence doubtful has a probability; with methods that look at attention it has
            another value.
    """

    def __init__(self, console: Console, decode: "Decode", *, has_p: bool = True) -> None:
        from semoe.generation.switching.words import Transcript

        self._console = console
        self._has_p = has_p
        self._transcript = Transcript(decode)
        self._num_shown: int | None = 0
        """Words of the transcript that stand there; None: those that were accepted before the draft in hand."""
        self._is_in_line = False
        self._titles: dict[str, str] = {}
        """Of the passages that came, by their experts' keys."""

    def wrote(self, index: int, before: Sequence[int], draft: "Answer") -> None:
        """Prints the words that have ended."""
        self._transcript.take(before, draft)
        if self._num_shown is None:
            self._num_shown = len(self._transcript.words(len(before)))
        self._print(self._transcript.words()[:-1])

    def asks(self, index: int, sentence: str, probabilities: "Sequence[Probability]", query: str) -> None:
        """Prints what is in doubt, and what is asked."""
        self._print(self._transcript.words())
        self._end_line()
        if sentence:
            self._say(Text.assemble(("  ✗ ", "red"), *doubted(sentence, probabilities, has_p=self._has_p)))
        self._say(Text.assemble(("  ? ", "cyan"), query))

    def switched(self, index: int, switch: "Switch", went: Sequence[str]) -> None:
        """Prints the passages that came, and the experts that went and came."""
        note = f": {switch.note}" if switch.note else ""
        self._say(Text(f"    {counted(len(switch.passages), 'passage')} in {switch.retrieve_ms:.0f} ms{note}", "dim"))
        if switch.note:
            return
        self._num_shown = None
        self._titles |= {one.key: one.title for one in switch.passages}
        for key in went:
            if key not in switch.experts:
                self._say(Text(f"    − {self._titles.get(key, key)}  its expert goes", "dim"))
        for one in switch.passages:
            self._say(passage_line(one.title, one.text, self._expert(one, switch, went)))
        if switch.dropped_passages:
            self._say(Text(f"    {counted(switch.dropped_passages, 'passage')} left out: the context is full", "dim"))

    def _expert(self, passage: "TracedPassage", switch: "Switch", went: Sequence[str]) -> str:
        """Says what becomes of the expert of a passage that came."""
        if passage.key in switch.experts:
            return "its expert stays" if passage.key in went else "its expert comes"
        return "" if passage.has_expert else "it has no expert"

    def end(self) -> None:
        """Prints what is left of the answer."""
        self._print(self._transcript.words())
        self._end_line()

    def _print(self, words: "Sequence[Word]") -> None:
        new = words[self._num_shown or 0 :]
        for word in new:
            # What begins a line needs no space before it.
            text = word.text if self._is_in_line else word.text.lstrip()
            self._console.print(Text(text.replace("\n", " "), certainty(word.p)), end="", soft_wrap=True)
            self._is_in_line = self._is_in_line or bool(text)
        self._num_shown = max(self._num_shown or 0, len(words))

    def _end_line(self) -> None:
        if self._is_in_line:
            self._console.print()
        self._is_in_line = False

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def passage_line(title: str, text: str, expert: str = "") -> Text:
    """Returns a line on a passage that came, with what becomes of its expert."""
    beginning = " ".join(text.split())[:BEGINNING]
    return Text.assemble(("    + ", "green"), title or "(no title)", (f"  {beginning}…", "dim"), f"  {expert}".rstrip())


def doubted(sentence: str, probabilities: "Sequence[Probability]", *, has_p: bool = True) -> list[tuple[str, str]]:
    """Cuts a doubted sentence at what made it doubtful; returns stretches with their styles, and how unsure it was."""
    parts: list[tuple[str, str]] = []
    at = 0
    for one in sorted(probabilities, key=lambda found: found.start):
        if one.start < at or not one.is_hit:  # a name within a name, or one that was sure
            continue
        end = one.start + len(one.text)
        parts += [
            (sentence[at : one.start], "dim"),
            (one.text, "bold red"),
            (f" ({1 - one.p:.2f})" if has_p else "", "red"),
        ]
        at = end
    # One line, whatever the sentence has between its words.
    return [(re.sub(r"\s+", " ", text), style) for text, style in (*parts, (sentence[at:], "dim"))]
