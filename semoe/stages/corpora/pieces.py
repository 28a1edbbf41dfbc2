"""A folder of pieces that a corpus was cut into, and what says whether all of them are written.

PLACE/_cut.json              of which corpus; once all are there, how many
PLACE/part-000000.jsonl …    its passages, in order
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from semoe.errors import UsageError
from semoe.stages.corpora.places import Place, path_of

MARKER = "_cut.json"
"""Written before the first piece, and again behind the last."""
MARKER_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """`_cut.json`."""

    corpus: str
    """Which, with a mark of its content."""
    piece_bytes: int
    num_pieces: int | None = None
    """None: not all are written."""
    num_passages: int = 0


def piece_name(number: int) -> str:
    """Returns what a piece is called: their order is the corpus's."""
    return f"part-{number:06}.jsonl"


def read_cut(data: bytes, path: str) -> Cut:
    """Returns what `_cut.json` says.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return TypeAdapter(Cut).validate_json(data)
    except ValidationError as error:
        raise UsageError(
            f"{path}/{MARKER} cannot be read. Remove the folder, and cut the corpus again.", kind="broken-file"
        ) from error


def require_whole(path: str, place: Place, names: Sequence[str]) -> None:
    """Makes sure that a folder of pieces has all of them.

    Raises:
        UsageError: the cutting goes on or was stopped, or a piece is missing.
    """
    found = read_cut(place.read(path_of(path, MARKER), 0, MARKER_BYTES), path)
    if found.num_pieces is None:
        raise UsageError(
            f"{path} is half of a corpus: it is being cut, or that was stopped. The same `semoe cut` goes on.",
            kind="half-cut",
        )
    wanted = [piece_name(number) for number in range(found.num_pieces)]
    odd = sorted(set(wanted) ^ set(names))
    if odd:
        what = "is missing" if odd[0] in wanted else "is no piece of it"
        raise UsageError(f"{path} holds a corpus in pieces, and {odd[0]} {what}. Cut it again.", kind="half-cut")
