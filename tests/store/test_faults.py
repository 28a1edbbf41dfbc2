"""What goes wrong between a producer, a reader and a real S3 server, and what it must not lead to."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.config import Config

from semoe.errors import TransientError
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.objects.s3 import S3Objects
from semoe.store.objects.s3_client import client_config
from semoe.store.upkeep import compact, folded, garbage, remove
from tests.proxy import Fault, proxy
from tests.seaweed import client
from tests.store.blobs import blob, intact, whole

PATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=1,
    request_checksum_calculation="when_required", response_checksum_validation="when_required",
)  # fmt: skip


def first_times(what: str, method: str, part: str, times: int = 1) -> tuple[Fault, Counter[str]]:
    """A fault for the first requests of one kind, and a count of them."""
    seen = Counter[str]()

    def fault(asked: str, path: str) -> str:
        if asked != method or part not in path:
            return ""
        seen[part] += 1
        return what if seen[part] <= times else ""

    return fault, seen


def prefix(request: pytest.FixtureRequest) -> str:
    return f"faults/{abs(hash(request.node.name))}"


def test_a_commit_whose_answer_is_lost_on_the_way_counts_once(
    s3_endpoint: str, bucket: str, request: pytest.FixtureRequest
) -> None:
    fault, seen = first_times("lose", "PUT", "/commits/")
    with proxy(s3_endpoint, fault) as address:
        store = ExpertStore(S3Objects(bucket, prefix(request), client=client(address, config=PATIENT)), "s")
        assert store.publish([blob(0), blob(1)], run="r", shard=0, token="t") == 2
        assert store.publish([blob(0), blob(1)], run="r", shard=0, token="t") == 0
    assert seen["/commits/"] == 2, "the client asked again and met its own commit"
    direct = S3Objects(bucket, prefix(request), client=client(s3_endpoint))
    assert len(list(direct.list("spaces/s/commits/"))) == 1
    assert whole(ExpertStore(direct, "s"), [blob(0), blob(1)])


@pytest.mark.parametrize("what", ["lose", "slow", "cut"])
def test_an_answer_that_is_lost_late_or_short_is_asked_for_again(
    s3_endpoint: str, bucket: str, request: pytest.FixtureRequest, what: str
) -> None:
    direct = S3Objects(bucket, prefix(request), client=client(s3_endpoint))
    ExpertStore(direct, "s").publish([blob(0)], run="r", shard=0, token="t")
    fault, seen = first_times(what, "GET", ".pack", times=2)
    with proxy(s3_endpoint, fault) as address:
        store = ExpertStore(S3Objects(bucket, prefix(request), client=client(address, config=PATIENT)), "s")
        assert store.get(blob(0).key) == blob(0).data
    assert seen[".pack"] == 3


def test_each_of_many_threads_has_a_patience_of_its_own(
    s3_endpoint: str, bucket: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an attempt waits for the next: a server that restarts is away for seconds, not for milliseconds."""
    seen, waits = Counter[str](), list[float]()
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waits.append))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "8")
    direct = S3Objects(bucket, prefix(request), client=client(s3_endpoint))
    names = [f"object-{number}" for number in range(8)]
    for name in names:
        direct.put(name, name.encode())

    def fault(asked: str, path: str) -> str:
        seen[path] += 1
        return "lose" if seen[path] < 8 else ""

    with proxy(s3_endpoint, fault) as address:
        objects = S3Objects(bucket, prefix(request), client=client(address, config=client_config()))
        with ThreadPoolExecutor(len(names)) as pool:
            assert list(pool.map(objects.get, names)) == [name.encode() for name in names]
    assert len(waits) == 7 * len(names)
    assert sum(waits) / len(names) > 20


def test_a_server_that_never_answers_whole_is_transient(
    s3_endpoint: str, bucket: str, request: pytest.FixtureRequest
) -> None:
    direct = S3Objects(bucket, prefix(request), client=client(s3_endpoint))
    ExpertStore(direct, "s").publish([blob(0)], run="r", shard=0, token="t")
    fault, _ = first_times("cut", "GET", ".pack", times=1000)
    with proxy(s3_endpoint, fault) as address:
        store = ExpertStore(S3Objects(bucket, prefix(request), client=client(address, config=PATIENT)), "s")
        with pytest.raises(TransientError):
            store.get(blob(0).key)


def test_a_wrong_clock_of_this_machine_removes_nothing_too_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = FolderObjects(tmp_path)
    objects.put("spaces/s/segments/aa/young.pack", b"a producer is about to commit this")
    store = ExpertStore(objects, "s")
    year = 365 * 86400.0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + year)
    assert garbage(store, grace_seconds=3600) == []


def test_upkeep_beside_readers_and_a_producer_takes_nothing_from_them(tmp_path: Path) -> None:
    """Readers get and refresh without a pause while commits are folded and removed under them."""
    objects, over, failures = FolderObjects(tmp_path), threading.Event(), list[BaseException]()
    producer = ExpertStore(objects, "s", max_age=0)
    producer.publish([blob(0)], run="r", shard=0, token="t")

    def read() -> None:
        store = ExpertStore(objects, "s")
        try:
            while not over.is_set():
                known = len(store)
                store.refresh()
                assert len(store) >= known
                assert whole(store, [blob(i) for i in range(40) if blob(i).key in store])
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    keeper = ExpertStore(objects, "s")
    for number in range(1, 40):
        producer.publish([blob(number)], run="r", shard=0, token="t")
        if number % 3 == 0:
            compact(keeper)
            list(remove(keeper, [*folded(keeper, -3600), *garbage(keeper, -3600)]))
    over.set()
    for reader in readers:
        reader.join()
    assert not failures
    final = ExpertStore(objects, "s")
    assert len(final) == 40
    assert intact(final)
