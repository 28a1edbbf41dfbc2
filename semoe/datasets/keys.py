"""The key of a passage: equal for equal content, whatever its id, its source or its spacing.

Augmentation and experts are made once for each key, so that a passage which occurs for two questions costs
once.
"""

import hashlib
import unicodedata
from functools import lru_cache

KEPT = 8192
"""Keys that are kept with their passages' texts: an answer that retrieves asks for the same ones many times."""


@lru_cache(KEPT)
def passage_key(title: str, text: str) -> str:
    """Returns the SHA-256 (hex) of title and text, NFC-normalised and with runs of white space squeezed."""
    return hashlib.sha256(f"{_normal(title)}\n{_normal(text)}".encode()).hexdigest()


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
