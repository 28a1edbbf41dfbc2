"""Prints docs/cli.md from the program itself: `python -m semoe.cli.reference`."""

import sys

import click
import typer

from semoe.cli.app import app


def reference() -> str:
    """Returns the page: every verb with its options, defaults and example."""
    parts = ["# The command line", "", "Printed by `make docs-cli`; do not edit.", ""]
    command = typer.main.get_command(app)
    _describe(command, "semoe", parts)
    return "\n".join(parts).rstrip()


def _describe(command: click.Command, name: str, parts: list[str]) -> None:
    parts += [f"## {name}", "", (command.help or "").strip().replace("\n\n", "\n\n"), ""]
    options = [p for p in command.params if p.name != "help"]
    if options:
        parts += ["| option | default | meaning |", "|---|---|---|"]
        parts += [_row(option) for option in options]
        parts.append("")
    if isinstance(command, click.Group):
        for verb in sorted(command.commands):
            _describe(command.commands[verb], f"{name} {verb}", parts)


def _row(option: click.Parameter) -> str:
    names = ", ".join(f"`{n}`" for n in option.opts) if isinstance(option, click.Option) else f"`{option.human_readable_name}`"
    default = "required" if option.required else "" if option.default is None else f"`{option.default}`"
    return f"| {names} | {default} | {getattr(option, 'help', '') or ''} |"


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
