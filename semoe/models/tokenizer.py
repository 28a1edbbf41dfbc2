"""The tokenizer of a model folder: text to ids, ids to text, and the chat template."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from semoe.errors import UsageError

PINNED_DATE = "26 Jul 2024"
"""Some templates print today's date; a pinned one keeps experts and answers the same tomorrow."""


class Tokenizer:
    """A thin face of transformers' fast tokenizer."""

    def __init__(self, folder: Path, eos_ids: Sequence[int] = ()) -> None:
        from transformers import AutoTokenizer  # noqa: PLC0415  (seconds to import)

        try:
            self._inner: Any = AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} holds no usable tokenizer ({error}).", kind="model-tokenizer") from error
        own = self._inner.eos_token_id
        self.eos_ids = frozenset([*eos_ids, *([own] if own is not None else [])])

    @cached_property
    def end_token(self) -> str:
        """The text of the token that ends a turn."""
        return str(self._inner.eos_token)

    def encode(self, text: str) -> list[int]:
        """Tokenises text without adding special tokens."""
        return list(self._inner(text, add_special_tokens=False)["input_ids"])

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without special tokens."""
        return str(self._inner.decode(list(ids), skip_special_tokens=True))

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Returns the span of characters of each token of `text`."""
        spans = self._inner(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        return [(int(start), int(end)) for start, end in spans]

    def chat(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """Returns the ids of a conversation up to the assistant's next turn, straight from the chat template.

        Raises:
            UsageError: the model has no chat template.
        """
        if not self._inner.chat_template:
            raise UsageError("This model has no chat template; use its instruct variant.", kind="model-tokenizer")
        text = self._inner.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=False, date_string=PINNED_DATE
        )
        return self.encode(text)
