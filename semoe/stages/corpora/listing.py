"""The files that a corpus is: one, or those of known endings in a folder, in order of name; here or in S3.

Known layouts need no more: the hub's (`data/*.parquet`, next to cards and settings), `save_to_disk`'s Arrow files, and
BEIR's, of which the corpus alone is taken and not the questions.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from semoe.errors import UsageError
from semoe.retrieval.formats import JSON_ENDINGS
from semoe.stages.corpora.contents import HEAD_BYTES, begins_as_passages
from semoe.stages.corpora.pieces import MARKER, require_whole
from semoe.stages.corpora.places import THREADS, Bucket, Place, missing, path_of, readable

ENDS = 1 << 12
"""Bytes at both ends of a file that its mark is made of."""
ENDINGS = (".tsv", ".csv", *JSON_ENDINGS, ".parquet", ".arrow", ".feather")
PACKED = {
    ".bz2": "bunzip2", ".xz": "xz -d", ".zst": "zstd -d --rm", ".lz4": "lz4 -d --rm -m",
    ".zip": "", ".7z": "", ".rar": "", ".tar": "", ".tgz": "",
}  # fmt: skip
"""What may hold passages and cannot be read, nobody should think that it was; and what unpacks it where it lies."""
SETTINGS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json")
"""JSON beside a corpus, as the datasets library leaves it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a corpus."""

    name: str
    """Below the corpus's folder; empty: the corpus is this file."""
    size: int
    """Bytes."""
    mark: str
    """Another content has another: S3's ETag, or a digest of the file's ends."""


def files_of(path: str, place: Place) -> Sequence[Found]:
    """Lists the files of a corpus, in order of name.

    Raises:
        UsageError: there is no such file or folder, a folder holds none that can be read or one that cannot, or it is
            one of pieces that are not all written.
    """
    listed = {one.name: one for one in (_objects(path, place) if isinstance(place, Bucket) else _walk(Path(path)))}
    if not listed:
        raise missing(path)
    seen = [name for name in sorted(listed) if not any(part.startswith((".", "_")) for part in name.split("/"))]
    if MARKER in listed:
        require_whole(path, place, seen)
    if not seen:
        raise UsageError(
            f"{path} holds nothing but names that begin with . or _, which are passed over: {some_of(sorted(listed))}. "
            "Name the folder within, or the file.",
            kind="empty-file",
        )
    names = seen if seen == [""] else _taken(seen, path, place)
    return [_marked(path_of(path, name), listed[name], place) for name in names]


def some_of(names: Sequence[str]) -> str:
    """Names the first of several files, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "nothing"


def _taken(seen: Sequence[str], path: str, place: Place) -> Sequence[str]:
    """Returns which of a folder's files are the corpus; what begins with a dot or a low line is not seen at all."""
    packed = [name for name in seen if name.lower().removesuffix(".gz").endswith(tuple(PACKED))]
    if packed:
        ending = next(one for one in PACKED if packed[0].lower().removesuffix(".gz").endswith(one))
        is_here = PACKED[ending] and not isinstance(place, Bucket)
        how = f" (find {path} -name '*{ending}' -exec {PACKED[ending]} {{}} +)" if is_here else ""
        raise UsageError(
            f"{path} holds what cannot be read: {some_of(packed)}. Unpack it{how}, or take it out of the folder.",
            kind="other-format",
        )
    unnamed = _of_passages([name for name in seen if "." not in _base(name)], path, place)
    taken = [name for name in seen if _is_known(name) or name in unnamed]
    if not taken:
        raise UsageError(
            f"{path} holds no file of a corpus ({', '.join(ENDINGS)}; .gz behind them), but {some_of(seen)}.",
            kind="empty-file",
        )
    return _without_questions(taken)


def _base(name: str) -> str:
    return name.lower().rpartition("/")[2].removesuffix(".gz")


def _is_known(name: str) -> bool:
    base = _base(name)
    is_cache = base.startswith("cache-") and base.endswith(".arrow")
    return base.endswith(ENDINGS) and base not in SETTINGS and not is_cache


def _of_passages(names: Sequence[str], path: str, place: Place) -> Collection[str]:
    """Returns which files without any ending begin as WikiExtractor's `wiki_00` or Spark's `part-00000` do."""

    def begins(name: str) -> bool:
        where = path_of(path, name)
        return begins_as_passages(place.read(where, 0, HEAD_BYTES), where)

    with ThreadPoolExecutor(THREADS) as pool:
        return {name for name, is_one in zip(names, pool.map(begins, names), strict=True) if is_one}


def _without_questions(names: Sequence[str]) -> Sequence[str]:
    """Returns of BEIR's folder, or the hub's copy of it, the corpus alone, in one file or in several (`corpus-1`)."""
    tops = {name: name.split("/")[0].split(".")[0] for name in names}
    corpus = [name for name in names if re.fullmatch("corpus([-_ ].*)?", tops[name])]
    return corpus if corpus and "queries" in tops.values() else names


def _walk(path: Path) -> Iterator[Found]:
    """Yields the files of a folder; through links too, but no folder twice."""
    if path.is_file():
        yield Found("", 0, "")
        return
    if path.exists() and not path.is_dir():
        raise UsageError(
            f"{path} is a pipe or a device, which is read but once. Write it to a file.", kind="other-format"
        )
    seen = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        if os.path.realpath(folder) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(folder))
        # A pipe would be waited for; a link that leads nowhere is called missing only where it is a corpus by its name.
        paths = (Path(folder) / name for name in files)
        wanted = (one for one in paths if one.is_file() or (one.is_symlink() and _is_known(one.name)))
        yield from (Found(one.relative_to(path).as_posix(), 0, "") for one in wanted)


def _objects(path: str, place: Bucket) -> Iterator[Found]:
    name = place.name_of(path)
    alone = next(iter(place.objects.list(name)), None) if name and not path.endswith("/") else None
    if alone and alone.name == name:
        yield Found("", alone.size, alone.etag)
        return
    prefix = f"{name}/" if name else ""
    for one in place.objects.list(prefix):
        # Consoles make an empty object for a folder.
        if not one.name.endswith("/") and one.name != prefix:
            yield Found(one.name.removeprefix(prefix), one.size, one.etag)


def _marked(path: str, found: Found, place: Place) -> Found:
    """Gives a file its size, and one without an ETag a mark of its ends."""
    with readable(path):
        size = found.size if isinstance(place, Bucket) else Path(path).stat().st_size
    if found.mark:
        return found
    ends = place.read(path, 0, ENDS) + place.read(path, max(0, size - ENDS), ENDS)
    return Found(found.name, size, blake3(ends).hexdigest(length=8))
