"""An answer whose second sentence doubts a name: what most tests of the switching loop begin with."""

from tests.generation.switching.rigged import Rig

BORN = "Ada Lovelace was born in Paris."
UNSURE = {"Paris": 0.5, "Ada": 0.5, "Lovelace": 0.5}
"""The words of it that a model doubts which was not sure of them."""


def born(rig: Rig, question: str = "q", p: float = 0.5) -> list[int]:
    """The first sentence is sure, the second doubts a name; another one follows."""
    return rig.path(question, f"She was a writer. {BORN} She wrote notes.", **dict.fromkeys(UNSURE, p))
