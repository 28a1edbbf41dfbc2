"""Which model this is: a digest of all that decides what it computes and which tokens a text becomes.

Three parts, so that whoever refuses a model can say what differs: its tensors (name, type, shape and bytes of every
one, in order of name, whatever folder or shards they lie in), its tokenizer's files, and its configuration.

Nobody hashes gigabytes at every start: what a file's tensors are is remembered in the user's cache beside device,
inode, size and times of the file.
"""

import logging
import mmap
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from blake3 import blake3
from safetensors import SafetensorError, safe_open

from semoe.errors import CorruptError, SemoeError
from semoe.files import read_json, write_bytes
from semoe.models.config import ModelConfig, read_config
from semoe.models.smollm2 import cache_folder
from semoe.models.tokenizer import Tokenizer, read_tokenizer_config
from semoe.models.weight_files import weight_files
from semoe.records import without_defaults

PARTS = ("weights", "tokenizer", "configuration")
DIGITS = 16
"""Hex digits of each part."""
TOKENIZER_FILES = ("tokenizer.json", "chat_template.jinja")
LENGTH_BYTES = 8
"""A safetensors file begins with the length of its JSON header, little-endian."""
SETTLED_NS = 2_000_000_000
"""A file that changed less than this ago may change again without its times telling: it is not remembered."""
log = logging.getLogger(__name__)
Lines = Mapping[str, str]
"""A tensor's type, shape and digest, by its name."""


def digest_of_folder(folder: Path, template_arguments: Mapping[str, Any] | None = None) -> str:
    """Returns the digest of a model folder; reads every byte of its weights unless they are remembered.

    Args:
        folder: the model's.
        template_arguments: values for its chat template; other prompts make it another model.

    Raises:
        UsageError: the folder holds no model.
        CorruptError: a weight file is damaged.
    """
    config = read_config(folder)
    tokenizer = Tokenizer(folder, config.eos_token_ids, template_arguments=template_arguments)
    lines = {name: line for path in weight_files(folder) for name, line in tensor_lines(path)}
    return model_digest(lines, folder, config, tokenizer.changes())


def model_digest(lines: Lines, folder: Path, config: ModelConfig, changes: Mapping[str, Any]) -> str:
    """Returns `weights-tokenizer-configuration`, hex digits of each.

    Args:
        lines: of all tensors, as `tensor_lines` has them.
        folder: where the tokenizer lies.
        config: end tokens are left out: they decide when an answer ends, not what anything means.
        changes: what decides ids and prompts beside the tokenizer's files (`Tokenizer.changes`).
    """
    weights = blake3()
    for name in sorted(lines):
        weights.update(f"{name} {lines[name]}\n".encode())
    tokenizer = blake3()
    for name in TOKENIZER_FILES:
        if (folder / name).is_file():
            tokenizer.update(f"{name} {blake3((folder / name).read_bytes()).hexdigest()}\n".encode())
    tokenizer.update(orjson.dumps(read_tokenizer_config(folder), option=orjson.OPT_SORT_KEYS))
    if changes:
        tokenizer.update(orjson.dumps(changes, option=orjson.OPT_SORT_KEYS))
    shape = {name: value for name, value in without_defaults(config).items() if name != "eos_token_ids"}
    configuration = blake3(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS))
    return "-".join(one.hexdigest()[:DIGITS] for one in (weights, tokenizer, configuration))


def difference(one: str, other: str) -> str:
    """Says which parts of two digests differ."""
    pairs = zip(PARTS, one.split("-"), other.split("-"), strict=True)
    return " and ".join(part for part, mine, theirs in pairs if mine != theirs)


def tensor_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yields name and line of each tensor of a safetensors file, in the file's order, hashed as it is asked for.

    Whoever loads each tensor as it comes reads the file from its disk once.

    Raises:
        CorruptError: the file is damaged.
    """
    before = path.stat()
    memory = _memory(before)
    if remembered := _recall(memory):
        yield from remembered.items()
        return
    lines = dict[str, str]()
    for name, line in _hashed(path):
        lines[name] = line
        yield name, line
    if _same(before, path.stat()) and time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > SETTLED_NS:
        _remember(memory, lines)


def _hashed(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with safe_open(path, framework="numpy"):
            pass  # The library checks the header: what follows may believe it.
    except SafetensorError as error:
        raise CorruptError(f"{path} is damaged ({error}). Download it again.", kind="corrupt") from error
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        length = int.from_bytes(mapped[:LENGTH_BYTES], "little")
        header = orjson.loads(mapped[LENGTH_BYTES : LENGTH_BYTES + length])
        header.pop("__metadata__", None)
        for name, about in header.items():
            start, end = (LENGTH_BYTES + length + offset for offset in about["data_offsets"])
            with memoryview(mapped) as whole, whole[start:end] as data:
                digest = blake3(data, max_threads=blake3.AUTO).hexdigest()
            yield name, f"{about['dtype']} {about['shape']} {digest}"


def _memory(found: os.stat_result) -> Path:
    about = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return cache_folder() / "digests" / f"{'-'.join(map(str, about))}.json"


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return _memory(one) == _memory(other)


def _recall(memory: Path) -> dict[str, str]:
    try:
        found = read_json(memory)
    except SemoeError:
        return {}
    return found if isinstance(found, dict) else {}


def _remember(memory: Path, lines: Lines) -> None:
    """A cache that cannot be written costs time at the next start, and nothing else."""
    try:
        write_bytes(memory, orjson.dumps(dict(lines)))
    except SemoeError as error:
        log.debug("the digest of the weights is not remembered: %s", error)
