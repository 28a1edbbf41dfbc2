"""Writes every WorkflowTemplate into `manifests/workflows/`, or says which file differs: `make manifests`, `check-`."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from hera.workflows import WorkflowTemplate

CONCEPTS = (
    "vectors", "index", "retrieve", "augment", "encode", "inference", "reproduce", "experiment", "corpus", "doctor",
)  # fmt: skip
FOLDER = Path("manifests/workflows")
CHART = Path("helm/workers/workflows")
"""A link to `FOLDER`; where the sources were unpacked from a package, a folder with copies, which are held equal."""


def main(arguments: list[str]) -> int:
    """Renders; with `--check` only compares. Returns the exit code."""
    folders = [FOLDER, CHART] if CHART.is_dir() and not CHART.is_symlink() else [FOLDER]
    texts = {f"{concept}.yaml": rendered(concept) for concept in CONCEPTS}
    wanted = {folder / name: text for folder in folders for name, text in texts.items()}
    if "--check" in arguments:
        stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        stale += sorted({path for folder in folders for path in folder.glob("*.yaml")} - set(wanted))
        for path in stale:
            sys.stderr.write(f"{path} is not what pipelines/ renders: run make manifests\n")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text)
    return 0


def rendered(concept: str) -> str:
    """Returns a WorkflowTemplate as YAML."""
    return yaml.safe_dump(as_dict(import_module(f"pipelines.{concept}").workflow), sort_keys=False, width=120)


def as_dict(workflow: WorkflowTemplate) -> dict[str, Any]:
    """Returns a WorkflowTemplate as Kubernetes would take it."""
    made: dict[str, Any] = workflow.to_dict()
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
