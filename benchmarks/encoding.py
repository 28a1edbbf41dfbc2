"""How fast an encoder is made use of, on whichever device it is."""

from collections.abc import Sequence

import torch

from benchmarks.timing import best_seconds
from semoe.retrieval.dense.encoder import SentenceEncoder
from semoe.retrieval.passage import Passage
from semoe.retrieval.passage_file import searched


def encoding(encoder: SentenceEncoder, passages: Sequence[Passage]) -> None:
    """Text to vector, beside the encoder alone on ready-made ids, sorted by length, in batches of the same size."""
    model = encoder._model
    texts = sorted((searched(passage) for passage in passages), key=len)
    features = [model.preprocess(texts[first : first + 64]) for first in range(0, len(texts), 64)]
    ready = [
        {name: value.to(model.device) for name, value in one.items() if isinstance(value, torch.Tensor)}
        for one in features
    ]

    def alone() -> None:
        with torch.inference_mode():
            for one in ready:
                model(one)
        if model.device.type == "cuda":
            torch.cuda.synchronize()

    ours, theirs = best_seconds(lambda: encoder.passages(texts), 2), best_seconds(alone, 2)
    print(f"encoding: {len(texts) / ours:.0f} passages a second, {theirs / ours:.2f} of the encoder's own rate")
