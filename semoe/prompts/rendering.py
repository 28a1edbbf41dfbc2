"""From a prompt to token ids: what a model is asked with, and what an expert is trained on.

Ids come straight from the chat template, so no second BOS slips in. A prompt and the words that its answer is made to
begin with are tokenised as one text, and what an expert learns to write gets the ids that it has behind those words:
tokenizers may put a space before a text of its own, which the model would never write there. A primed word never ends
in a space: in byte-level BPE that space would be a token which training never shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from semoe.prompts.exemplars import Exemplar
from semoe.prompts.template import Template


class ChatTokenizer(Protocol):
    """What prompts need of a tokenizer."""

    @property
    def end_token(self) -> str:
        """The text of the token that ends a turn."""
        ...

    def encode_after(self, before: str, text: str) -> list[int]:
        """Returns the ids of a text as it runs on behind another."""
        ...

    def chat(self, messages: Sequence[dict[str, str]], opening: str = "") -> list[int]:
        """Returns the ids of a conversation up to the assistant's next turn, and of the words that it begins with."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingSequence:
    """Token ids of one sequence; `loss_from` is the first token of the answer."""

    tokens: tuple[int, ...]
    loss_from: int


def prompt_ids(
    tokenizer: ChatTokenizer,
    template: Template,
    question: str,
    passages: Sequence[str] = (),
    *,
    exemplars: Sequence[Exemplar] = (),
    cot: bool = False,
) -> list[int]:
    """Returns the ids that the model continues; `passages` come best first."""
    prompt = template.render(question, passages, exemplars=exemplars, cot=cot)
    return tokenizer.chat([{"role": "user", "content": prompt.user}], prompt.primed)


def training_sequence(
    tokenizer: ChatTokenizer,
    template: Template,
    question: str,
    answer: str,
    passages: Sequence[str] = (),
    *,
    exemplars: Sequence[Exemplar] = (),
    cot: bool = False,
) -> TrainingSequence:
    """Returns the ids of a question with its answer."""
    asked = prompt_ids(tokenizer, template, question, passages, exemplars=exemplars, cot=cot)
    target = tokenizer.encode_after(
        template.primed_cot if cot else template.primed_direct,
        template.target(answer, end_token=tokenizer.end_token),
    )
    return TrainingSequence(tuple(asked + target), len(asked))
