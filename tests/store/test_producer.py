"""When experts on their way are committed: by time, by size, at the end, and never a pack that took too long."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
import torch

from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings
from semoe.store.blob import from_bytes, to_bytes
from semoe.store.expert_store import UPLOADS, ExpertStore, fresh_token
from semoe.store.objects import FolderObjects
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord
from semoe.store.times import GRACE_SECONDS, MIN_GRACE_SECONDS, PUBLISH_SECONDS
from semoe.store.upkeep import garbage
from tests.generation.switching.rigged import CONFIG
from tests.store.blobs import blob, whole
from tests.store.objects.wrapped import Wrapped

LAYOUT = ExpertLayout(CONFIG, LoraSettings(rank=1, alpha=1))


class Clock:
    """Stands still until a test moves it."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    for module in ("producer", "expert_store", "ledger"):
        monkeypatch.setattr(f"semoe.store.{module}.time", SimpleNamespace(monotonic=found.monotonic))
    return found


def key(number: int) -> str:
    return f"{number:02x}" * 32


def add(producer: Producer, numbers: Sequence[int]) -> None:
    for number in numbers:
        record = ExpertRecord(key=key(number), space="s", title=f"T{number}", num_tokens=number, loss=0.5, learnt="l")
        producer.add(torch.full((LAYOUT.size,), float(number)), record)
    producer.wait()


def visible(objects: FolderObjects) -> list[int]:
    """The experts that a reader who opens the store now finds."""
    store = ExpertStore(objects, "s")
    return [number for number in range(20) if key(number) in store]


def test_what_is_pending_is_committed_once_its_first_is_old(tmp_path: Path, clock: Clock) -> None:
    objects = FolderObjects(tmp_path)
    with Producer(ExpertStore(objects, "s"), LAYOUT, run="r", commit_seconds=60.0) as producer:
        add(producer, [1])
        clock.now += 40
        add(producer, [2])
        assert visible(objects) == []
        clock.now += 21
        add(producer, [3])
        assert visible(objects) == [1, 2, 3]
        # The time begins anew with the next one, however long none came.
        clock.now += 500
        add(producer, [4])
        assert visible(objects) == [1, 2, 3]
        clock.now += 61
        add(producer, [5])
        assert visible(objects) == [1, 2, 3, 4, 5]
    assert producer.num_published == 5


def test_what_is_pending_is_committed_once_it_fills_a_pack(tmp_path: Path, clock: Clock) -> None:
    store = ExpertStore(FolderObjects(tmp_path), "s")
    with Producer(store, LAYOUT, run="r") as one:
        add(one, [0])
    size = one.num_bytes
    with Producer(store, LAYOUT, run="r", shard=1, pack_bytes=2 * size) as producer:
        add(producer, [1])
        assert len(store) == 1
        add(producer, [2])
        assert len(store) == 3
        add(producer, [3])
        assert len(store) == 3
    assert (len(store), producer.num_published, producer.num_bytes) == (4, 3, 3 * size)
    data = store.get(key(3))
    assert data is not None
    assert from_bytes(LAYOUT, data).unique().tolist() == [3.0]
    assert {(entry.title, entry.num_tokens, entry.loss) for entry in store.entries()} == {
        (f"T{number}", number, 0.5) for number in range(4)
    }


class Held(Wrapped):
    """Takes nothing before it is let go."""

    def __init__(self, inner: FolderObjects) -> None:
        super().__init__(inner)
        self.asked, self.go = Event(), Event()

    def put(self, name: str, *data: bytes) -> None:
        self.asked.set()
        assert self.go.wait(timeout=20)
        super().put(name, *data)


def test_packs_are_committed_together_while_more_experts_wait(tmp_path: Path) -> None:
    objects = Held(FolderObjects(tmp_path))
    store = ExpertStore(objects, "s")
    size = len(to_bytes(LAYOUT, torch.zeros(LAYOUT.size), ExpertRecord(key=key(1), space="s").to_json()))
    with Producer(store, LAYOUT, run="r", pack_bytes=size) as producer:
        for number in range(1, UPLOADS + 3):
            producer.add(torch.zeros(LAYOUT.size), ExpertRecord(key=key(number), space="s"))
            assert objects.asked.wait(timeout=20)
        objects.go.set()
    commits = [store.ledger.commit(found.name) for found in objects.list(store.names.commits)]
    assert sorted(len(commit.segments) for commit in commits) == [1, 1, UPLOADS]
    assert producer.num_published == len(store) == UPLOADS + 2


def test_what_is_pending_is_committed_when_the_work_breaks_off(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)

    def break_off() -> None:
        with Producer(ExpertStore(objects, "s"), LAYOUT, run="r") as producer:
            add(producer, [1])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert visible(objects) == [1]


class Unwritable(ExpertRecord):
    """Its bytes cannot be made."""

    def to_json(self) -> dict[str, object]:
        raise MemoryError("no room for an expert")


def test_an_expert_that_cannot_be_taken_is_never_lost_in_silence(tmp_path: Path) -> None:
    """Also the last one, after which nothing asks; what came before it is published."""
    objects = FolderObjects(tmp_path)

    def lose_one() -> None:
        with Producer(ExpertStore(objects, "s"), LAYOUT, run="r") as producer:
            add(producer, [1])
            producer.add(torch.zeros(LAYOUT.size), Unwritable(key=key(2), space="s"))

    with pytest.raises(MemoryError, match="no room"):
        lose_one()
    assert visible(objects) == [1]


class RefusesOnce(Wrapped):
    """The first object is not taken."""

    refused = False

    def put(self, name: str, *data: bytes) -> None:
        if not self.refused:
            self.refused = True
            raise OSError("busy")
        super().put(name, *data)


def test_what_was_refused_once_is_published_when_it_is_asked_for(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    with Producer(ExpertStore(RefusesOnce(objects), "s"), LAYOUT, run="r", pack_bytes=1) as producer:
        for number in (1, 2):
            record = ExpertRecord(key=key(number), space="s")
            producer._work.put(lambda record=record: producer._take(torch.zeros(LAYOUT.size), record))  # type: ignore[misc]
        producer.flush()
        assert visible(objects) == [1, 2]
    assert producer.num_published == 2


def test_what_is_refused_is_an_error_of_the_next_expert(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    with Producer(ExpertStore(RefusesOnce(objects), "s"), LAYOUT, run="r", pack_bytes=1) as producer:
        with pytest.raises(OSError, match="busy"):
            add(producer, [1])
        with pytest.raises(OSError, match="busy"):
            add(producer, [2])
    assert visible(objects) == [1]


def test_what_others_published_meanwhile_is_not_counted_as_published(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    with (
        Producer(ExpertStore(objects, "s"), LAYOUT, run="r") as mine,
        Producer(ExpertStore(objects, "s"), LAYOUT, run="r") as other,
    ):
        add(mine, [1, 2])
        add(other, [1])
        other.flush()
        mine.flush()
        mine.flush()
    assert (other.num_published, mine.num_published) == (1, 1)


class SlowOnce(Wrapped):
    """The first pack takes its time to get there."""

    def __init__(self, inner: FolderObjects, clock: Clock, seconds: float) -> None:
        super().__init__(inner)
        self.clock, self.seconds = clock, seconds

    def put(self, name: str, *data: bytes) -> None:
        super().put(name, *data)
        if name.endswith(".pack"):
            self.clock.now, self.seconds = self.clock.now + self.seconds, 0.0


@pytest.mark.parametrize(("seconds", "packs"), [(PUBLISH_SECONDS - 1, 1), (PUBLISH_SECONDS, 2)])
def test_a_pack_that_took_too_long_is_never_committed(tmp_path: Path, clock: Clock, seconds: float, packs: int) -> None:
    """It may be old enough for somebody to be collecting it as garbage: it is written anew under another name."""
    objects = FolderObjects(tmp_path)
    store, blobs = ExpertStore(SlowOnce(objects, clock, seconds), "s"), [blob(1), blob(2)]
    assert store.publish(blobs, run="r", shard=0, token="t") == 2
    written = [found.name for found in objects.list("spaces/s/segments/") if found.name.endswith(".pack")]
    assert len(written) == packs
    reader = ExpertStore(objects, "s")
    assert len(reader.catalog.segments) == 1
    list(map(objects.delete, [found.name for found in garbage(reader, -3600)]))
    assert whole(ExpertStore(objects, "s"), blobs)


def test_garbage_is_never_collected_before_a_producer_would_give_its_pack_up() -> None:
    assert PUBLISH_SECONDS < MIN_GRACE_SECONDS <= GRACE_SECONDS


def test_commits_of_others_are_looked_for_once_they_may_be_old(tmp_path: Path, clock: Clock) -> None:
    """Beyond `max_age` a producer knows what other shards published, and does not publish it again."""
    objects = FolderObjects(tmp_path)
    store = ExpertStore(objects, "s", max_age=100)
    ExpertStore(objects, "s").publish([blob(1)], run="r", shard=1, token="other")
    ExpertStore(objects, "s").publish([blob(2)], run="r", shard=1, token="other")
    assert store.publish([blob(1)], run="r", shard=0, token="t") == 1, "within it the store is not listed again"
    clock.now += 101
    assert store.publish([blob(2), blob(3)], run="r", shard=0, token="t") == 1
    clock.now += 99
    ExpertStore(objects, "s").publish([blob(4)], run="r", shard=1, token="other")
    assert store.publish([blob(4)], run="r", shard=0, token="t") == 1, "a look starts the time anew"


def test_no_two_producers_have_the_same_token() -> None:
    assert len({fresh_token() for _ in range(100)}) == 100
    assert all(fresh_token() for _ in range(3))
