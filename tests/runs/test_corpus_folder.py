"""A run over a corpus of several files, each written in its own way: each passage is read once, and has its expert."""

from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.retrieval.dpr import read_passages
from semoe.runs.folder import RunFolder
from semoe.runs.manifest import items_of
from semoe.runs.shard import run_shard
from semoe.store.objects import FolderObjects
from tests.demo import PASSAGES
from tests.stages.corpora import WAYS, write


def test_each_passage_of_a_mixed_folder_is_trained_once(small_root: Path, tmp_path: Path) -> None:
    passages = list(read_passages(PASSAGES))[: 4 * len(WAYS)]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, way in enumerate(WAYS):
        write(corpus / f"{number}.{way}", passages[4 * number : 4 * number + 4], group=2)
    store = str(tmp_path / "store")
    assert run([
        "plan", "--run", "wiki", "--store", store, "--corpus", str(corpus), "--model_name", str(small_root / "tiny"),
        "--preset", str(small_root / "quick.toml"), "--shards", "5",
    ]) == 0  # fmt: skip
    folder = RunFolder(FolderObjects(Path(store)), "wiki")
    for stage in ("retrieve", "encode"):
        shards = range(len(items_of(folder, stage)))
        assert len(shards) > 3
        for shard in shards:
            run_shard(folder, stage, shard)
    assert set(folder.keys()) == {passage_key(one.title, one.text) for one in passages}
    write(corpus / "9.jsonl", passages[:1])
    folder.remove("shards/encode/00000.json")
    with pytest.raises(UsageError, match=r"has got 9\.jsonl"):
        run_shard(folder, "encode", 0)
