"""SEMOE: one small LoRA expert per passage, trained in bulk and swapped while an answer is being written."""

__version__ = "0.1.0"
