"""The tokenizer of a model folder: text to ids, ids to text, and the chat template.

Straight from `tokenizer.json`, because importing transformers takes seconds that every worker would pay at its start.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers.models import BPE

from semoe.errors import UsageError
from semoe.files import read_text
from semoe.models.chat_template import ChatTemplate
from semoe.models.special_tokens import read_object
from semoe.models.special_tokens import text as text_of
from semoe.models.tokenizer_file import open_tokenizer

log = logging.getLogger(__name__)
_TIDY = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
    (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip
"""What models mean whose configuration asks to tidy spaces after decoding."""
_EVEN_FOR_BPE = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"
"""transformers' option to tidy where it warns against it."""


class Tokenizer:
    """A thin face of the folder's fast tokenizer.

    Args:
        folder: the model's.
        eos_ids: tokens that end an answer, as the model's configuration has them.
        num_embeddings: ids that the model knows, from 0; None: not checked.
        template_arguments: values for the chat template, beside the messages.

    Raises:
        UsageError: the folder holds no usable tokenizer.
    """

    def __init__(
        self,
        folder: Path,
        eos_ids: Sequence[int] = (),
        *,
        num_embeddings: int | None = None,
        template_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        opened = open_tokenizer(folder)
        self._inner = opened.inner
        self._named = opened.tokens.named
        self._folder = folder
        self._config = read_tokenizer_config(folder)
        self._num_embeddings = num_embeddings
        self._arguments = dict(template_arguments or {})
        self._eos_ids = tuple(eos_ids)
        self._changes = opened.changes
        if not self.eos_ids:
            log.warning("the model in %s names no end token: answers go on up to --max_new_tokens", folder)

    @cached_property
    def end_token(self) -> str:
        """The text of the token that ends a turn; empty where the model names none."""
        named = self._named.get("eos_token", "")
        if self._inner.token_to_id(named) is not None:
            return named
        return next((str(self._inner.id_to_token(one)) for one in self._eos_ids if self._inner.id_to_token(one)), "")

    @cached_property
    def eos_ids(self) -> frozenset[int]:
        """Tokens that end an answer: those of the configuration, and the tokenizer's own."""
        own = self._inner.token_to_id(self.end_token) if self.end_token else None
        return frozenset([*self._eos_ids, *([own] if own is not None else [])])

    def encode(self, text: str) -> list[int]:
        """Tokenises text without adding special tokens.

        Raises:
            UsageError: a token has no embedding.
        """
        return self._known(self._inner.encode(text, add_special_tokens=False).ids)

    def encode_after(self, before: str, text: str) -> list[int]:
        """Returns the ids of `text` as it runs on behind `before`.

        Tokenizers that put a space before every text would put one into the midst of a sentence, were its end
        tokenised alone.
        """
        found = self._inner.encode(before + text, add_special_tokens=False)
        first = next((i for i, (_, end) in enumerate(found.offsets) if end > len(before)), len(found.ids))
        if first < len(found.ids) and found.offsets[first][0] < len(before):
            return self.encode(text)  # One token spans both: there is no such place to go on from.
        return self._known(found.ids[first:])

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without special tokens."""
        text = str(self._inner.decode(list(ids), skip_special_tokens=True))
        for wide, tidy in _TIDY if self._tidies else ():
            text = text.replace(wide, tidy)
        return text

    @cached_property
    def _tidies(self) -> bool:
        """Whether spaces before punctuation go, as transformers has it: never where spaces are parts of tokens."""
        wanted = bool(self._config.get("clean_up_tokenization_spaces"))
        return wanted and (not isinstance(self._inner.model, BPE) or bool(self._config.get(_EVEN_FOR_BPE)))

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Returns the span of characters of each token of `text`."""
        return [(int(start), int(end)) for start, end in self._inner.encode(text, add_special_tokens=False).offsets]

    def chat(self, messages: Sequence[Mapping[str, str]], opening: str = "") -> list[int]:
        """Returns the ids of a conversation up to the assistant's next turn, and of the words that it begins with.

        Raises:
            UsageError: the model has no chat template, or it refuses these messages.
        """
        return self.encode(self._template.render(messages) + opening)

    def changes(self) -> dict[str, Any]:
        """Returns what, beside its files' text, decides what this tokenizer does; for the model's digest."""
        changes = dict(self._changes)
        # Once primed words and targets were tokenised alone.
        if any(self.encode_after(before, text) != self.encode(text) for before, text in (("a:", " b"), ("\n", "b"))):
            changes["texts"] = "as they run on"
        if self.end_token != text_of(self._config.get("eos_token")):
            changes["end_token"] = self.end_token
        if self._template_source and self._template.may_think:
            changes["thinking"] = self._template.thinks
        return changes | ({"template_arguments": self._arguments} if self._arguments else {})

    def _known(self, ids: Sequence[int]) -> list[int]:
        highest = max(ids, default=0)
        if self._num_embeddings is not None and highest >= self._num_embeddings:
            token = self._inner.id_to_token(highest)
            raise UsageError(
                f"The tokenizer in {self._folder} has token {token!r} with id {highest}, but the model has "
                f"embeddings for {self._num_embeddings} only. Resize and train its embeddings, or give "
                "the tokenizer that belongs to the model.",
                kind="model-tokenizer",
            )
        return list(ids)

    @cached_property
    def _template_source(self) -> str | None:
        file = self._folder / "chat_template.jinja"
        found = read_text(file) if file.is_file() else self._config.get("chat_template")
        if isinstance(found, list):
            # Several named templates: the one for a plain conversation.
            found = next((one["template"] for one in found if one.get("name") == "default"), None)
        return found if isinstance(found, str) else None

    @cached_property
    def _template(self) -> ChatTemplate:
        if not self._template_source:
            raise UsageError("This model has no chat template; use its instruct variant.", kind="model-tokenizer")
        return ChatTemplate(self._template_source, self._named, self._arguments)


def read_tokenizer_config(folder: Path) -> dict[str, Any]:
    """Reads what counts of `tokenizer_config.json`: special tokens, chat template, tidying.

    The rest tells of the library that wrote the file and of limits that others keep.
    """
    found = read_object(folder / "tokenizer_config.json")
    counts = ("chat_template", "clean_up_tokenization_spaces", _EVEN_FOR_BPE)
    return {name: value for name, value in found.items() if name in counts or name.endswith("_token")}
