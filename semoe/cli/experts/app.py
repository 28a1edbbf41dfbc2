"""`semoe experts`: look at what was trained, look after the store, take experts out and in."""

import typer

from semoe.cli.experts.export import export_expert_verb
from semoe.cli.experts.imports import import_verb
from semoe.cli.experts.look import ls, show_verb, states, stats
from semoe.cli.experts.upkeep import compact, gc, verify

app = typer.Typer(help="List, show, verify, clean, export and import experts.", no_args_is_help=True)
app.command()(ls)
app.command("show")(show_verb)
app.command()(stats)
app.command()(states)
app.command()(verify)
app.command()(gc)
app.command()(compact)
app.command("export")(export_expert_verb)
app.command("import")(import_verb)
