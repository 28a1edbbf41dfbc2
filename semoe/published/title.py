"""What answers are of, in words: dataset, type, model and method, from where they lie and what stands beside them."""

from pathlib import Path

from semoe.errors import UsageError
from semoe.files import read_json
from semoe.published.finished import OUTPUTS

_BELOW_MODEL = 7
"""Folders of `output/{model}/rank=…/{dataset}/lr=…/aug_model=…/{method}/{type}`, the model's and those below it."""


def title_of(path: Path) -> str:
    """Returns a title for a file of answers; the file's path where nothing tells more."""
    folders = path.resolve().parent.parts[-_BELOW_MODEL:]
    if len(folders) == _BELOW_MODEL and folders[4].startswith("aug_model="):
        model, _, dataset, _, _, method, data_type = folders
        return f"{dataset}, {data_type} · {model} · {method}"
    return (_of_main(path.parent / "config.json") if path.name in OUTPUTS else "") or str(path)


def _of_main(beside: Path) -> str:
    try:
        config = read_json(beside)
        model = Path(config["model_name_or_path"]).name
        return f"{config['dataset']} · {model} · {config['method']}-{config.get('inference_method', 'icl')}"
    except (UsageError, KeyError, TypeError, AttributeError):
        return ""  # `evaluate` says what is wrong with it: a title is no reason to refuse a page
