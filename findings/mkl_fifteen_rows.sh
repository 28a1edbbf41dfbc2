#!/usr/bin/env bash
# On Intel's CPUs torch multiplies 15 rows by a large float32 weight more slowly than 16, or than 32.
#
# Versions: torch 2.13.0 (CPU; MKL 2024.2, oneDNN 3.12.0); Python 3.11; an Intel Xeon with AVX-512, 2 cores.
#
# Behaviour: a product of few rows and a weight that no cache holds takes as long as reading the weight takes, however few
# rows they are. In torch's float32 (`linear`, `mm`, given to MKL) that is so for one to three rows. From 4 to 15 rows the
# time climbs with every two or three of them, as if the weight were read anew for each group: 15 rows take four times as
# long as three. At 16 rows it falls by half. oneDNN, which the same torch holds, takes half as long again from 4 to 15, and no longer for 15 than for 16.
#
# Why it surprises: answers that a language model writes together are such products, a row each. From three to fifteen
# answers at once nothing is won by having more of them, and one row more, of zeros, makes a step twice as fast.
#
# Seen (2 cores), milliseconds for a weight of 8192 x 2048 (67 MB):
#   rows         1     3     4     8    12    15    16    32   128
#   torch      2.5   2.7   5.2   7.7   9.9  12.5   6.2   8.1  18.6
#   oneDNN     2.6   3.5   3.7   4.0   4.4   5.6   4.9   6.6  16.7
#
# Exits with 0 if torch takes more than 1.4 times as long for 15 rows as for 16; on a CPU that is not Intel's, or without
# AVX-512, it says so and exits with 0.
set -euo pipefail

if ! grep -q GenuineIntel /proc/cpuinfo || ! grep -q avx512f /proc/cpuinfo; then
    echo "not a CPU of Intel's with AVX-512: nothing to see here"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.3.5

cat > "$folder/rows.py" <<'PY'
import time

import torch

weights = [torch.randn(8192, 2048) for _ in range(4)]


def onednn(x, weight):
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def milliseconds(product, rows) -> float:
    x = torch.randn(rows, 2048)
    best = float("inf")
    for _ in range(8):
        began = time.perf_counter()
        for weight in weights:
            product(x, weight)
        best = min(best, (time.perf_counter() - began) / len(weights))
    return best * 1e3


counts = (1, 3, 4, 8, 12, 15, 16, 32, 128)
torch.set_num_threads(2)
with torch.inference_mode():
    took = {name: [milliseconds(product, rows) for rows in counts]
            for name, product in (("torch", torch.nn.functional.linear), ("oneDNN", onednn))}
print("rows   ", *(f"{rows:5}" for rows in counts))
for name, row in took.items():
    print(f"{name:7}", *(f"{one:5.1f}" for one in row))
fifteen, sixteen = (took["torch"][counts.index(rows)] for rows in (15, 16))
print(f"15 rows take {fifteen / sixteen:.2f} times as long as 16")
assert fifteen > 1.4 * sixteen
PY
"$folder/venv/bin/python" "$folder/rows.py"
