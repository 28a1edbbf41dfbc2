"""A model whose every next-token probability is written down, run by the real engine with real expert slots.

A *path* is a text with the probability of each of its words. Which path is written depends on the word before and on
the sum of the loaded experts' codes, so that loading other experts changes what comes next.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.generation.switching.loop import Switching
from semoe.generation.switching.requests import Prepared
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.models.config import ModelConfig
from semoe.models.sites import Site
from semoe.retrieval.passage import Passage, Retrieved

CONFIG = ModelConfig(
    model_type="llama", vocab_size=1000, hidden_size=1, intermediate_size=1, num_hidden_layers=1,
    max_position_embeddings=200, num_attention_heads=1, num_key_value_heads=1, head_dim=1, rms_norm_eps=1e-6,
    rope_theta=1e4,
)  # fmt: skip
LAYOUT = ExpertLayout(CONFIG, LoraSettings(rank=1, alpha=1, target_modules=("down_proj",)))
EOS, NOISE = 0, 1
NEVER = list(range(900, 1000))
LANGUAGE = Language()


class Words:
    """A tokenizer of whole words; the same word at two places of the paths has two ids."""

    def __init__(self) -> None:
        self.texts = ["", " (noise)"]

    def new(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1

    def encode(self, text: str) -> list[int]:
        return [self.new(word) for word in re.findall(r"\s*\S+", text)]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.texts[i] for i in ids)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [found.span() for found in re.finditer(r"\s*\S+", text)]


class RiggedDecoder:
    config, dtype, device = CONFIG, torch.float32, torch.device("cpu")

    def __init__(self) -> None:
        self.next: dict[tuple[int, int], tuple[int, float]] = {}
        """(sum of codes, token) → (next token, its probability)"""

    def hidden(self, tokens_T: Tensor, positions_T: Tensor, attend, linear, lengths_T: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ones_T11 = torch.ones(len(tokens_T), 1, 1)
        attend(0, ones_T11, ones_T11, ones_T11, None, None)
        code_T1 = linear(Site(0, "down_proj"), torch.ones(len(tokens_T), 1), torch.zeros(1, 1), None)
        return torch.cat([tokens_T[:, None].float(), code_T1], dim=1)

    def logits(self, hidden_TD: Tensor) -> Tensor:
        logits_TV = torch.full((len(hidden_TD), CONFIG.vocab_size), -torch.inf)
        for row, (token, code) in enumerate(hidden_TD.round().int().tolist()):
            following, p = self.next.get((code, token), (EOS, 1.0))
            logits_TV[row, following] = torch.tensor(p).log()
            if p < 1:
                # Spread, so that the written word is always the most probable one.
                logits_TV[row, NEVER] = torch.tensor((1 - p) / len(NEVER)).log()
        return logits_TV


@dataclass
class Rig:
    """Paths, passages, and a switching loop over them."""

    words: Words = field(default_factory=Words)
    decoder: RiggedDecoder = field(default_factory=RiggedDecoder)
    starts: dict[str, int] = field(default_factory=dict)
    index: dict[str, list[Retrieved]] = field(default_factory=dict)
    """Passages by query."""
    queries: list[list[str]] = field(default_factory=list)
    """Every search's queries."""
    without_expert: set[str] = field(default_factory=set)
    shows: bool = False

    def path(self, after: "int | str", text: str, code: int = 0, **sure: float) -> list[int]:
        """Writes a path that follows a question or a token; words have probability 0.99 unless named in `sure`."""
        token = self.starts.setdefault(after, self.words.new(f"<{after}>")) if isinstance(after, str) else after
        ids = []
        for word in re.findall(r"\s*\S+", text):
            p = sure.get(re.sub(r"\W", "", word), 0.99)
            following = self.words.new(word)
            self.decoder.next[code, token] = (following, p)
            ids.append(following)
            token = following
        return ids

    def passage(self, query: str, *names: str) -> None:
        """Makes a query find passages; a passage's number is its expert's code."""
        self.index[query] = [Retrieved(Passage(n, f"text of {n}", n), 1.0, r) for r, n in enumerate(names)]

    # What the loop needs of a retriever.
    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        self.queries.append(list(queries))
        return [self.index.get(query, [])[:k] for query in queries]

    # What the loop needs of an `Requests`.
    def prefetch(self, found: Sequence[Retrieved]) -> None: ...

    def key(self, hit: Retrieved) -> str:
        return f"key {hit.passage.id}"

    def request(self, question: str, passages: Sequence[Retrieved], accepted: Sequence[int], length: int) -> Prepared:
        loaded = [hit for hit in passages if hit.passage.id not in self.without_expert]
        prompt = [NOISE] * (len(passages) if self.shows else 0) + [self.starts[question], *accepted]
        room = CONFIG.context - len(prompt)
        experts = tuple(torch.tensor([1.0, float(hit.passage.id)]) for hit in loaded)
        request = Request(prompt=tuple(prompt), experts=experts, max_new_tokens=min(length, room)) if room > 0 else None
        missing = frozenset(self.key(hit) for hit in passages if hit not in loaded)
        cut = max(0, length - max(0, room))
        experts_of = tuple(map(self.key, loaded))
        return Prepared(request=request, experts=experts_of, missing=missing, cut_tokens=cut, num_tokens=len(prompt))

    def loop(self, max_rows: int = 8, **settings: object) -> Switching:
        engine = Engine(self.decoder, LAYOUT, eos_ids=frozenset([EOS]), max_rows=max_rows)  # type: ignore[arg-type]
        return Switching(
            engine=engine, decoder=self.decoder, tokenizer=self.words, language=LANGUAGE, retriever=self, requests=self,  # type: ignore[arg-type]
            settings=SwitchSettings(**settings),  # type: ignore[arg-type]
        )  # fmt: skip
