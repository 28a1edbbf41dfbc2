#!/usr/bin/env bash
# In botocore's retry mode `standard`, threads that share a client give up on a server that is away within a second,
# however many attempts they are allowed; and one thread with nine attempts waits for seconds, not for a minute.
#
# Versions: botocore 1.44.8; boto3 1.44.8; Python 3.11.
#
# Behaviour: an attempt after an error of the network waits rand(0, 1) · 50 ms · 2^i (after a throttled one 1 s · 2^i). And each
# attempt takes 14 of the 500 tokens that a client has for all of its threads, which only answers fill up again: after 35
# of them no call is repeated, whatever `total_max_attempts` says. Nothing tells that the allowance was the reason.
#
# Why it surprises: who allows 14 attempts, so that a server may restart, has eight readers fail at once while it does.
# The error reads as if all attempts had been made. The mode `legacy` waits 1 s · 2^i and knows no allowance.
#
# Seen (the seconds after which a call ends, by mode, attempts and threads):
#   standard, 9 attempts, 1 thread: 3 to 10
#   standard, 14 attempts, 8 threads: 0.3 to 1.6
#   legacy, 5 attempts, 8 threads: 2 to 11
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8 botocore==1.44.8

cat > "$folder/away.py" <<'PY'
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

NOBODY = "http://127.0.0.1:1"


def seconds(mode: str, attempts: int, threads: int) -> list[float]:
    client = boto3.client(
        "s3", endpoint_url=NOBODY, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"mode": mode, "total_max_attempts": attempts}),
    )

    def call(_: int) -> float:
        began = time.monotonic()
        try:
            client.get_object(Bucket="bucket", Key="key")
        except EndpointConnectionError:
            return time.monotonic() - began
        raise AssertionError("somebody answered")

    with ThreadPoolExecutor(threads) as pool:
        found = sorted(pool.map(call, range(threads)))
    print(f"{mode}, {attempts} attempts, {threads} threads: {found[0]:.1f} to {found[-1]:.1f}")
    return found


one = max(seconds("standard", 9, 1)[0] for _ in range(3))
assert one < 20, "a second, doubled eight times, would be most of a minute or more"
many = seconds("standard", 14, 8)
assert many[-1] < 10
patient = seconds("legacy", 5, 8)
assert patient[-1] > many[-1], "with five attempts"
PY
"$folder/venv/bin/python" "$folder/away.py"
