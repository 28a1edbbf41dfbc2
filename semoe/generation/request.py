"""What is asked of the engine, and what it gives back. Token ids only, no text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    # Records of token ids are read by verbs that need no tensor: they should not wait for torch.
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt with its own experts.

    Raises:
        UsageError: no prompt, no room for an answer, or weights or keys that are not one an expert.

    Example:
        >>> import semoe
        >>> semoe.Request(prompt=(1, 2, 3), max_new_tokens=5).weights is None
        True
    """

    prompt: tuple[int, ...]
    experts: "tuple[Tensor, ...]" = ()
    """Flat vectors [N]; any number, also none."""
    weights: tuple[float, ...] | None = None
    """One weight an expert; None: 1 each."""
    keys: tuple[str, ...] = ()
    """What tells each expert from all others, so that the device keeps it; empty: it is told by its identity."""
    max_new_tokens: int = 20
    wants_entropy: bool = False
    """Whether the answer tells how unsure the model was of each token."""
    wants_attention: bool = False
    """Whether it tells how much later tokens looked at each token, in the last layer."""

    def __post_init__(self) -> None:
        if not self.prompt or self.max_new_tokens < 1:
            raise UsageError("A request needs a prompt and max_new_tokens of 1 or more.", kind="bad-value")
        if self.weights is not None and len(self.weights) != len(self.experts):
            raise UsageError(
                f"{counted(len(self.experts), 'expert')} but {counted(len(self.weights), 'merge weight')}.",
                kind="bad-value",
            )
        if self.keys and len(self.keys) != len(self.experts):
            raise UsageError(
                f"{counted(len(self.experts), 'expert')} but {counted(len(self.keys), 'key')}.", kind="bad-value"
            )

    def key(self, number: int) -> str | None:
        """Returns what tells an expert from all others; None: its identity."""
        return self.keys[number] if self.keys else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was generated."""

    tokens: tuple[int, ...]
    """Without the end token."""
    logprobs: tuple[float, ...]
    """Natural logarithm of each token's probability."""
    finish: Literal["eos", "length"]
    entropies: tuple[float, ...] = ()
    """Of the distribution that each token was taken from, in nats; empty unless asked for."""
    attention: tuple[float, ...] = ()
    """For each token the most that any token from it on looked at it, mean over heads; empty unless asked for."""
