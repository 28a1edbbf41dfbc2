#!/usr/bin/env bash
# A command of typer that reads gzip which was cut short ends as if somebody had pressed Ctrl-C.
#
# Versions: typer 0.29.2; Python 3.11.
#
# Behaviour: Python's gzip raises EOFError where a stream ends before its end marker. Below a command, typer takes every
# EOFError for the end of what a person types: it prints "Aborted." and exits with 1, without the error and without a
# traceback. Called with standalone_mode=False, as programs do that have exit codes of their own, it raises Abort, whose
# message is empty. The same code called without typer raises EOFError with its message.
#
# Why it surprises: the error never came from a terminal. A corpus that was cut in download is the usual cause, and what
# is left of it is the word that a cancelled command has.
# The way out: turn EOFError into an error of one's own below the command, before it reaches typer.
#
# Seen:
#   alone                          EOFError: Compressed file ended before the end-of-stream marker was reached
#   typer                          Aborted.                exit code 1
#   typer, standalone_mode=False   raised Abort ''
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'typer==0.29.2'
cat > "$folder/read.py" <<'PY'
import gzip
import io
import sys

import typer

WHOLE = gzip.compress(b"id\ttext\ttitle\n" * 1000)
app = typer.Typer()


def lines() -> int:
    with gzip.open(io.BytesIO(WHOLE[:-9])) as file:
        return sum(1 for _ in file)


@app.command()
def count() -> None:
    print(lines())


if sys.argv.pop(1) == "alone":
    lines()
elif sys.argv[-1] == "own":
    sys.argv.pop()
    try:
        app(standalone_mode=False)
    except BaseException as error:
        print("raised", type(error).__name__, repr(str(error)))
else:
    app()
PY
run() { "$folder/venv/bin/python" "$folder/read.py" "$@" 2>&1 && code=0 || code=$?; echo "exit code $code"; }
alone=$(run alone); typer=$(run typer); own=$(run typer own)
printf 'alone:\n%s\n\ntyper:\n%s\n\ntyper, standalone_mode=False:\n%s\n' "$(tail -2 <<<"$alone")" "$typer" "$own"
grep -q "EOFError: Compressed file ended before the end-of-stream marker was reached" <<<"$alone"
grep -q "Aborted" <<<"$typer"
! grep -q "EOFError\|Compressed file" <<<"$typer"
grep -q "exit code 1" <<<"$typer"
grep -q "raised Abort ''" <<<"$own"
