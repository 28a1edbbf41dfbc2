"""How a corpus writes its passages: tab-separated with CSV's quotes or without, JSON Lines, or in columns."""

from collections.abc import Iterable, Iterator

from semoe.errors import unknown_name
from semoe.retrieval.dpr import Columns, parse_rows
from semoe.retrieval.json_lines import parse_json_lines
from semoe.retrieval.passage import Passage

CSV, PLAIN, JSON_LINES = "csv", "none", "jsonl"
"""`PLAIN`: a quote is a character like others, as in BEIR's and MS MARCO's tables."""
PARQUET, ARROW = "parquet", "arrow"
"""Known by what they begin with; nobody has to say it."""
SAID = (CSV, PLAIN, JSON_LINES)
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")


def text_format(path: str, said: str = "", head: bytes = b"") -> str:
    """Returns how a text is written.

    Args:
        path: its name ends in `.jsonl` and such, or in anything else; `.gz` behind it says nothing.
        said: by the user, of tab-separated files whether quotes mean something.
        head: its first bytes, which may say more than the name.

    Raises:
        UsageError: there is no such format.
    """
    if said and said not in SAID:
        raise unknown_name("quoting", said, SAID)
    named = path.lower().removesuffix(".gz").endswith(JSON_ENDINGS) and not head.startswith((b"id\t", b'"id"\t'))
    if said == JSON_LINES or named or head.lstrip().startswith(b"{"):
        return JSON_LINES
    return said or CSV


def parsed(lines: Iterable[str], where: object, written: str, columns: Columns | None = None) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its last line was taken; see `parse_rows`, `parse_json_lines`."""
    if written == JSON_LINES:
        return parse_json_lines(lines, where)
    return parse_rows(lines, where, columns=columns, quoted=written == CSV)
