"""The `semoe` command. Verbs parse, call and print; everything else lies below.

Whatever is slow to import is imported inside the verb that needs it: `--help`, `status` or `logs` wait for no torch.
"""

import logging
import sys
from typing import Annotated

import typer

from semoe import __version__
from semoe.cli.ask.ask import ask
from semoe.cli.cut_verb import cut
from semoe.cli.data_verbs import app as data_app
from semoe.cli.demo import demo
from semoe.cli.doctor import doctor
from semoe.cli.evaluate import evaluate
from semoe.cli.experts.app import app as experts_app
from semoe.cli.explain import explain
from semoe.cli.index_verb import index
from semoe.cli.main_verb import main_verb
from semoe.cli.output import STOPPED, err, look_for_reader, out, reader, tell_error, told_plainly
from semoe.cli.published import augment, encode, inference, retrieve
from semoe.cli.published_options import instead_of
from semoe.cli.reproduce import reproduce
from semoe.cli.runs.do import cancel, run_verb
from semoe.cli.runs.plan import plan
from semoe.cli.runs.pods import shards, worker
from semoe.cli.runs.report import export, report
from semoe.cli.runs.watch import logs, status
from semoe.cli.verbs import verb_name
from semoe.cli.warmup_verb import warmup

PANELS = {
    "Start here": (demo, ask, doctor, reproduce),
    "Stages on one machine": (cut, index, retrieve, augment, warmup, encode, inference, evaluate, explain),
    "Runs, here or on a cluster": (plan, run_verb, status, logs, report, export, cancel),
    "What pods call": (worker, shards),
}
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
for panel, verbs in PANELS.items():
    for one in verbs:
        app.command(verb_name(one), rich_help_panel=panel)(one)
app.command("resume", rich_help_panel="Runs, here or on a cluster")(run_verb)
app.command("main", rich_help_panel="Stages on one machine")(main_verb)
app.add_typer(data_app, name="data", rich_help_panel="Start here")
app.add_typer(experts_app, name="experts", rich_help_panel="Experts in the store")


@app.callback(invoke_without_command=True)
def semoe(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what is done, on stderr.")] = False,
) -> None:
    """One small LoRA expert per passage: index → retrieve → augment → encode → inference → evaluate.

    Each option may also stand in a file: --print_settings of a verb writes it, --settings reads it.

    Exit codes: 0 done, 1 a fault, 2 wrong usage, 75 worth trying again, 130 stopped by Ctrl-C.
    """
    console = logging.StreamHandler()
    console.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="semoe: %(message)s", handlers=[console]
    )
    if version:
        out.print(__version__)
        raise typer.Exit


def main() -> None:
    """Runs the command; for its exit codes see `semoe --help`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs the command with these arguments; returns its exit code."""
    look_for_reader(arguments)
    try:
        with told_plainly():
            # Without its standalone mode typer returns the code of an Exit, and 130 after Ctrl-C, instead of raising.
            code = app(arguments, prog_name="semoe", standalone_mode=False)
            if code == STOPPED:
                raise KeyboardInterrupt
            return code if isinstance(code, int) else 0
    except typer.Exit as stop:
        return int(stop.exit_code)
    except typer.Abort:
        tell_error("not done: it was not confirmed.", "aborted", STOPPED)
        return STOPPED
    except typer.TyperException as error:
        return _told_of_usage(error)


def _told_of_usage(error: typer.TyperException) -> int:
    """Prints a wrong option: typer's own errors know how to print themselves to a person."""
    code = int(getattr(error, "exit_code", 2))
    verb = getattr(getattr(error, "ctx", None), "info_name", None) or ""
    instead = instead_of(verb, getattr(error, "option_name", None) or "")
    if reader.is_program:
        message = str(getattr(error, "format_message", lambda: error)())
        tell_error(f"{message}. {instead}" if instead else message, "options", code)
    else:
        getattr(error, "show", lambda: None)()
        if instead:
            err.print(instead, soft_wrap=True)
    return code
