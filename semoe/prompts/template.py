"""Answer prompts: what the user turn says, and how the assistant's turn begins.

A template is a Jinja file; what it makes of a training sequence enters the expert space, by its text. `published` has
the structure of the published prompts in our own words; `semoe` is the strongest prompt of our study. A user can bring
a file: it comes from anywhere, so it is filled in Jinja's sandbox, as a model's own chat template is, and whatever goes
wrong in it is told as a fault of that file.
"""

import hashlib
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from semoe.errors import UsageError
from semoe.files import read_text
from semoe.prompts.exemplars import Exemplar
from semoe.registry import Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A user turn, and the words that the assistant's turn is made to begin with."""

    user: str
    primed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """How a question is asked and how an answer is written."""

    name: str
    """That of a shipped one, or the path of a user's file."""
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
        """Fills the template; `passages` come best first.

        Raises:
            UsageError: the template cannot be filled, or has no place for the worked examples.
        """
        source = self.cot if cot else self.direct
        used = _variables(source)
        if cot and exemplars and "exemplars" not in used:
            raise UsageError(
                f"{self.name} never uses `exemplars`, so the worked examples of a chain of thought would not be seen. "
                "Show them in it, or leave out --with_cot (`main`: fewshot).",
                kind="broken-template",
            )
        if passages and "passages" not in used:
            _warn_of_passages(self.name)
        ordered = list(reversed(passages)) if self.best_last else list(passages)
        values = {"question": one_question_mark(question), "passages": ordered, "exemplars": exemplars}
        user = _filled(self.name, source, values)
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
    """Returns a shipped template, or the `published` one with the text of a user's Jinja file.

    Raises:
        UsageError: unknown name, a broken file, or one that never uses `question`: it would ask nothing.
    """
    if not name_or_path.endswith(".jinja"):
        return templates[name_or_path]
    text = read_text(Path(name_or_path))
    try:
        _compiled(text)
        used = _variables(text)
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"{name_or_path}, line {error.lineno}: {error.message}.", kind="broken-template") from error
    except Exception as error:
        raise _broken(name_or_path, error) from error
    if "question" not in used:
        raise UsageError(
            f"{name_or_path} never uses `question`, so it would ask nothing. Write {{{{ question }}}} where the "
            "question shall stand.",
            kind="broken-template",
        )
    base = templates["published"]
    fields = {name: getattr(base, name) for name in Template.__slots__}
    return Template(**(fields | {"name": name_or_path, "direct": text, "cot": text}))


def one_question_mark(question: str) -> str:
    """Ends a question with exactly one question mark, without a space before it."""
    return question.strip().rstrip("?").rstrip() + "?"


@lru_cache
def _environment() -> jinja2.Environment:
    # Prompts are plain text for a tokenizer: HTML escaping would corrupt them.
    return ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=False, autoescape=False
    )


@lru_cache
def _compiled(source: str) -> jinja2.Template:
    return _environment().from_string(source)


@lru_cache
def _variables(source: str) -> frozenset[str]:
    """Returns the names that a template takes from outside."""
    return frozenset(meta.find_undeclared_variables(_environment().parse(source)))


def _filled(name: str, source: str, values: Mapping[str, Any]) -> str:
    """Fills a template.

    Raises:
        UsageError: whatever went wrong within it.
    """
    try:
        return _compiled(source).render(values)
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> UsageError:
    """Builds the error of a template that failed; Jinja gives a traceback's lines as those of the template."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    where = f"{name}, line {lines[-1]}" if lines else name
    words = str(error).rstrip(".") if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: {error}"
    return UsageError(
        f"{where}: the prompt template cannot be filled ({words}). It has `question`, `passages` and, with worked "
        "examples, `exemplars`, and may reach nothing else.",
        kind="broken-template",
    )


@lru_cache
def _warn_of_passages(name: str) -> None:
    """Says it once: a recipe may mean it, since experts can bring what passages say."""
    log.warning("%s never uses `passages`: the model sees no passage in its prompts.", name)


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
