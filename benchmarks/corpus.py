"""A corpus that is planned, and read from its beginning: seconds, memory and bytes, by how it is written.

python -m benchmarks.corpus                        200,000 made-up passages, on a disk
python -m benchmarks.corpus --passages 2000000 --s3   as docs/corpus.md has it, and planned from an S3 server, too

Each figure is of a process of its own, so that its memory is no other's.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from semoe.retrieval.passage import Passage
from semoe.runs.corpus import plan_corpus
from semoe.stages.corpus import open_corpus

SHARDS, WORDS, GROUP = 512, 100, 10_000


def main() -> None:
    """Prints a line for each way of writing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200_000)
    parser.add_argument("--s3", action="store_true", help="plan the tab-separated file from a SeaweedFS here, too")
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "PATH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        {"plan": plan, "read": read}[asked.one[0]](asked.one[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in (tsv(Path(folder), asked.passages), *others(Path(folder), asked.passages)):
            print(f"{path.name}: {asked.passages:,} passages, {path.stat().st_size / 1e6:,.0f} MB", flush=True)
            for what in ("plan", "read"):
                alone(what, str(path))
        if asked.s3:
            in_s3(Path(folder) / "corpus.tsv", Path(folder))
    from benchmarks.timing import describe  # noqa: PLC0415  (torch, whose memory is no corpus's)

    print(describe())


def alone(what: str, path: str, **environment: str) -> None:
    """Measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.corpus", "--one", what, path]
    subprocess.run(command, check=True, env=os.environ | environment)


def plan(path: str) -> None:
    """Plans a run over a corpus, without its model."""
    began, before = time.perf_counter(), bytes_read()
    made = plan_corpus(path, num_shards=SHARDS)
    seconds, num_bytes = time.perf_counter() - began, bytes_read() - before
    total = sum(made.num_passages)
    told(f"planned in {len(made.bounds) - 1} shards, about {total:,} passages ± {made.error:.1%}", seconds)
    if "://" not in path:
        print(f"    {num_bytes:,} bytes read, {num_bytes / made.file.size:.3%} of it", flush=True)


def read(path: str) -> None:
    """Reads a corpus from its beginning, as `index` does."""
    began = time.perf_counter()
    count = sum(1 for _ in open_corpus(path).passages())
    told(f"read, {count:,} passages", time.perf_counter() - began)


def told(what: str, seconds: float) -> None:
    """Prints a figure, and the memory of this process at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {what}: {seconds:.2f} s, peak {peak:.0f} MiB", flush=True)


def bytes_read() -> int:
    """Returns the bytes that this process has read, by whichever call."""
    return int(Path("/proc/self/io").read_text().split()[1])


def made_up(count: int) -> Iterator[Passage]:
    """Yields passages of a hundred words, of a fourth of which a text has quotes."""
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5000)]
    for number in range(1, count + 1):
        text = " ".join(chance.choices(words, k=WORDS))
        yield Passage(str(number), f'"{text}"' if number % 4 == 0 else text, f"Title {number // 20}")


def tsv(folder: Path, count: int) -> Path:
    """Writes them as DPR does."""
    path = folder / "corpus.tsv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id\ttext\ttitle\n")
        for one in made_up(count):
            text = '"' + one.text.replace('"', '""') + '"' if '"' in one.text else one.text
            file.write(f"{one.id}\t{text}\t{one.title}\n")
    return path


def others(folder: Path, count: int) -> Iterator[Path]:
    """Writes them as JSON Lines, and as Parquet."""
    import pyarrow as pa  # noqa: PLC0415  (whoever reads text alone has no need of it, nor its memory)
    import pyarrow.parquet as pq  # noqa: PLC0415

    lines, columns = folder / "corpus.jsonl", folder / "corpus.parquet"
    with lines.open("wb") as file:
        for one in made_up(count):
            file.write(orjson.dumps({"id": one.id, "text": one.text, "title": one.title}) + b"\n")
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("title", pa.string())])
    with pq.ParquetWriter(columns, schema) as writer:
        rows: list[dict[str, str]] = []
        for one in made_up(count):
            rows.append({"id": one.id, "text": one.text, "title": one.title})
            if len(rows) == GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))
    yield from (lines, columns)


def in_s3(path: Path, folder: Path) -> None:
    """Plans a file from an S3 server, on the same cores."""
    from tests.seaweed import client, seaweed  # noqa: PLC0415  (boto3, likewise)

    (folder / "weed").mkdir()
    with seaweed(folder / "weed") as endpoint:
        server = client(endpoint)
        server.create_bucket(Bucket="bench")
        server.upload_file(str(path), "bench", path.name)
        print(f"s3://bench/{path.name}", flush=True)
        alone("plan", f"s3://bench/{path.name}", AWS_ENDPOINT_URL_S3=endpoint, **ACCESS)


ACCESS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
"""A SeaweedFS without users takes any."""


if __name__ == "__main__":
    main()
