"""What passages do to a question's request: into the prompt, as experts, or both, as the inference method says.

Called by `answer` for answers in one go, and by the switching loop. Knows prompts, merge rules and the expert store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from semoe.datasets.keys import passage_key
from semoe.generation.merge import merge_rules
from semoe.generation.request import Request
from semoe.generation.switching.requests import Prepared
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.retrieval.passage import Passage, Retrieved
from semoe.stages.recipe import Recipe
from semoe.store.opened import Experts

MakeExperts = Callable[[Sequence[Passage]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestMaker:
    """Makes requests for one model and one space of experts."""

    model: Model
    recipe: Recipe
    experts: Experts | None = None
    """Those of the space; None for answers that load none."""
    shows_passages: bool
    """Whether passages stand in the prompt."""
    merge: str
    exemplars: Sequence[Exemplar] = ()
    """Worked examples of the prompt; with them it asks for a chain of thought."""
    missing: str = "skip"
    """A passage without an expert: `icl`, `skip` or `train`; see SwitchSettings."""
    make_experts: MakeExperts | None = None
    """Trains and publishes the experts of passages; for `train`."""
    _bare: dict[str, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Prompts without passages by question: with each switch of experts alone the same one is asked for again."""

    def key(self, hit: Retrieved) -> str:
        """Returns the key of a passage's expert."""
        return passage_key(hit.passage.title, hit.passage.text)

    def prefetch(self, found: Sequence[Retrieved]) -> None:
        """Begins to load the experts of passages; with `train` makes first those that are not there."""
        if self.experts is None:
            return
        lacking = {self.key(hit): hit.passage for hit in found if self.key(hit) not in self.experts}
        if lacking and self.missing == "train" and self.make_experts:
            self.make_experts(list(lacking.values()))
        # Waited for here, in the retrieving thread: the decoding one then finds them in memory.
        self.experts.prefetch([self.key(hit) for hit in found], wait=True)

    def request(self, question: str, passages: Sequence[Retrieved], accepted: Sequence[int], length: int) -> Prepared:
        """Makes a request that goes on from the accepted tokens."""
        return self.request_with([self.key(hit) for hit in passages], question, passages, accepted, length)

    def request_with(
        self,
        keys: Sequence[str],
        question: str,
        passages: Sequence[Retrieved],
        accepted: Sequence[int],
        length: int,
    ) -> Prepared:
        """The same with the experts of these keys, one for each passage: a control gives other passages' keys."""
        loaded = self._experts(keys, passages)
        missing = frozenset(keys) - {key for key, _, _ in loaded}
        without = [hit for hit, key in zip(passages, keys, strict=False) if self.experts is not None and key in missing]
        shown = list(passages) if self.shows_passages else without if self.missing == "icl" else []
        prompt, dropped = self._prompt(question, shown, accepted, length)
        room = max(0, self.model.decoder.config.context - len(prompt))
        request = Request(
            prompt=tuple(prompt),
            experts=tuple(expert for _, expert, _ in loaded),
            weights=tuple(weight for _, _, weight in loaded),
            keys=tuple(f"{self._space} {key}" for key, _, _ in loaded),
            max_new_tokens=min(length, room),
        ) if room > 0 else None  # fmt: skip
        names = tuple(key for key, _, _ in loaded)
        return Prepared(
            request=request,
            experts=names,
            missing=missing,
            dropped_passages=dropped,
            cut_tokens=max(0, length - room),
            num_tokens=len(prompt),
        )

    @property
    def _space(self) -> str:
        """An engine may meet experts of several spaces; the same passage has one in each."""
        return self.experts.space if self.experts else ""

    def _experts(self, keys: Sequence[str], passages: Sequence[Retrieved]) -> list[tuple[str, Tensor, float]]:
        """Returns key, expert and merge weight of each passage that has an expert."""
        if self.experts is None or not passages:
            return []
        weights = merge_rules[self.merge]([hit.score for hit in passages])
        found = [(key, self.experts.get(key), weight) for key, weight in zip(keys, weights, strict=False)]
        return [(key, expert, weight) for key, expert, weight in found if expert is not None]

    def _prompt(
        self, question: str, shown: Sequence[Retrieved], accepted: Sequence[int], length: int
    ) -> tuple[list[int], int]:
        """Returns the prompt's ids, and how many passages were left out so that it fits, the last-ranked first."""
        context = self.model.decoder.config.context
        for kept in range(len(shown), -1, -1):
            ids = [*self._asked(question, shown[:kept]), *accepted]
            if len(ids) + length <= context:
                break
        return ids, len(shown) - kept

    def _asked(self, question: str, shown: Sequence[Retrieved]) -> list[int]:
        if shown:
            return self._tokens(question, shown)
        if question not in self._bare:
            self._bare[question] = self._tokens(question, ())
        return self._bare[question]

    def _tokens(self, question: str, shown: Sequence[Retrieved]) -> list[int]:
        template = load_template(self.recipe.preset.answering.template)
        texts = [_text(hit, with_title=template.shows_title) for hit in shown]
        return prompt_ids(
            self.model.tokenizer, template, question, texts, exemplars=self.exemplars, cot=bool(self.exemplars)
        )


def _text(hit: Retrieved, *, with_title: bool) -> str:
    """The published prompt shows the text alone; ours puts the title before a text that does not open with it."""
    title = hit.passage.title
    text = hit.passage.text
    return text if not with_title or not title or text.startswith(title) else f"{title}\n{text}"
