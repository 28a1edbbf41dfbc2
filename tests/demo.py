"""The demo's data, and a recipe for tests that look at the way and not at how well experts answer."""

from importlib import resources
from pathlib import Path

DEMO = Path(str(resources.files("semoe"))) / "demo_data"
PASSAGES = DEMO / "passages.tsv"


def quick(num_steps: int = 2) -> str:
    """The text of a recipe that trains for a moment."""
    return f"""
[training]
num_steps = {num_steps}
batch_size = 2
loss = "answer"
reduction = "sequence"
learning_rate = 0.003
"""
