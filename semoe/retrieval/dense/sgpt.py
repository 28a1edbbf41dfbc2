"""SGPT's encoders: a decoder's last states, weighted by their positions, of texts between brackets.

    N texts   T tokens   D dimensions

Queries stand between square brackets, passages between braces, so that the model tells them apart. A later token has
seen more, so it counts more: Σ t · state_t / Σ t. Vectors are of length 1, so products are cosines; the published code
divides by the passage's length alone, which ranks the same.

Source: SGPT (arXiv 2202.08904), `specb` and `weightedmean`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.retrieval.dense.encoder import Vectors, halving, loaded, whole_numbers

QUERY = "[", "]"
PASSAGE = "{", "}"


class SgptEncoder:
    """An `Encoder` through transformers."""

    def __init__(self, name: str) -> None:
        """Loads it.

        Args:
            name: a folder, or a name on the Hugging Face hub, such as that of SGPT-1.3B.

        Raises:
            UsageError: transformers is not installed, or there is no such model.
        """
        library = _transformers()
        self._tokenizer: Any = loaded(name, lambda: library.AutoTokenizer.from_pretrained(name))
        self._model: Any = loaded(name, lambda: library.AutoModel.from_pretrained(name)).eval()
        self._name = name
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.to(self._device)
        known = (self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", None))
        self._longest = min(one for one in known if one) - len(QUERY)

    @property
    def size(self) -> int:
        """D."""
        return int(self._model.config.hidden_size)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        return self._encoded(texts, QUERY)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        return self._encoded(texts, PASSAGE)

    def _encoded(self, texts: Sequence[str], brackets: tuple[str, str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.size), np.float32)
        ids = [self._ids(text, brackets) for text in texts]
        # Those of like lengths together, so that little of a batch is padding.
        order = sorted(range(len(ids)), key=lambda one: len(ids[one]))
        vectors_ND = np.zeros((len(ids), self.size), np.float32)
        vectors_ND[order] = halving(lambda batch: self._in_batches([ids[one] for one in order], batch))
        return whole_numbers(vectors_ND, texts, self._name)

    def _ids(self, text: str, brackets: tuple[str, str]) -> list[int]:
        first, last = (self._tokenizer.encode(one, add_special_tokens=False)[0] for one in brackets)
        own = self._tokenizer.encode(text, add_special_tokens=False)[: self._longest]
        return [first, *own, last]

    @torch.inference_mode()
    def _in_batches(self, ids: Sequence[Sequence[int]], batch: int) -> Vectors:
        parts = [self._states_mean(ids[at : at + batch]) for at in range(0, len(ids), batch)]
        found: Vectors = torch.cat(parts).cpu().numpy()
        return found

    def _states_mean(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Returns the vectors of some texts, [N, D], of length 1."""
        longest = max(map(len, ids))
        # What stands behind a text no token of it sees, and its weight is 0.
        tokens_NT = torch.tensor([[*own, *[0] * (longest - len(own))] for own in ids], device=self._device)
        lengths_N = torch.tensor([len(own) for own in ids], device=self._device)
        positions_T = torch.arange(1, longest + 1, device=self._device)
        real_NT = positions_T <= lengths_N[:, None]
        states_NTD = self._model(input_ids=tokens_NT, attention_mask=real_NT.long()).last_hidden_state.float()
        weights_NT1 = (positions_T * real_NT)[:, :, None].float()
        mean_ND = (states_NTD * weights_NT1).sum(1) / weights_NT1.sum(1)
        return torch.nn.functional.normalize(mean_ND)


def _transformers() -> Any:
    try:
        import transformers  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "SGPT needs the package transformers, which is not installed. Run: pip install 'semoe[dense]'.",
            kind="missing-package",
        ) from error
    return transformers
