"""SEMOE: one small LoRA expert per passage, trained in bulk and swapped while an answer is being written.

What stands in `__all__` is public, and docs/python.md explains it. Each name loads what it needs when it is first asked
for: importing the package loads nothing. What their types are, `__init__.pyi` says to editors and type checkers.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_PLACES = {
    "Asker": "semoe.stages.asking",
    "Doubt": "semoe.generation.switching.method",
    "Draft": "semoe.generation.switching.draft",
    "Engine": "semoe.generation.engine",
    "InferenceSettings": "semoe.stages.inference_settings",
    "OneGo": "semoe.generation.switching.method",
    "Passage": "semoe.retrieval.passage",
    "Recipe": "semoe.stages.recipe",
    "Request": "semoe.generation.request",
    "RetrievalConfig": "semoe.retrieval.retriever",
    "SwitchSettings": "semoe.generation.switching.settings",
    "index_passages": "semoe.stages.teaching",
    "load_model": "semoe.models.model",
    "methods": "semoe.generation.switching.methods",
    "open_retriever": "semoe.retrieval.retrievers",
    "open_store": "semoe.store.objects:open_objects",
    "read_report": "semoe.runs.report",
    "score": "semoe.evaluation.scores",
    "train_experts": "semoe.stages.teaching",
}
"""Where each public name stands: a module, and behind a colon what it is called there, where that is another name."""
__all__ = ["__version__", *_PLACES]  # noqa: PLE0604  (names all)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'semoe' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = globals()[name] = getattr(import_module(module), attribute or name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
