"""A run in the store: every object of it by name and type.

    runs/{run}/plan.json                      settings and question shards; written last of what makes a plan
    runs/{run}/estimate.json                  what the plan is reckoned to take
    runs/{run}/questions/{shard}.json         questions
    runs/{run}/retrieved/{shard}.json         the same with their passages
    runs/{run}/manifest.json                  passage shards; written last of what makes a manifest
    runs/{run}/passages/{shard}.json          distinct passages
    runs/{run}/keys.bin                       the key of each distinct passage, 32 bytes each
    runs/{run}/augmented/{shard}/{part}.json  passages with rewrite and pairs
    runs/{run}/state.json                     which experts all its answers read
    runs/{run}/answers/{method}/{shard}/{part}.json
    runs/{run}/progress/{stage}/{shard}.json  how far a worker is
    runs/{run}/failures/{stage}/{shard}-{worker}.json   why an attempt ended badly
    runs/{run}/ranges/{shard}.json            of a corpus: from where to where a shard read it
    runs/{run}/aside/{key}.json               a passage that its shard went on without
    runs/{run}/shards/{stage}/{shard}.json    a finished shard's report
    runs/{run}/logs/{stage}/{shard}-{worker}.log
    runs/{run}/report.json, metrics.json      of a finished run
    runs/{run}/outcome.json                   how far it was when something last ended, finished or not
    runs/{run}/reproduction/{name}            the report of an experiment

What is read is checked against its type. See docs/store-format.md.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from semoe.datasets.augmented import AugmentedPassage, Task
from semoe.errors import CorruptError, UsageError
from semoe.runs.plan import VERSION, Manifest, Plan
from semoe.runs.records import Failure, Heartbeat, SetAside, ShardReport
from semoe.store.objects import MissingObjectError, Objects, check_name
from semoe.store.spaces import run_names

T = TypeVar("T")


class RunFolder:
    """Reads and writes the objects of one run."""

    def __init__(self, objects: Objects, run: str) -> None:
        self.objects = objects
        self.run = run
        self._root = check_name(f"runs/{run}")

    def plan(self) -> Plan:
        """Returns the plan.

        Raises:
            UsageError: there is no such run, or a later version of the program planned it.
        """
        found = self.find("plan.json", Plan)
        if found is None:
            there = ", ".join(run_names(self.objects)) or "none"
            raise UsageError(
                f"No run {self.run!r} in {self.objects.url}. There are: {there}. Make one with `semoe plan`.",
                kind="no-run",
            )
        if found.version > VERSION:
            raise UsageError(
                f"Run {self.run} was planned by a later version of SEMOE (its plan is of version {found.version}). "
                "Install that one.",
                kind="unknown-version",
            )
        return found

    def manifest(self) -> Manifest | None:
        """Returns the manifest, or None before retrieval is done."""
        return self.find("manifest.json", Manifest)

    def settled_manifest(self) -> Manifest:
        """Returns the manifest.

        Raises:
            UsageError: retrieval is not done.
        """
        found = self.manifest()
        if found is None:
            raise UsageError(
                f"Run {self.run} has no manifest yet: passages are known after retrieval. Make the plan again.",
                kind="no-manifest",
            )
        return found

    def questions(self, shard: int) -> list[Task]:
        """Returns the questions of a shard."""
        return self.read(f"questions/{shard:05}.json", list[Task])

    def retrieved(self, shard: int) -> list[Task]:
        """Returns the questions of a shard with their passages."""
        return self.read(f"retrieved/{shard:05}.json", list[Task])

    def passages(self, shard: int) -> list[AugmentedPassage]:
        """Returns the passages of a shard."""
        return self.read(f"passages/{shard:05}.json", list[AugmentedPassage])

    def keys(self) -> list[str]:
        """Returns the keys of the run's distinct passages, in order of the manifest."""
        names = [f"keys/{name}" for name in self.names("keys/")] or ["keys.bin"]
        data = b"".join(self.objects.get(f"{self._root}/{name}") for name in names)
        return list(dict.fromkeys(data[at : at + 32].hex() for at in range(0, len(data), 32)))

    def write_keys(self, keys: Sequence[str], shard: int | None = None) -> None:
        """Writes `keys.bin`, or of a shard of a corpus `keys/{shard}.bin`."""
        name = "keys.bin" if shard is None else f"keys/{shard:05}.bin"
        self.objects.put(f"{self._root}/{name}", b"".join(map(bytes.fromhex, keys)))

    def remove(self, *prefixes: str) -> None:
        """Removes what lies below some prefixes."""
        for prefix in prefixes:
            for name in self.names(prefix):
                self.objects.delete(f"{self._root}/{prefix}{name}")

    def find_report(self, stage: str, shard: int) -> ShardReport | None:
        """Returns the report of a shard, or None for one that is not finished."""
        return self.find(f"shards/{stage}/{shard:05}.json", ShardReport)

    def write_report(self, report: ShardReport) -> None:
        """Marks a shard as finished."""
        self.write(f"shards/{report.stage}/{report.shard:05}.json", report, ShardReport)

    def finished(self, stage: str) -> list[int]:
        """Returns the shards that have a report."""
        return self.shards_in(f"shards/{stage}/")

    def shards_in(self, prefix: str) -> list[int]:
        """Lists the shards that have an object there; a file that others left is none."""
        numbers = [name.partition(".")[0] for name in self.names(prefix)]
        return [int(number) for number in numbers if number.isdecimal()]

    def find_heartbeat(self, stage: str, shard: int) -> Heartbeat | None:
        """Returns how far a shard is, or None for one that never began."""
        return self.find(f"progress/{stage}/{shard:05}.json", Heartbeat)

    def write_heartbeat(self, stage: str, shard: int, heartbeat: Heartbeat) -> None:
        """Tells how far a shard is."""
        self.write(f"progress/{stage}/{shard:05}.json", heartbeat, Heartbeat)

    def failures(self, stage: str) -> list[Failure]:
        """Returns the failed attempts at a stage's shards that are not finished since, the oldest first."""
        finished = set(self.finished(stage))
        found = (self.read(f"failures/{stage}/{name}", Failure) for name in self.names(f"failures/{stage}/"))
        return sorted((one for one in found if one.shard not in finished), key=lambda one: one.time)

    def write_failure(self, failure: Failure) -> None:
        """Keeps why an attempt ended badly."""
        self.write(f"failures/{failure.stage}/{failure.shard:05}-{failure.worker}.json", failure, Failure)

    def set_aside(self, passage: SetAside) -> None:
        """Keeps which passage a shard goes on without, and why."""
        self.write(f"aside/{passage.key}.json", passage, SetAside)

    def aside(self) -> list[SetAside]:
        """Returns the passages that shards went on without."""
        return [self.read(f"aside/{name}", SetAside) for name in self.names("aside/")]

    def write_log(self, stage: str, shard: int, worker: str, text: str) -> None:
        """Keeps what a worker said."""
        self.objects.put(f"{self._root}/logs/{stage}/{shard:05}-{worker}.log", text.encode())

    def write_page(self, name: str, data: bytes) -> None:
        """Keeps a page of the run's reproduction, for people who have the store alone."""
        self.objects.put(f"{self._root}/reproduction/{name}", data)

    def names(self, prefix: str) -> list[str]:
        """Lists objects of the run, their names without the prefix."""
        whole = f"{self._root}/{prefix}"
        return [found.name.removeprefix(whole) for found in self.objects.list(whole)]

    def read_text(self, name: str) -> str:
        """Reads an object as text."""
        return self.objects.get(f"{self._root}/{name}").decode(errors="replace")

    def read(self, name: str, kind: type[T]) -> T:
        """Reads an object.

        Raises:
            MissingObjectError: it is not there.
            CorruptError: it is not of this type.
        """
        data = self.objects.get(f"{self._root}/{name}")
        try:
            found: T = _adapter(kind).validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            raise CorruptError(
                f"{self.objects.url}/{self._root}/{name} is damaged: {first['loc']}, {first['msg']}.",
                kind="corrupt-run",
            ) from error
        return found

    def read_all(self, prefix: str, kind: type[list[T]]) -> list[T]:
        """Reads what all objects below a prefix hold, in order of their names."""
        return [one for name in self.names(prefix) for one in self.read(f"{prefix}{name}", kind)]

    def find(self, name: str, kind: type[T]) -> T | None:
        """Reads an object, or returns None where there is none."""
        try:
            return self.read(name, kind)
        except MissingObjectError:
            return None

    def write(self, name: str, value: T, kind: type[T]) -> None:
        """Writes an object; one of that name is replaced."""
        self.objects.put(f"{self._root}/{name}", _adapter(kind).dump_json(value))

    def create(self, name: str, value: T, kind: type[T]) -> bool:
        """Writes an object only where there is none."""
        return self.objects.create(f"{self._root}/{name}", _adapter(kind).dump_json(value))


@cache
def _cached_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return _cached_adapter(kind)
