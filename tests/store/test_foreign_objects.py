"""What web pages, sync tools and Hadoop leave among a store's objects costs nobody an expert. On a real S3 server."""

import pytest

from semoe.errors import UsageError
from semoe.runs.folder import RunFolder
from semoe.store.expert_store import ExpertStore
from semoe.store.objects.s3 import S3Objects
from semoe.store.spaces import run_names, space_names
from semoe.store.upkeep import compact, garbage
from tests.store.blobs import blob, intact, whole

PLACES = ("", "spaces/", "spaces/s/", "spaces/s/commits/", "spaces/s/commits/r/", "spaces/s/segments/",
          "spaces/s/segments/aa/", "spaces/s/snapshots/", "spaces/s/withdrawn/", "spaces/s/barren/", "spaces/s/states/",
          "runs/", "runs/r/shards/encode/")  # fmt: skip
MARKERS = ("", "by hand/", "folder/", "folder_$folder$", ".DS_Store", ".sync/state.json")


@pytest.fixture
def littered(s3_objects: S3Objects) -> S3Objects:
    ExpertStore(s3_objects, "s").publish([blob(1), blob(2)], run="r", shard=0, token="t")
    s3_objects.put("spaces/s/space.json", b"{}")
    s3_objects.put("runs/r/shards/encode/00000.json", b"{}")
    s3_objects.put("runs/r/plan.json", b"{}")
    for place in PLACES:
        for marker in MARKERS:
            if key := f"{s3_objects._prefix}{place}{marker}":
                s3_objects._client.put_object(Bucket=s3_objects._bucket, Key=key, Body=b"")
    for name in ("copy of 1.json", "notes.txt"):
        key = f"{s3_objects._prefix}spaces/s/commits/{name}"
        s3_objects._client.put_object(Bucket=s3_objects._bucket, Key=key, Body=b"x")
    return s3_objects


def test_experts_are_found_verified_and_kept_among_markers(littered: S3Objects) -> None:
    store = ExpertStore(littered, "s")
    assert store.publish([blob(3)], run="r", shard=0, token="u") == 1
    assert whole(store, [blob(1), blob(2), blob(3)])
    assert intact(store)
    assert compact(store)
    assert not garbage(store, grace_seconds=-60)
    assert not store.barren.reasons
    assert RunFolder(littered, "r").finished("encode") == [0]


def test_a_space_or_run_is_one_that_describes_itself(littered: S3Objects) -> None:
    littered.put("spaces/gone/space.json", b"{}")
    littered.put("runs/gone/plan.json", b"{}")
    assert list(space_names(littered)) == ["gone", "s"]
    littered.delete("spaces/gone/space.json")
    littered.delete("runs/gone/plan.json")
    # SeaweedFS lists both folders for some time more.
    assert list(space_names(littered)) == ["s"]
    assert list(run_names(littered)) == ["r"]
    with pytest.raises(UsageError, match=r"There are: r\. Make one"):
        RunFolder(littered, "gone").plan()
