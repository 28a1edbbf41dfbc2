"""The ways to answer that are compared: a method, how many passages, and what is chosen about them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from semoe.generation.switching.settings import SwitchSettings
from semoe.stages.inference_settings import InferenceSettings

TEMPLATES = "semoe", "published"
MERGES = "half", "mean", "sum", "score", "top1"
MERGES_OF_ONE = "half", "sum"
"""With one expert the others are the sum."""
MERGES_OF_MANY = "half", "mean"
TOPK = 3
"""Of the table at the preset's settings, and of methods that retrieve while they write."""
HOW = SwitchSettings(query_formulation="forward_all", generate_max_length=64, retrieve_topk=TOPK, missing="train")
LOOKS = replace(HOW, method="dragin", query_formulation="real_words", hallucination_threshold=1.0)
"""Of methods that look at attention: the published query and threshold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One way to answer."""

    method: str
    """`none`, `icl`, `prag` or `combine`."""
    topk: int = 0
    """Passages; 0 for `none`."""
    merge: str = ""
    """How experts are weighted; empty where none are loaded."""
    template: str = "semoe"
    experts: str = "own"
    switching: str = ""
    """A method that retrieves while it writes; empty: in one go."""

    @property
    def label(self) -> str:
        """The method's name, as answers are filed."""
        control = "_random" if self.experts == "random" else ""
        return f"{self.switching}-{self.method}" if self.switching else self.method + control

    @property
    def name(self) -> str:
        """All of it."""
        chosen = "/".join(one for one in (self.merge, "" if self.template == "semoe" else self.template) if one)
        return f"{self.label}@{self.topk}" + (f" {chosen}" if chosen else "")

    @property
    def is_usual(self) -> bool:
        """Whether prompt and weights are the preset's; time and memory do not depend on them."""
        return self.template == "semoe" and self.merge in ("", "half")

    def settings(self) -> InferenceSettings:
        """Returns it as the product has it."""
        how = None
        if self.switching:
            how = replace(LOOKS if self.switching in ("dragin", "attn_prob") else HOW, method=self.switching)
        return InferenceSettings(
            inference_method=self.method, experts=self.experts, merge=self.merge or None, switching=how
        )


def cells(topks: Sequence[int], switching: Sequence[str]) -> list[Cell]:
    """Returns all of them: each method with every number of passages, prompt and weighting, and the controls."""
    found = [Cell(method="none", template=template) for template in TEMPLATES]
    for topk in topks:
        found += [Cell(method="icl", topk=topk, template=template) for template in TEMPLATES]
        found += [
            Cell(method=method, topk=topk, merge=merge, experts=experts)
            for merge in (MERGES_OF_ONE if topk == 1 else MERGES if topk <= TOPK else MERGES_OF_MANY)
            for method in ("prag", "combine")
            for experts in ("own", "random")
        ]
    found += [
        Cell(method=method, topk=TOPK, merge="" if method == "icl" else "half", switching=name)
        for name in switching
        for method in ("icl", "prag", "combine")
    ]
    return found
