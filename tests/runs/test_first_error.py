"""Of several errors the first is told: what broke the work, not what then could not be written down."""

from pathlib import Path

import pytest
import torch

from semoe.errors import TransientError, UsageError, WorkerError
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.models.config import ModelConfig
from semoe.runs.folder import RunFolder
from semoe.runs.local import LocalBackend
from semoe.runs.shard import run_shard
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord
from tests.small_run import planned


class Refusing(FolderObjects):
    """A folder that takes nothing whose name has one of these words in it."""

    words: tuple[str, ...] = ()

    def put(self, name: str, *data: bytes) -> None:
        if any(word in name for word in self.words):
            raise TransientError(f"{name} cannot be written", kind="s3-unreachable")
        super().put(name, *data)


def test_a_store_that_takes_no_word_hides_no_error(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    broken = tmp_path / "store" / "runs" / "r" / "plan.json"
    broken.write_text(broken.read_text().replace(f"{small_root}/tiny", f"{small_root}/gone"))
    objects = Refusing(tmp_path / "store")
    objects.words = ("/progress/", "/logs/", "/failures/")
    with pytest.raises(UsageError, match="gone"):
        run_shard(RunFolder(objects, folder.run), "encode", 0)


def test_a_shard_whose_last_words_are_lost_is_done_all_the_same(
    small_root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class RefusingOnceDone(Refusing):
        def put(self, name: str, *data: bytes) -> None:
            super().put(name, *data)
            if "/shards/" in name:
                self.words = ("/progress/", "/logs/")

    folder = planned(small_root, tmp_path, shards=1)
    report = run_shard(RunFolder(RefusingOnceDone(tmp_path / "store"), folder.run), "augment", 0)
    assert folder.find_report("augment", 0) == report
    assert "heartbeat" in caplog.text


def test_experts_that_cannot_be_published_hide_no_error(tmp_path: Path) -> None:
    config = ModelConfig(
        model_type="llama", vocab_size=4, hidden_size=4, intermediate_size=4, num_hidden_layers=1,
        max_position_embeddings=8, num_attention_heads=1, num_key_value_heads=1, head_dim=4, rms_norm_eps=1e-5,
        rope_theta=1e4,
    )  # fmt: skip
    layout, objects = ExpertLayout(config, LoraSettings()), Refusing(tmp_path / "store")
    objects.words = (".pack",)
    record = ExpertRecord(key="ab" * 32, space="s", title="t", num_tokens=1, loss=0.5, learnt="x")

    def publish(error: Exception | None) -> None:
        with Producer(ExpertStore(objects, "space"), layout, run="r") as producer:
            producer.add(torch.ones(layout.size), record)
            if error:
                raise error

    with pytest.raises(ValueError, match="the first"):
        publish(ValueError("the first"))
    with pytest.raises(TransientError, match="pack cannot be written"):
        publish(None)


def test_a_local_run_tells_what_its_worker_left_in_the_store(small_root: Path, tmp_path: Path) -> None:
    folder, processes = planned(small_root, tmp_path, shards=1), list[object]()
    run_shard(folder, "augment", 0)
    folder.objects.put("runs/r/augmented/00000/00000.json", b"[1")
    with pytest.raises(WorkerError, match=r"encode shard 0, attempt 1, ended with 1: .*00000\.json is damaged") as told:
        LocalBackend(folder=folder, on_start=processes.append).run()
    assert told.value.kind == "corrupt-run"
    assert len(processes) == 1
