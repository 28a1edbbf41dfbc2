"""Whole experts or none, each once, whatever happens to a producer; on a folder and on a real S3 server."""

import os
import signal
import threading
from pathlib import Path

import pytest

from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects, Objects
from tests.store.blobs import blob, intact, whole
from tests.store.objects.wrapped import Wrapped


@pytest.mark.parametrize("step", range(6))
def test_a_producer_killed_at_any_write_leaves_all_or_nothing(tmp_path: Path, step: int) -> None:
    objects, blobs = FolderObjects(tmp_path), [blob(i) for i in range(4)]

    class Killed(Wrapped):
        def act(self) -> None:
            if self.writes == step:
                os.kill(os.getpid(), signal.SIGKILL)
            self.writes += 1

    child = os.fork()
    if child == 0:
        ExpertStore(Killed(objects), "s").publish(blobs, run="r", shard=0, token="first")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    after = ExpertStore(objects, "s")
    committed = step == 5
    assert len(after) == (4 if committed else 0)
    assert after.publish(blobs, run="r", shard=0, token="again") == (0 if committed else 4)
    assert whole(ExpertStore(objects, "s"), blobs)
    assert len(list(objects.list("spaces/s/commits/"))) == 1
    assert intact(after)


def test_racing_producers_of_a_shard_make_each_expert_visible_once(objects: Objects) -> None:
    blobs, made = [blob(i) for i in range(6)], list[int]()
    stores = [ExpertStore(objects, "s") for _ in range(4)]

    def produce(number: int) -> None:
        made.append(stores[number].publish(blobs, run="r", shard=0, token=str(number)))

    threads = [threading.Thread(target=produce, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 6]
    assert whole(ExpertStore(objects, "s"), blobs)


def test_a_producer_that_lost_the_race_publishes_what_the_winner_lacks(objects: Objects) -> None:
    class Beaten(Wrapped):
        def create(self, name: str, data: bytes) -> bool:
            if not self.writes:
                ExpertStore(self._inner, "s").publish([blob(0), blob(1)], run="r", shard=0, token="other")
                self.writes = 1
            return self._inner.create(name, data)

        def put(self, name: str, *data: bytes) -> None:
            self._inner.put(name, *data)

    assert ExpertStore(Beaten(objects), "s").publish([blob(1), blob(2)], run="r", shard=0, token="mine") == 1
    assert whole(ExpertStore(objects, "s"), [blob(i) for i in range(3)])
    assert len(list(objects.list("spaces/s/commits/"))) == 2


def test_a_commit_whose_answer_was_lost_counts_once(objects: Objects) -> None:
    class Lost(Wrapped):
        def create(self, name: str, data: bytes) -> bool:
            self._inner.create(name, data)
            return self._inner.create(name, data)  # what a client's own retry does

    assert ExpertStore(Lost(objects), "s").publish([blob(0)], run="r", shard=0, token="t") == 1
    assert len(list(objects.list("spaces/s/commits/"))) == 1
