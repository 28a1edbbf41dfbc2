"""An encoder that counts letters, and a corpus for it: as much of a vector as a test needs."""

from collections.abc import Sequence

import numpy as np

from semoe.retrieval.dense.encoder import Vectors
from semoe.retrieval.passage import Passage


class Letters:
    """An `Encoder` that counts letters."""

    def __init__(self, size: int = 26) -> None:
        self.size = size
        self.num_encoded = 0

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Counts them."""
        self.num_encoded += len(texts)
        counts = np.array([[text.lower().count(chr(97 + n)) for n in range(self.size)] for text in texts], np.float32)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)

    queries = passages


def corpus(count: int = 50) -> list[Passage]:
    """Passages of a word each."""
    words = [chr(97 + n % 26) * (1 + n // 26) + "xyz" * (n % 3) for n in range(count)]
    return [Passage(str(n), word, f"T{word}") for n, word in enumerate(words)]
