from pathlib import Path

import pytest

from semoe.augment import contract
from semoe.experts.preset import load_preset
from semoe.published.augment import augment
from semoe.published.retrieve import retrieve
from semoe.published.settings import StageSettings
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from tests.demo import DEMO, PASSAGES


def test_new_rules_make_the_file_anew_and_the_same_rules_leave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(read_passages(PASSAGES), tmp_path / "index")
    settings = StageSettings(root=tmp_path, model_name="m", dataset="popqa", preset=load_preset("semoe"), sample=1)
    retrieve(Bm25Retriever(tmp_path / "index"), settings, DEMO / "popqa", topk=2)
    path = settings.augmented_folder / "total.json"
    augment(settings, topk=2)
    written = path.stat().st_mtime_ns
    augment(settings, topk=2)
    assert path.stat().st_mtime_ns == written, "work that is done is left alone"
    monkeypatch.setattr(contract, "RULES_VERSION", contract.RULES_VERSION + 1)
    augment(settings, topk=2)
    assert path.stat().st_mtime_ns > written
