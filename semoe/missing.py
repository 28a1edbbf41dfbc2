"""A package that is not installed, by its own name, and what brings it: an extra of ours, or the package alone."""

import sys
from importlib import util

from semoe.errors import UsageError

EXTRAS = {
    "boto3": "s3",
    "botocore": "s3",
    "s3transfer": "s3",
    "pyarrow": "parquet",
    "elasticsearch": "elasticsearch",
    "elastic_transport": "elasticsearch",
    "kubernetes": "cluster",
    "spacy": "parse",
    "en_core_web_sm": "parse",
    "faiss": "dense",
    "sentence_transformers": "dense",
    "matplotlib": "plots",
    "pynvml": "gpu",
    "triton": "gpu",
    "transformers": "demo",
    "accelerate": "demo",
    "gguf": "demo",
}
"""The extra of each package that is imported, and of some that those import."""
NAMES = {"faiss": "faiss-cpu", "sentence_transformers": "sentence-transformers"}
"""Of packages that are imported by another name than they are installed by."""


def missing_package(error: ModuleNotFoundError) -> UsageError | None:
    """Returns what to tell of an import that found nothing; None where it is a fault of ours or of Python's."""
    name = (error.name or "").partition(".")[0]
    if not name or name == "semoe" or name in sys.stdlib_module_names or name in sys.modules:
        return None
    return _lacks("This", name)


def require_package(name: str, what: str = "This") -> None:
    """Makes sure that a package is there, before what takes long is done.

    Args:
        name: as it is imported.
        what: needs it.

    Raises:
        UsageError: it is not installed.
    """
    if util.find_spec(name) is None:
        raise _lacks(what, name)


def _lacks(what: str, name: str) -> UsageError:
    extra = EXTRAS.get(name)
    cure = f"'semoe[{extra}]'" if extra else name.replace("_", "-")
    return UsageError(
        f"{what} needs the package {NAMES.get(name, name)}, which is not installed. Run: pip install {cure}.",
        kind="missing-package",
    )
