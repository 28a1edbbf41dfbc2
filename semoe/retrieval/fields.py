"""A passage from named values, under the names that corpora in use give them: in JSON, in columns, in a header."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

IDS = ("id", "_id", "pid", "docid", "doc_id")
"""Of several the first counts: MS MARCO's passages name their document (`docid`) beside themselves (`pid`)."""
TEXTS = ("text", "contents", "passage", "body")
TITLES = ("title", "wikipedia_title")
KNOWN = (*IDS, *TEXTS, *TITLES)
EXPECTED = f"expected an id ({', '.join(IDS)}) and a text ({', '.join(TEXTS)})"
LARGEST = 1 << 53
_TITLED = "contents"
"""The field whose first line is the title where it stands in quotation marks, as FlashRAG writes it."""


def passage_of(found: Mapping[str, Any], where: str) -> Passage:
    """Returns the passage that some named values are.

    A text may be a list, as in KILT and HotpotQA's Wikipedia: of paragraphs, of sentences, or of lists of sentences.

    Raises:
        UsageError: an id or a text is missing, or is of another kind.
    """
    passage_id, text = _first(found, IDS), _text_of(_first(found, TEXTS))
    if text is None and any(name in found and found[name] in (None, "", []) for name in TEXTS):
        text = ""  # some of BEIR's have a title alone
    passage_id = _id_of(passage_id)
    if passage_id is None or text is None:
        raise UsageError(f"{where}: {EXPECTED}, found {_told(found)}. {_cure(found)}", kind="broken-file")
    title = _title_of(found, where)
    if title is None and text == found.get(_TITLED):
        title, text = _title_within(text)
    return Passage(passage_id, text, title or "")


def _id_of(value: Any) -> str | None:
    """Returns an id as text: of a whole number its digits, whatever type its column has; None where it is none.

    Beyond 2⁵³ neighbouring numbers are the same float: JSON has such ids as floats, once they exceed 64 bits.
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < LARGEST else None
    return None if value is None or isinstance(value, (bool, list, dict)) else str(value)


def _title_of(found: Mapping[str, Any], where: str) -> str | None:
    """Returns a title, the parts of one with a space between them; None where there is none.

    Raises:
        UsageError: it is a truth, an object, or a list of others than texts.
    """
    value = _first(found, TITLES)
    if value is None or value != value:  # noqa: PLR0124  (no number, as pandas writes what is missing)
        return None
    title = _text_of(value) if isinstance(value, list) else None if isinstance(value, bool | dict) else str(value)
    if title is None:
        raise UsageError(
            f"{where}: the title must be a text, not {type(value).__name__}. Write it as one, or leave it out.",
            kind="broken-file",
        )
    return title


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Returns the first of some fields that says anything."""
    return next((found[name] for name in names if found.get(name) not in (None, "", [])), None)


def _text_of(value: Any) -> str | None:
    """Returns a text, or the parts of one with a space between them; None where it is neither."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    parts = [*_leaves(value)]
    return " ".join(one.strip() for one in parts if one.strip()) if all(isinstance(one, str) for one in parts) else None


def _leaves(value: list[Any]) -> Iterator[Any]:
    for one in value:
        if isinstance(one, list):
            yield from _leaves(one)
        else:
            yield one


def _title_within(text: str) -> tuple[str | None, str]:
    """Returns the title in quotation marks that is a text's first line, and what stands below it."""
    line, _, rest = text.partition("\n")
    title = line.strip()
    is_title = len(title) > 2 and title[0] == title[-1] == '"' and bool(rest.strip())
    return (title[1:-1], rest) if is_title else (None, text)


def _told(found: Mapping[str, Any]) -> str:
    """Says what stands in a record's place: names, and of a field that is known the type."""
    told = [f"{name} ({type(one).__name__})" if name in (*IDS, *TEXTS) else name for name, one in found.items()]
    return ", ".join(told) or "nothing"


def _cure(found: Mapping[str, Any]) -> str:
    passage_id, text = _first(found, IDS), _text_of(_first(found, TEXTS))
    if passage_id is not None and text is not None:
        return "An id is a text or a whole number of 64 bits at most: write it as a text."
    if passage_id is None and text is not None:
        return "Number them: jq -c '. + {id: input_line_number}'"
    name = "id" if passage_id is None else "text"
    return f"Name the field that is meant, here NAME: jq -c '. + {{{name}: .NAME}}'"
