"""Option groups: a record whose fields are the options of every verb that takes it.

    @option_group("Where things are", table="place")
    class PlaceOptions:
        store: Annotated[str, typer.Option("--store", help="…")] = ""

    @verb
    def status(run: Run, place: PlaceOptions) -> None: ...

A verb reads `place.store`, which mypy checks; the command line shows `--store` under the panel. The same record is a
table of a settings file (`settings_file`). `verbs` makes the command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, dataclass_transform

Record = TypeVar("Record")


class Group(NamedTuple):
    """What an option group is besides its fields."""

    panel: str
    """Heading in `--help`."""
    table: str
    """Its table in a settings file; a group that adds to another has the same."""


groups: dict[type, Group] = {}
own_tables: dict[str, dict[str, Any]] = {}
"""The options that a verb has besides its groups, by its name: each with its type."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
def option_group(panel: str, *, table: str) -> Callable[[type[Record]], type[Record]]:
    """Makes a class a frozen record whose fields are options."""

    def made(kind: type[Record]) -> type[Record]:
        record = dataclass(frozen=True, kw_only=True)(kind)
        groups[record] = Group(panel, table)
        return record

    return made


def among(*names: str) -> Callable[[str], list[str]]:
    """Returns what completes an option for a shell: those of the names that begin so."""

    def completed(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return completed
