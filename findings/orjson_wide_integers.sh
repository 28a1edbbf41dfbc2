#!/usr/bin/env bash
# orjson reads a JSON integer beyond 64 bits as a float, without a word; Python's own json reads it as the integer it is.
#
# Versions: orjson 3.13.0; Python 3.11.
#
# Behaviour: `loads` returns an int up to 2^64 - 1, and from 2^64 on a float of 53 bits. `dumps` refuses such an int ("Integer
# exceeds 64-bit range"), so reading is the only side that says nothing.
#
# Why it surprises: ids of corpora are such numbers (UUIDs and MD5 sums in decimal). Two that differ in their last digits become
# the same number, and with it the same passage; swapping json for the faster orjson changes the data.
#
# Seen:
#   json:   18446744073709551616 18446744073709551617
#   orjson: 1.8446744073709552e+19 1.8446744073709552e+19
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check orjson==3.13.0

cat > "$folder/wide.py" <<'PY'
import json

import orjson

first, second = "18446744073709551616", "18446744073709551617"
print("json:  ", json.loads(first), json.loads(second))
print("orjson:", orjson.loads(first), orjson.loads(second))
assert json.loads(first) != json.loads(second)
assert orjson.loads("18446744073709551615") == 2**64 - 1
assert isinstance(orjson.loads(first), float)
assert orjson.loads(first) == orjson.loads(second)
try:
    orjson.dumps(2**64)
except TypeError as error:
    assert "64-bit" in str(error), error
else:
    raise AssertionError("it writes such a number")
PY
"$folder/venv/bin/python" "$folder/wide.py"
