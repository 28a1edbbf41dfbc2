"""Prompts that begin in a step, packed one behind the other, each with the candidates that are tried behind it.

The last token of each is left out: it goes on as the newest tokens of other rows do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from semoe.generation.running import Running


@dataclass(frozen=True, slots=True)
class Beginning:
    """Of P packed tokens."""

    slots: list[int]
    """Of the rows."""
    texts: list[tuple[int, ...]]
    """Prompts and candidates, without the last token of each; none is empty."""
    prompt_lengths: list[int]
    """Tokens of the prompts alone, the last one included."""

    @property
    def lengths(self) -> list[int]:
        """Packed tokens of each."""
        return [len(text) for text in self.texts]

    @property
    def tokens(self) -> list[int]:
        """All of them."""
        return [token for text in self.texts for token in text]

    def sequence_lengths(self) -> Tensor:
        """Returns how long the sequence of each packed token is, [P].

        A prompt is computed as a whole. A candidate is computed as if it had been written: it is its sequence's last.
        """
        own = [torch.arange(1, n + 1).clamp(min=m) for n, m in zip(self.lengths, self.prompt_lengths, strict=True)]
        return torch.cat(own) if own else torch.empty(0, dtype=torch.long)

    def before_candidates(self) -> Iterator[tuple[int, range]]:
        """Yields of each slot the packed places behind which its candidates, one after the other, would be written."""
        ends = accumulate(self.lengths)
        for slot, end, length, prompt in zip(self.slots, ends, self.lengths, self.prompt_lengths, strict=True):
            yield slot, range(end - length + prompt - 1, end)


def beginning_of(rows: Sequence[Running], first: int) -> Beginning:
    """Returns what begins in the slots from the first on; a row of a single token has nothing to compute before it."""
    packed = [(slot, (*row.ids, *row.tried)[:-1], len(row.ids)) for slot, row in enumerate(rows[first:], first)]
    packed = [one for one in packed if one[1]]
    return Beginning([slot for slot, _, _ in packed], [text for _, text, _ in packed], [n for _, _, n in packed])
