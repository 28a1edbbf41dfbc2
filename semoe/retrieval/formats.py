"""How a corpus writes its passages: tab-separated with CSV's quotes or without, or JSON Lines."""

from collections.abc import Iterable, Iterator

from semoe.errors import unknown_name
from semoe.retrieval.dpr import parse_rows
from semoe.retrieval.json_lines import parse_json_lines
from semoe.retrieval.passage import Passage

CSV, PLAIN, JSON_LINES = "csv", "none", "jsonl"
"""`PLAIN`: a quote is a character like others, as in BEIR's and MS MARCO's tables."""
FORMATS = (CSV, PLAIN, JSON_LINES)
ENDINGS = (".jsonl", ".ndjson", ".json")


def format_of(path: str, said: str = "") -> str:
    """Returns how a corpus is written: as was said, or as its name says.

    Raises:
        UsageError: there is no such format.
    """
    if said and said not in FORMATS:
        raise unknown_name("quoting", said, FORMATS)
    return said or (JSON_LINES if path.removesuffix(".gz").endswith(ENDINGS) else CSV)


def parsed(lines: Iterable[str], where: object, written: str, *, header: bool = True) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its last line was taken; see `parse_rows`, `parse_json_lines`."""
    if written == JSON_LINES:
        return parse_json_lines(lines, where)
    return parse_rows(lines, where, header=header, quoted=written == CSV)
