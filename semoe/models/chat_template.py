"""Chat templates of Hugging Face models: Jinja in a sandbox, with the few names that such templates may use.

The environment is the one that model authors write for (transformers' documentation, "Chat templates"); rendering
equals transformers' (`tests/models/test_tokenizer.py`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from semoe.errors import UsageError

PINNED_DATE = datetime(2024, 7, 26)
"""Some templates print today's date; a pinned one keeps experts and answers the same tomorrow."""


class _Generation(Extension):
    """`{% generation %}` marks the assistant's words for training; for a prompt it changes nothing."""

    tags = {"generation"}  # noqa: RUF012  (as Jinja declares it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: Jinja text.
        special: special tokens by name: `bos_token`, `eos_token`, …
    """

    def __init__(self, source: str, special: Mapping[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        environment.filters["tojson"] = _tojson
        environment.globals |= {"raise_exception": _refuse, "strftime_now": PINNED_DATE.strftime}
        self._template = environment.from_string(source)
        self._special = dict(special)

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Returns a conversation up to the assistant's next turn.

        Raises:
            UsageError: the template refuses these messages.
        """
        date = PINNED_DATE.strftime("%d %b %Y")
        try:
            return self._template.render(
                messages=messages,
                add_generation_prompt=True,
                tools=None,
                documents=None,
                date_string=date,
                **self._special,
            )
        except TemplateError as error:
            raise UsageError(
                f"The model's chat template refuses this prompt: {error}.", kind="chat-template"
            ) from error


def _tojson(value: Any, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, **options)


def _refuse(message: str) -> Callable[..., None]:
    raise TemplateError(message)
