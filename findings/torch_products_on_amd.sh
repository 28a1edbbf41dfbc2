#!/usr/bin/env bash
# On AMD's CPUs torch's float32 matrix products take twice the time of oneDNN's, which the same torch holds.
#
# Versions: torch 2.13.0 (CPU; MKL 2024.2, oneDNN 3.12.0); Python 3.11; an AMD EPYC with AVX-512, 2 cores.
#
# Behaviour: torch built for x86 gives float32 products to MKL (`torch.mm`, `linear`, `bmm`). On a CPU that is not Intel's
# MKL keeps to 256-bit registers. oneDNN, which torch uses for bfloat16 and for products that its compiler makes, uses
# 512-bit ones on both. Called on the same plain tensors it takes 0.4 to 0.7 of the time, at float32's own accuracy.
# `torch.backends.cpu.get_cpu_capability()` says AVX512 all the while: that is torch's own kernels, not MKL's.
#
# Why it surprises: nothing tells of it. `torch.__config__` names both libraries, the CPU shows as busy, and the rate looks
# like that of a slower machine. No public setting moves float32 products to oneDNN: `torch.set_float32_matmul_precision`
# and `torch.backends.mkldnn` choose lower precisions, or none. Many rented CPUs, those of CI services too, are AMD's.
#
# Seen (2 cores):
#   rows 32, weight 1536 x 576: torch 109 GFLOP/s, oneDNN 164: 0.66 of the time
#   rows 256, weight 1536 x 576: torch 163 GFLOP/s, oneDNN 403: 0.40 of the time
#   rows 1024, weight 1536 x 576: torch 180 GFLOP/s, oneDNN 352: 0.51 of the time
#   largest error against float64, relative: torch 2.5e-07, oneDNN 3.9e-07
#
# Exits with 0 if oneDNN takes less than 0.75 of the time for the two larger ones; on a CPU that is not AMD's, or without
# AVX-512, it says so and exits with 0.
set -euo pipefail

if ! grep -q AuthenticAMD /proc/cpuinfo || ! grep -q avx512f /proc/cpuinfo; then
    echo "not a CPU of AMD's with AVX-512: nothing to see here"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.3.5

cat > "$folder/products.py" <<'PY'
import time

import torch


def seconds(work) -> float:
    work()
    best = float("inf")
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(10):
            work()
        best = min(best, (time.perf_counter() - began) / 10)
    return best


def onednn(x, weight):
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


shares, errors = {}, [0.0, 0.0]
for rows in (32, 256, 1024):
    x, weights = torch.randn(rows, 576), [torch.randn(1536, 576) for _ in range(30)]
    took = [
        seconds(lambda product=product: [product(x, weight) for weight in weights])
        for product in (torch.nn.functional.linear, onednn)
    ]
    rates = [2 * rows * 576 * 1536 * len(weights) / one / 1e9 for one in took]
    shares[rows] = took[1] / took[0]
    print(f"rows {rows}, weight 1536 x 576: torch {rates[0]:.0f} GFLOP/s, oneDNN {rates[1]:.0f}: {shares[rows]:.2f} of the time")
    exact = x.double() @ weights[0].double().T
    for place, product in enumerate((torch.nn.functional.linear, onednn)):
        error = float((product(x, weights[0]).double() - exact).norm() / exact.norm())
        errors[place] = max(errors[place], error)
print(f"largest error against float64, relative: torch {errors[0]:.1e}, oneDNN {errors[1]:.1e}")
assert max(errors) < 2e-6
assert shares[256] < 0.75 and shares[1024] < 0.75
PY
"$folder/venv/bin/python" "$folder/products.py"
