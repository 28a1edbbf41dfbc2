"""Answer prompts: what the user turn says, and how the assistant's turn begins.

A template is a Jinja file; what it makes of a training sequence enters the expert space, by its text. `published` has
the structure of the published prompts in our own words; `semoe` is the strongest prompt of our study. A user can bring
a file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import jinja2

from semoe.errors import UsageError
from semoe.files import read_text
from semoe.prompts.exemplars import Exemplar
from semoe.registry import Registry


@dataclass(frozen=True, slots=True)
class Prompt:
    """A user turn, and the words that the assistant's turn is made to begin with."""

    user: str
    primed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """How a question is asked and how an answer is written."""

    name: str
    direct: str
    """Jinja text of the user turn, with `question`, `passages` and `exemplars`."""
    cot: str
    """The same for chain of thought."""
    best_last: bool
    """Whether the best passage stands next to the question."""
    ends_turn: bool
    """Whether a training target closes the assistant's turn."""
    primed_direct: str
    primed_cot: str
    shows_title: bool
    """Whether a passage is shown under its title."""

    def render(
        self,
        question: str,
        passages: Sequence[str] = (),
        *,
        exemplars: Sequence[Exemplar] = (),
        cot: bool = False,
    ) -> Prompt:
        """Fills the template; `passages` come best first."""
        ordered = list(reversed(passages)) if self.best_last else list(passages)
        source = self.cot if cot else self.direct
        text = _environment().from_string(source)
        user = text.render(question=one_question_mark(question), passages=ordered, exemplars=exemplars)
        return Prompt(user, self.primed_cot if cot else self.primed_direct)

    def training_digest(self, *, cot: bool) -> str:
        """Returns a hash of all that decides a training sequence, which shows one passage at most."""
        parts = (self.cot, self.primed_cot) if cot else (self.direct, self.primed_direct)
        return hashlib.sha256(repr((*parts, self.ends_turn)).encode()).hexdigest()[:16]

    def digest(self) -> str:
        """Returns a hash of all that decides a prompt or a sequence: everything but the name."""
        parts = tuple(getattr(self, one) for one in Template.__slots__ if one != "name")
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def target(self, answer: str, *, end_token: str) -> str:
        """Returns what the assistant writes after the primed words."""
        closed = answer.strip() if answer.strip().endswith(".") else f"{answer.strip()}."
        return f" {closed}{end_token if self.ends_turn else ''}"


templates: Registry[Template] = Registry("template")


def load_template(name_or_path: str) -> Template:
    """Returns a shipped template, or the `published` one with the direct text of a user's Jinja file.

    Raises:
        UsageError: unknown name, or a broken file.
    """
    if not name_or_path.endswith(".jinja"):
        return templates[name_or_path]
    text = read_text(Path(name_or_path))
    try:
        _environment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"{name_or_path}, line {error.lineno}: {error.message}.", kind="broken-template") from error
    base = templates["published"]
    fields = {name: getattr(base, name) for name in Template.__slots__}
    return Template(**(fields | {"name": Path(name_or_path).stem, "direct": text, "cot": text}))


def one_question_mark(question: str) -> str:
    """Ends a question with exactly one question mark, without a space before it."""
    return question.strip().rstrip("?").rstrip() + "?"


@lru_cache
def _environment() -> jinja2.Environment:
    # Prompts are plain text for a tokenizer: HTML escaping would corrupt them.
    return jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=False, autoescape=False)  # noqa: S701


def _shipped(name: str) -> str:
    return (resources.files("semoe.prompts") / "templates" / f"{name}.jinja").read_text(encoding="utf-8")


templates.register("published")(
    Template(
        name="published",
        direct=_shipped("published.direct"),
        cot=_shipped("published.cot"),
        best_last=False,
        ends_turn=False,
        primed_direct="The answer is",
        primed_cot="Answer:",
        shows_title=False,
    )
)
templates.register("semoe")(
    Template(
        name="semoe",
        direct=_shipped("semoe.direct"),
        cot=_shipped("semoe.cot"),
        best_last=True,
        ends_turn=True,
        primed_direct="Answer:",
        primed_cot="Answer:",
        shows_title=True,
    )
)
