"""docs/published.md: every name that is read has a row, and what it calls refused is refused by name."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from semoe.datasets.loading import loaders
from semoe.errors import UsageError
from semoe.generation.switching.methods import ALIASES, methods
from semoe.generation.switching.queries import formulations
from semoe.models.names import SHORT_NAMES
from semoe.published.main_config import MainConfig, read_main_config

TABLE = (Path(__file__).parents[2] / "docs" / "published.md").read_text(encoding="utf-8")
NEEDED = {"model_name_or_path": "m", "method": "token", "dataset": "popqa", "data_path": "d", "output_dir": "o"}


@pytest.mark.parametrize(
    "names",
    [[one.name for one in fields(MainConfig)], list(methods), list(ALIASES), list(formulations), list(loaders),
     list(SHORT_NAMES)],
    ids=["keys", "methods", "aliases", "formulations", "datasets", "models"],
)  # fmt: skip
def test_every_name_that_is_read_has_its_row(names: list[str]) -> None:
    assert [name for name in names if f"`{name}`" not in TABLE] == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"method": "attn_entropy"}, "Unknown method 'attn_entropy'"),
        ({"method": "token_old"}, "Unknown method 'token_old'"),
        ({"inference_method": "inference_dyprag"}, "Unknown inference_method 'inference_dyprag'"),
        ({"look_ahead_steps": 64}, "look_ahead_steps"),
        ({"method": "single-retrieval", "query_formulation": "real_words"}, "makes no sense"),
    ],
)
def test_what_is_called_refused_is_refused_by_name(tmp_path: Path, changed: dict[str, object], words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(NEEDED | changed))
    with pytest.raises(UsageError, match=words):
        read_main_config(path)


@pytest.mark.parametrize("method", ["dragin", "attn_prob"])
def test_methods_without_direct_take_their_own_where_a_config_says_it(tmp_path: Path, method: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(NEEDED | {"method": method, "query_formulation": "direct"}))
    assert read_main_config(path).switching.query_formulation == "real_words"
