"""The `semoe` command: one verb a stage. Verbs parse, call and print; everything else lies below."""

import logging
import sys

import typer

from semoe import __version__
from semoe.cli.demo import demo
from semoe.cli.doctor import doctor
from semoe.cli.experts.app import app as experts_app
from semoe.cli.explain import explain
from semoe.cli.main_verb import main_run
from semoe.cli.output import STOPPED, out, told_plainly
from semoe.cli.published import augment, encode, evaluate, index, inference, retrieve
from semoe.cli.runs import do, watch
from semoe.cli.runs.plan import plan

app = typer.Typer(
    help="One small LoRA expert per passage: index → retrieve → augment → encode → inference → evaluate.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
STAGE_VERBS = (index, retrieve, augment, encode, inference, evaluate)
RUN_VERBS = (plan, do.run, watch.status, watch.logs, watch.report, watch.export, do.cancel)
POD_VERBS = (do.worker, do.shards)
for verb in (*STAGE_VERBS, explain, *RUN_VERBS, *POD_VERBS, demo, doctor):
    app.command()(verb)
app.command("resume")(do.run)
app.command("main")(main_run)
app.add_typer(experts_app, name="experts")


@app.callback(invoke_without_command=True)
def semoe(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    verbose: bool = typer.Option(False, "--verbose", help="Log what is done, on stderr."),
) -> None:
    """One small LoRA expert per passage: index → retrieve → augment → encode → inference → evaluate."""
    console = logging.StreamHandler()
    console.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="semoe: %(message)s", handlers=[console]
    )
    if version:
        out.print(__version__)
        raise typer.Exit


def main() -> None:
    """Runs the command; exit codes: 0 done, 2 wrong usage, 75 worth trying again, 130 stopped by Ctrl-C."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs the command with these arguments; returns its exit code."""
    try:
        with told_plainly():
            # Without its standalone mode typer returns the code of an Exit, and 130 after Ctrl-C, instead of raising.
            code = app(arguments, standalone_mode=False)
            if code == STOPPED:
                raise KeyboardInterrupt
            return code if isinstance(code, int) else 0
    except typer.Exit as stop:
        return int(stop.exit_code)
    except typer.Abort:
        return STOPPED
    except typer.TyperException as error:
        # A wrong option: typer's own errors know how to print themselves.
        getattr(error, "show", lambda: None)()
        return int(getattr(error, "exit_code", 2))
