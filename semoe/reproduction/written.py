"""Writes a reproduction's report into a folder: for programs, for people, for a browser."""

from pathlib import Path

from pydantic import TypeAdapter

from semoe.files import write_bytes, write_text
from semoe.reproduction.markdown import markdown
from semoe.reproduction.page import page
from semoe.reproduction.report import Reproduction

_ADAPTER = TypeAdapter(Reproduction)


def write_report(found: Reproduction, folder: Path) -> list[Path]:
    """Writes report.json, report.md and report.html; returns their paths."""
    made = [folder / f"report.{ending}" for ending in ("json", "md", "html")]
    write_bytes(made[0], _ADAPTER.dump_json(found, indent=2) + b"\n")
    write_text(made[1], markdown(found))
    write_text(made[2], page(found))
    return made


def read_report(path: Path) -> Reproduction:
    """Reads a report.json again."""
    return _ADAPTER.validate_json(path.read_bytes())
