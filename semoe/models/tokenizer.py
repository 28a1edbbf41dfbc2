"""The tokenizer of a model folder: text to ids, ids to text, and the chat template.

Straight from `tokenizer.json`, because importing transformers takes seconds that every worker would pay at its start.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

from semoe.errors import UsageError
from semoe.files import read_json
from semoe.models.chat_template import ChatTemplate

_TIDY = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
    (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip
"""What models mean whose configuration asks to tidy spaces after decoding."""


class Tokenizer:
    """A thin face of the folder's fast tokenizer."""

    def __init__(self, folder: Path, eos_ids: Sequence[int] = ()) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise UsageError(
                f"{folder} holds no tokenizer.json. Save the model with a fast tokenizer.", kind="model-tokenizer"
            )
        try:
            self._inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise UsageError(f"{path} is no usable tokenizer ({error}).", kind="model-tokenizer") from error
        self._inner.no_padding()
        self._inner.no_truncation()
        self._folder = folder
        self._config = read_tokenizer_config(folder)
        own = self._inner.token_to_id(self.end_token) if self.end_token else None
        self.eos_ids = frozenset([*eos_ids, *([own] if own is not None else [])])

    @cached_property
    def end_token(self) -> str:
        """The text of the token that ends a turn; empty where the model names none."""
        return _text(self._config.get("eos_token"))

    def encode(self, text: str) -> list[int]:
        """Tokenises text without adding special tokens."""
        return list(self._inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without special tokens."""
        text = str(self._inner.decode(list(ids), skip_special_tokens=True))
        for wide, tidy in _TIDY if self._config.get("clean_up_tokenization_spaces") else ():
            text = text.replace(wide, tidy)
        return text

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Returns the span of characters of each token of `text`."""
        return [(int(start), int(end)) for start, end in self._inner.encode(text, add_special_tokens=False).offsets]

    def chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Returns the ids of a conversation up to the assistant's next turn, straight from the chat template.

        Raises:
            UsageError: the model has no chat template, or it refuses these messages.
        """
        return self.encode(self._template.render(messages))

    @cached_property
    def _template(self) -> ChatTemplate:
        file = self._folder / "chat_template.jinja"
        found = file.read_text(encoding="utf-8") if file.is_file() else self._config.get("chat_template")
        if isinstance(found, list):
            # Several named templates: the one for a plain conversation.
            found = next((one["template"] for one in found if one.get("name") == "default"), None)
        if not found:
            raise UsageError("This model has no chat template; use its instruct variant.", kind="model-tokenizer")
        special = {
            name: _text(value) for name, value in self._config.items() if name.endswith("_token") and _text(value)
        }
        return ChatTemplate(found, special)


def read_tokenizer_config(folder: Path) -> dict[str, Any]:
    """Reads what counts of `tokenizer_config.json`: special tokens, chat template, tidying.

    The rest tells of the library that wrote the file and of limits that others keep.
    """
    path = folder / "tokenizer_config.json"
    found: dict[str, Any] = read_json(path) if path.is_file() else {}
    counts = ("chat_template", "clean_up_tokenization_spaces")
    return {name: value for name, value in found.items() if name in counts or name.endswith("_token")}


def _text(token: Any) -> str:
    """A special token is its text, or a record with it."""
    return str(token.get("content", "") if isinstance(token, dict) else token if isinstance(token, str) else "")
