"""How large a step is, and the few sizes in which steps are captured."""

from typing import NamedTuple

BLOCK_ROWS = 2
"""Rows of a prompt that share one reading of its experts' numbers."""
STEP = 64
"""Sizes of rows above it are its multiples; those below are powers of two."""
LEAST = 16
"""The smallest size of prompts."""


class Shape(NamedTuple):
    """Of one step."""

    num_going: int
    """B: rows that go on by a token."""
    num_tokens: int = 0
    """P: tokens of the prompts that begin."""
    num_prompts: int = 0
    """S."""
    longest: int = 0
    """Tokens of the longest of these prompts."""

    @property
    def num_rows(self) -> int:
        """T."""
        return self.num_going + self.num_tokens

    @property
    def num_blocks(self) -> int:
        """Blocks of rows, none of which holds rows of two prompts: at most so many."""
        return self.num_tokens // BLOCK_ROWS + self.num_prompts

    def padded(self, max_rows: int, few_tokens: int) -> "Shape":
        """Returns the size in which such a step is captured.

        Steps with prompts have few sizes, so that real work meets a size again: capturing one takes as long as many
        steps. How many prompts there are, and how long the longest, only says how many programs find nothing to do.

        Args:
            max_rows: of the engine.
            few_tokens: so many tokens of prompts, and twice as many, take no time that counts.
        """
        if not self.num_tokens:
            return Shape(size_of(self.num_going))
        num_going = min(_power(self.num_going), size_of(max_rows))
        return Shape(
            num_going,
            max(LEAST, _power(self.num_tokens)) if self.num_tokens <= few_tokens else _quarters(self.num_tokens),
            _power_of_four(self.num_prompts),
            max(LEAST, _power_of_four(self.longest)),
        )


def size_of(num_rows: int) -> int:
    """Returns the size of a step for so many rows that go on."""
    return _power(num_rows) if num_rows <= STEP else -(-num_rows // STEP) * STEP


def _power(number: int) -> int:
    """The next power of two."""
    return 1 << (number - 1).bit_length()


def _power_of_four(number: int) -> int:
    """The next power of four."""
    return 1 << ((number - 1).bit_length() + 1) // 2 * 2


def _quarters(number: int) -> int:
    """The next of four sizes between two powers of two; so of a large one at most a quarter is left empty."""
    step = max(LEAST, _power(number) // 8)
    return -(-number // step) * step
