"""One step's rows: B that go on by a token, and behind them the prompts that begin, each without its last token.

A prompt's last token is the row's newest one: it goes on like any other, so prompts need no logits, and in the last
layer nothing but their keys and values. All tables of a step are one array on their way to the device. A step that is
larger than its rows (`shape.py`) has a spare slot in the place of others, and prompts without tokens.

    T = B + P rows   P prompt tokens   S prompts   K blocks of their rows
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from semoe.experts.fused.tables import blocks_of
from semoe.experts.packing import Numbers
from semoe.generation.fused.shape import BLOCK_ROWS, Shape
from semoe.kernels.heads import Sequences
from semoe.kernels.prompts import Prompts
from semoe.kernels.residual import RowBlocks

ALIGNED = 4
"""Numbers of 32 bits."""


@dataclass(frozen=True)
class Going:
    """Rows that go on by a token."""

    slots_B: Tensor

    @cached_property
    def blocks(self) -> RowBlocks:
        """A block a row."""
        first_B = torch.arange(len(self.slots_B), dtype=torch.int32, device=self.slots_B.device)
        return RowBlocks(first_B, first_B + 1, self.slots_B, 1)

    def __len__(self) -> int:
        return len(self.slots_B)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Prompts that begin, packed one behind the other."""

    tokens_P: Tensor
    slots_P: Tensor
    positions_P: Tensor
    prompts: Prompts
    blocks: RowBlocks

    def __len__(self) -> int:
        return len(self.tokens_P)

    @property
    def sequences(self) -> Sequences:
        """The prompts as attention wants them."""
        return Sequences(self.prompts.first_S, self.prompts.end_S, self.prompts.longest)


class NewRow(NamedTuple):
    """A row that begins in this step."""

    ids: Sequence[int]
    """Its prompt without the last token; not empty."""
    slot: int


def shape_of(num_going: int, new: Sequence[NewRow]) -> Shape:
    """Returns the size of a step as it is."""
    lengths = [len(row.ids) for row in new]
    return Shape(num_going, sum(lengths), len(new), max(lengths, default=0))


def numbers_of(shape: Shape, slots: Sequence[int], new: Sequence[NewRow], spare: int) -> Numbers:
    """Lays a step's tables one behind the other.

    Args:
        shape: of the step, or larger.
        slots: of the rows that go on.
        new: rows that begin.
        spare: the slot of rows that nobody uses.
    """
    lengths_S = np.array([len(row.ids) for row in new], dtype=np.int64)
    slots_S = np.array([row.slot for row in new], dtype=np.int64)
    ends_S = lengths_S.cumsum()
    end = int(lengths_S.sum())
    first_K, end_K, prompt_K = blocks_of(np.concatenate([[0], ends_S]), BLOCK_ROWS)
    tables: tuple[tuple[Iterable[int], int], ...] = (
        (slots, spare),
        ([token for row in new for token in row.ids], 0),
        (slots_S.repeat(lengths_S), spare),
        (np.arange(end) - (ends_S - lengths_S).repeat(lengths_S), 0),
        (ends_S - lengths_S, end),
        (ends_S, end),
        (slots_S, spare),
        (first_K, end),
        (end_K, end),
        (slots_S[prompt_K], spare),
    )
    return np.concatenate(
        [_filled(table, size, rest) for (table, rest), size in zip(tables, _sizes(shape), strict=True)]
    )


def batch_of(numbers: Tensor, shape: Shape) -> tuple[Going, Beginning | None]:
    """Returns the rows of a step, whose tables lie on the device as `numbers_of` lays them."""
    sizes = _sizes(shape)
    places = numbers.split([_aligned(size) for size in sizes])
    slots_B, tokens_P, slots_P, positions_P, *others = (place[:size] for place, size in zip(places, sizes, strict=True))
    if not shape.num_tokens:
        return Going(slots_B), None
    first_S, end_S, slot_S, first_K, end_K, slot_K = others
    prompts = Prompts(first_S, end_S, slot_S, shape.longest)
    blocks = RowBlocks(first_K, end_K, slot_K, BLOCK_ROWS)
    return Going(slots_B), Beginning(tokens_P, slots_P, positions_P, prompts, blocks)


def _sizes(shape: Shape) -> list[int]:
    tokens, prompts, blocks = shape.num_tokens, shape.num_prompts, shape.num_blocks
    return [shape.num_going, tokens, tokens, tokens, prompts, prompts, prompts, blocks, blocks, blocks]


def _aligned(size: int) -> int:
    """Triton compiles a kernel anew for a table that does not begin at a multiple of 16 bytes."""
    return -(-size // ALIGNED) * ALIGNED


def _filled(table: Iterable[int], size: int, rest: int) -> Numbers:
    """Returns a table with `rest` behind its own numbers."""
    found = np.full(_aligned(size), rest, dtype=np.int32)
    own = np.array(table, dtype=np.int32)
    found[: len(own)] = own
    return found
