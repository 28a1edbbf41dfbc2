#!/usr/bin/env bash
# Triton's interpreter halves numbers that float8 rounds up to a power of two.
#
# Versions: triton 3.7.1; torch 2.13.0; numpy 2.4.6; Python 3.11.
#
# Behaviour: a kernel that casts float32 to float8 (e4m3) gives, under TRITON_INTERPRET=1, for 124.5 not 128 but 64. A
# mantissa that rounds up to the next power of two carries into the exponent; the interpreter joins the two by "or", so
# the carry is lost wherever the exponent's lowest bit is set already: in the upper sixteenth below every second power
# of two (128, 32, 8, 2, 0.5, …), about 2 % of all numbers. Those come out at half their size; below the others the
# same numbers are right (15.6 gives 16). torch's own cast is right, and so is the compiled kernel.
#
# Why it surprises: the interpreter is how kernels are tested where there is no GPU. A test of a kernel that quantises
# fails though the kernel is right, or its tolerance is widened until it no longer sees a wrong one: the products of such
# rows are off by a few hundredths only.
# The way out: in the interpreter, test with numbers that float8 holds exactly; test the rounding on a GPU.
#
# Seen:
#   numbers     [120.0, 123.0, 124.5, 127.0, 128.0, 31.2, 15.6, 0.49]
#   torch       [120.0, 120.0, 128.0, 128.0, 128.0, 32.0, 16.0, 0.5]
#   interpreter [120.0, 120.0, 64.0, 64.0, 128.0, 16.0, 16.0, 0.25]
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 triton==3.7.1 numpy==2.4.6

cat > "$folder/cast.py" <<'PY'
import torch
import triton
import triton.language as tl


@triton.jit
def cast(numbers, out, COUNT: tl.constexpr):
    i = tl.arange(0, COUNT)
    tl.store(out + i, tl.load(numbers + i).to(tl.float8e4nv))


numbers = torch.tensor([120.0, 123.0, 124.5, 127.0, 128.0, 31.2, 15.6, 0.49])
out = torch.empty(8, dtype=torch.float8_e4m3fn)
cast[(1,)](numbers, out, 8)
right = numbers.to(torch.float8_e4m3fn).float()
found = out.float()
for name, row in (("numbers    ", numbers), ("torch      ", right), ("interpreter", found)):
    print(name, [round(x, 2) for x in row.tolist()])
differ = found != right
assert differ.tolist() == [False, False, True, True, False, True, False, True]
assert torch.equal(found[differ] * 2, right[differ])
PY
TRITON_INTERPRET=1 "$folder/venv/bin/python" "$folder/cast.py"
