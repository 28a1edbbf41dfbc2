"""`semoe main -c` on a configuration as they were published."""

import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from tests.demo import DEMO


def write_config(folder: Path, **changed: Any) -> Path:
    config = {
        "model_name_or_path": "smollm2", "method": "single-retrieval", "dataset": "popqa",
        "fewshot": 0, "sample": 2,
        "data_path": str(DEMO / "popqa"), "output_dir": str(folder / "r"), "generate_max_length": 4,
        "retriever": "BM25", "es_index_name": "wiki", "retrieve_topk": 3,
    }  # fmt: skip
    path = folder / "config.json"
    path.write_text(json.dumps(config | changed))
    return path


def test_a_published_config_runs_and_opens_no_store_that_it_has_no_use_for(journey: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, store="gs://a/store/that/is/none")
    assert run(["main", "-c", str(config), "--index_dir", str(journey / "index")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "r" / "0" / "output.jsonl").read_text().splitlines()]
    assert [len(line["rel_psgs"]) for line in lines] == [3, 3]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"method": "tokn"}, "Did you mean 'token'"),
        ({"method": "token", "query_formulation": "real_words"}, "makes no sense"),
        ({"inference_method": "pragg"}, "Did you mean 'prag'"),
        ({"inference_method": "prag", "store": "gs://a/store"}, "gs://"),
        ({"retrieve_topkk": 3}, "Did you mean 'retrieve_topk'"),
    ],
)
def test_a_mistake_in_a_published_config_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], words: str
) -> None:
    assert run(["main", "-c", str(write_config(tmp_path, **changed))]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
