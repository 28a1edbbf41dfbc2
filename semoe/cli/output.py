"""The one sink: results to stdout, all else to stderr; errors as three short lines without a traceback.

What is printed is data and comes out as it is: `plain_console` says why.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from semoe.errors import SemoeError
from semoe.missing import missing_package
from semoe.telemetry.console import plain_console

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it: 128 + SIGINT."""
out = plain_console()
err = plain_console(stderr=True)


def show(result: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Prints a result as `name: value` lines, or as one JSON object."""
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        out.print(f"{name.replace('_', ' ')}: {_text(value)}", soft_wrap=True)


def print_json(value: object) -> None:
    """Prints one JSON document; numbers that JSON has no way to write become null."""
    # Without colours, wherever it goes: a program reads it.
    out.print_json(dump(value), highlight=False)


def dump(value: object) -> str:
    """Returns a value as JSON on one line."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:
        # A name of a file that is no UTF-8: JSON has an escape for it, orjson has not.
        return json.dumps(value, default=_plain)


def _plain(value: Any) -> object:
    """What JSON has no type for: named tuples by their names, all else as text."""
    return value._asdict() if hasattr(value, "_asdict") else str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table; the first column is text, the others are numbers."""
    made = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        made.add_row(*map(_text, row))
    out.print(made)


def show_all(results: Iterable[Mapping[str, Any]], *, as_json: bool = False) -> None:
    """Prints results as they come, or as one JSON array when all are there."""
    if as_json:
        print_json(list(results))
        return
    for result in results:
        show(result)


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, as_json: bool = False) -> None:
    """Prints records as a table, or as one JSON array."""
    if as_json:
        print_json(list(rows))
    else:
        table(title, columns, [[row[column] for column in columns] for row in rows])


def _text(value: object) -> str:
    """JSON has no such numbers and shows null; a person is told."""
    return "not finite" if isinstance(value, float) and not math.isfinite(value) else str(value)


@dataclass(slots=True)
class Reader:
    """Who reads what is printed, as far as it is known before a command line is parsed."""

    is_program: bool = False
    """Whether errors are told as JSON."""
    is_named: bool = False
    """Whether the command line says so, or says the contrary."""
    arguments: Sequence[str] = ()
    """The command line, for records that say how something was made."""


reader = Reader()


def look_for_reader(arguments: Sequence[str]) -> None:
    """Sees whether a command line asks for JSON, before it is parsed: that may be what fails."""
    reader.arguments = tuple(arguments)
    alone = any(one in ("--json", "--format=json") for one in arguments)
    reader.is_program = alone or ("--format", "json") in pairwise(arguments)
    reader.is_named = reader.is_program or any(one.partition("=")[0] == "--format" for one in arguments)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns SEMOE's errors, Ctrl-C and closed pipes into an exit code and a sentence, or a JSON object on stderr."""
    try:
        yield
    except SemoeError as error:
        tell_error(str(error), error.kind, error.exit_code)
        raise typer.Exit(error.exit_code) from None
    except ModuleNotFoundError as error:
        told = missing_package(error)
        if told is None:
            raise
        tell_error(str(told), told.kind, told.exit_code)
        raise typer.Exit(told.exit_code) from None
    except KeyboardInterrupt:
        tell_error("stopped. What is finished is kept; the same command goes on from there.", "stopped", STOPPED)
        raise typer.Exit(STOPPED) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None


def tell_error(message: str, kind: str, exit_code: int) -> None:
    """Prints an error on stderr: for a person, or as `{"error": {"kind", "message", "exit_code"}}`."""
    if reader.is_program:
        err.print(dump({"error": {"kind": kind, "message": message, "exit_code": exit_code}}), soft_wrap=True)
    else:
        err.print(Text.assemble(("semoe:", "bold red"), f" {message}"), soft_wrap=True)
