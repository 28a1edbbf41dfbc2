"""The one sink: results to stdout, all else to stderr; errors as three short lines without a traceback.

What is printed is data and comes out as it is: `plain_console` says why.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from semoe.errors import SemoeError, unknown_name
from semoe.telemetry import plain_console

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it: 128 + SIGINT."""
out, err = plain_console(), plain_console(stderr=True)


def show(result: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Prints a result as `name: value` lines, or as one JSON object."""
    if as_json:
        out.print_json(orjson.dumps(result, default=str).decode())
        return
    for name, value in result.items():
        out.print(f"{name.replace('_', ' ')}: {_text(value)}", soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table; the first column is text, the others are numbers."""
    made = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(_text, row))
    out.print(made)


def is_json(form: str) -> bool:
    """Whether a `--format` asks for JSON.

    Raises:
        UsageError: it is neither `table` nor `json`.
    """
    if form not in ("table", "json"):
        raise unknown_name("format", form, ("table", "json"))
    return form == "json"


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, form: str = "table") -> None:
    """Prints records as a table, or as one JSON array."""
    if is_json(form):
        out.print_json(orjson.dumps(list(rows), default=str).decode())
    else:
        table(title, columns, [[row[column] for column in columns] for row in rows])


def _text(value: object) -> str:
    """JSON has no such numbers and shows null; a person is told."""
    return "not finite" if isinstance(value, float) and not math.isfinite(value) else str(value)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns SEMOE's errors, Ctrl-C and closed pipes into an exit code and a sentence."""
    try:
        yield
    except SemoeError as error:
        err.print(Text.assemble(("semoe:", "bold red"), f" {error}"), soft_wrap=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        err.print("semoe: stopped. What is finished is kept; the same command goes on from there.")
        raise typer.Exit(STOPPED) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None
