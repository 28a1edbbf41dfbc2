"""One question after the other, the model loaded once: typed at a prompt, or lines of a pipe."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich.text import Text

from semoe.cli.ask.live import legend
from semoe.cli.ask.showing import document, show_answers
from semoe.cli.output import err, out, print_json, tell_error
from semoe.errors import SemoeError, UsageError

if TYPE_CHECKING:
    from semoe.stages.asking import Asker
    from semoe.stages.inference_settings import InferenceSettings

PROMPT = "? "


def converse(asker: "Asker", ways: "list[InferenceSettings]", *, as_json: bool) -> None:
    """Answers the lines of stdin until they end, or until Ctrl-C; as JSON, all of them as one array at the end.

    Raises:
        SemoeError: for a program: what a person is told, and may try again.
    """
    documents: list[dict[str, Any]] = []
    # Ctrl-C and Ctrl-D are how a conversation ends: nothing has gone wrong.
    with suppress(KeyboardInterrupt):
        for question in _typed() if sys.stdin.isatty() else _piped():
            if not question.strip():
                continue
            if not (as_json or sys.stdin.isatty()):
                out.print(Text(f"{PROMPT}{question}", style="bold"), soft_wrap=True)
            try:
                answers = show_answers(asker, question, ways, is_shown=not as_json)
                documents += [document(asker, question, answers)] if as_json else []
            except SemoeError as error:
                if as_json or not sys.stdin.isatty():
                    raise
                tell_error(str(error), error.kind, error.exit_code)
    if as_json:
        print_json(documents)


def _typed() -> Iterator[str]:
    """Yields what a person types, with a history; ends at Ctrl-D."""
    with suppress(ImportError):
        import_module("readline")  # input() edits with it, where it is there
    err.print(Text.assemble("Ask; Ctrl-D or Ctrl-C ends. ", legend()))
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            err.print()
            return


def _piped() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode().strip()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"Line {number} of the questions is not UTF-8. Convert them first.", kind="broken-file"
            ) from error
