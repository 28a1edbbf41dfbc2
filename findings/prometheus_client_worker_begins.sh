#!/usr/bin/env bash
# A scrape of prometheus_client's multiprocess mode fails while a worker begins.
#
# Versions: prometheus-client 0.26.0; Python 3.11.
#
# Behaviour: in multiprocess mode a worker keeps each kind of metric in a file of a shared folder. It opens the file, which
# makes an empty one, and gives it its size a moment later. A collector that reads the folder in between takes four bytes
# of the empty file for a number: struct.error, and the whole scrape fails, with the metrics of all other workers.
#
# Why it surprises: workers that come and go are what the mode is for, and files of workers that ended are read with
# care. The moment is short, and on a machine with more workers than cores it is as long as the scheduler likes; the
# alert is then that all workers are down.
# The way out: give MultiProcessCollector.merge the files that have a size, in place of the folder.
#
# The worker below is held in that moment by a pause in os.fstat, where it could be suspended as well.
#
# Seen:
#   while a worker begins    struct.error: unpack_from requires a buffer of at least 4 bytes ...
#   once it has begun        jobs_total 1.0
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'prometheus-client==0.26.0'
mkdir "$folder/metrics"
export PROMETHEUS_MULTIPROC_DIR="$folder/metrics"

cat > "$folder/worker.py" <<'PY'
import os
import sys

real = os.fstat


def paused(handle: int) -> os.stat_result:
    found = real(handle)
    os.fstat = real
    print("opened", flush=True)
    sys.stdin.readline()
    return found


from prometheus_client import Counter

os.fstat = paused
Counter("jobs", "Done").inc()
print("begun", flush=True)
sys.stdin.readline()
PY

cat > "$folder/scrape.py" <<'PY'
import os
import struct
import subprocess
import sys

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


def scrape() -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    lines = generate_latest(registry).decode().splitlines()
    return next(line for line in lines if line.startswith("jobs_total"))


worker = subprocess.Popen([sys.executable, sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert worker.stdout.readline() == "opened\n"
try:
    print("while a worker begins", scrape())
    sys.exit("the scrape succeeded")
except struct.error as error:
    print("while a worker begins    struct.error:", error)
worker.stdin.write("\n")
worker.stdin.flush()
assert worker.stdout.readline() == "begun\n"
found = scrape()
print("once it has begun       ", found)
worker.kill()
sys.exit(0 if found == "jobs_total 1.0" else "another value")
PY

"$folder/venv/bin/python" "$folder/scrape.py" "$folder/worker.py"
