"""A reproduction's report as Markdown."""

from collections.abc import Sequence

from semoe.evaluation.section import Section, Table
from semoe.reproduction.report import Reproduction
from semoe.reproduction.sections import sections

_BEGIN = frozenset(("", "−", *"0123456789"))


def markdown(found: Reproduction) -> str:
    """Returns the report as a text."""
    head = [
        f"# {found.experiment.title}",
        found.experiment.about,
        f"Of: {found.experiment.of}. Config: {found.config}.",
    ]
    return "\n\n".join([*head, *map(_section, sections(found))]) + "\n"


def _section(one: Section) -> str:
    parts = [f"## {one.title}", *one.lines]
    if one.points:
        parts.append("\n".join(f"- {point}" for point in one.points))
    if one.table:
        parts.append(_table(one.table))
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    ruler = [_ruler([row[at] for row in table.rows]) for at in range(len(table.columns))]
    return "\n".join(_row(row) for row in (table.columns, ruler, *table.rows))


def _ruler(cells: Sequence[str]) -> str:
    """Numbers stand to the right; a column may also say that there is none."""
    return "---:" if all(cell[:1] in _BEGIN or cell == "none" for cell in cells) else "---"


def _row(cells: Sequence[str]) -> str:
    # A bar of a value would end its cell.
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
