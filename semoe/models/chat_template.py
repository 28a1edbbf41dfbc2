"""Chat templates of Hugging Face models: Jinja in a sandbox, with the few names that such templates may use.

The environment is the one that model authors write for (transformers' documentation, "Chat templates"); rendering
equals transformers' (`tests/models/test_chat_template.py`).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from semoe.errors import UsageError

PINNED_DATE = datetime(2024, 7, 26)
"""Some templates print today's date; a pinned one keeps experts and answers the same tomorrow."""
THINKING = ("enable_thinking", "thinking")
"""Arguments by which templates are told whether the model shall think before it answers."""
_OPEN_THOUGHT = re.compile(r"([<\[])(think|thinking|thought|reasoning)([>\]])\s*\Z", re.IGNORECASE)


class _Generation(Extension):
    """`{% generation %}` marks the assistant's words for training; for a prompt it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  (as Jinja declares it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(Namespace):
    """Jinja's namespace without names that begin with an underscore, by which a stranger's template could reach out."""

    def __init__(*args: Any, **values: Any) -> None:  # `self` stays free as the name of a value
        self, *pairs = args
        Namespace.__init__(self)
        for name, value in dict(*pairs, **values).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"the namespace gets a name with an underscore in front, {name!r}")
        super().__setitem__(name, value)


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: Jinja text.
        special: special tokens by name: `bos_token`, `eos_token`, …
        arguments: further values by name. Unless one of THINKING says otherwise, the model is not to think.

    Raises:
        UsageError: the text is no template.
    """

    def __init__(self, source: str, special: Mapping[str, str], arguments: Mapping[str, Any] | None = None) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _tojson
        environment.globals |= {
            "raise_exception": _refuse,
            "strftime_now": PINNED_DATE.strftime,
            "namespace": _Namespace,
        }
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise UsageError(f"The model's chat template is broken: {error}.", kind="chat-template") from error
        self._source = source
        self._values = {**special, **dict.fromkeys(THINKING, False), **(arguments or {})}

    @property
    def thinks(self) -> bool:
        """Whether the model is asked to think."""
        return any(bool(self._values[name]) for name in THINKING)

    @property
    def may_think(self) -> bool:
        """Whether the template is one of a model that thinks."""
        return any(word in self._source for word in (*THINKING, "<think", "[THINK"))

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Returns a conversation up to the place where the assistant's answer begins.

        Templates of models that always think end with an opened thought; it is closed, so that an answer is learnt and
        written where an answer stands.

        Raises:
            UsageError: the template refuses these messages, or fails.
        """
        values = {"tools": None, "documents": None, "date_string": PINNED_DATE.strftime("%d %b %Y"), **self._values}
        try:
            text = self._template.render(messages=messages, add_generation_prompt=True, **values)
        except TemplateError as error:
            raise UsageError(
                f"The model's chat template refuses this prompt: {error}.", kind="chat-template"
            ) from error
        except Exception as error:  # a template is a program of strangers: it may fail in any way
            raise UsageError(
                f"The model's chat template fails ({type(error).__name__}: {error}). Use the template that the model "
                "came with, or give its arguments with --template_args.",
                kind="chat-template",
            ) from error
        return text if self.thinks else _with_closed_thought(text)


def _with_closed_thought(text: str) -> str:
    found = _OPEN_THOUGHT.search(text)
    return f"{text.rstrip()}\n\n{found[1]}/{found[2]}{found[3]}\n\n" if found else text


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: str) -> Callable[..., None]:
    raise TemplateError(message)
