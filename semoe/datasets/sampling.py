"""Cuts a small dataset out of a whole one, by a rule that it writes down: no question is chosen for what it asks."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semoe.datasets.manifest import digest_of_file, find_data, manifest, require_data
from semoe.datasets.question_file import read_records
from semoe.errors import UsageError
from semoe.files import read_json_lines, read_text, write_json, write_text
from semoe.words import counted

RULE = "SAMPLE.json"
NESTED = ("iirc",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """A file that was cut, as SAMPLE.json beside it has it."""

    dataset: str
    file: str
    num_questions: int
    of: int
    """Questions of the whole file."""
    rule: str
    source_sha256: str
    """Of the whole file."""


def sample_dataset(data_dir: Path, dataset: str, to: Path, count: int, *, spread: bool = False) -> Sampled:
    """Writes the first questions of a dataset, or some at equal distances, into a data folder of the same layout.

    Args:
        data_dir: the data folder that has it whole.
        dataset: its name.
        to: another data folder.
        count: questions.
        spread: whether to take every k-th, from the first on.

    Raises:
        UsageError: its file is missing or broken, has fewer questions, has none of its own (`NESTED`), or lies in the
            folder to be written.
    """
    if dataset in NESTED:
        raise UsageError(f"{dataset} keeps several questions with each passage, and is not cut here.", kind="options")
    require_data(data_dir, dataset)
    source = find_data(data_dir, dataset)
    if source is None or to.resolve() == data_dir.resolve():
        raise UsageError(f"{to} is the data itself. Give another folder with --to.", kind="options")
    target = to / dataset / source.name
    rows = _rows(source)
    if count > len(rows):
        raise UsageError(
            f"{source} has {counted(len(rows), 'question')}, not {count:,}. Ask for fewer.", kind="bad-value"
        )
    step = len(rows) // count if spread else 1
    picked = rows[: count * step : step]
    _write(target, source, picked)
    for name in manifest()[dataset].beside:
        _write_beside(source.parent / name, target.parent / name, picked)
    rule = f"one question in {step}, from the first on" if step > 1 else f"the first {counted(count, 'question')}"
    made = Sampled(
        dataset=dataset,
        file=source.name,
        num_questions=len(picked),
        of=len(rows),
        rule=rule,
        source_sha256=digest_of_file(source),
    )
    write_json(target.parent / RULE, {name: getattr(made, name) for name in Sampled.__slots__})
    return made


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix != ".tsv":
        return read_records(path)
    return list(csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter="\t", strict=True))


def _write(target: Path, source: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    if source.suffix != ".tsv":
        write_json(target, list(rows))
        return
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(target, text.getvalue())


def _write_beside(source: Path, target: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the aliases of the answers that are left."""
    if source.is_file():
        wanted = {row.get("answer_id") for row in rows}
        lines = [line for line in read_json_lines(source) if line.get("Q_id") in wanted]
        # A file without aliases is broken, none at all is not.
        if lines:
            write_text(target, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
