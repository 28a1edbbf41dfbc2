"""Encoders by name."""

from semoe.retrieval.dense import SGPT
from semoe.retrieval.dense.encoder import Encoder, SentenceEncoder


def open_encoder(name: str) -> Encoder:
    """Loads an encoder.

    Args:
        name: of a sentence encoder, or `sgpt:` and that of a decoder.

    Raises:
        UsageError: a package is missing, or there is no such encoder.
    """
    if not name.startswith(SGPT):
        return SentenceEncoder(name)
    from semoe.retrieval.dense.sgpt import SgptEncoder  # noqa: PLC0415  (torch and transformers)

    return SgptEncoder(name.removeprefix(SGPT))
