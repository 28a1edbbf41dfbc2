"""One augmented file and what is kept of how it was made: its report, and while it is being made its journal.

These lie in a folder of their own, `data_aug_reports/…`. The published loader lists the folder of an augmented file and
takes every entry for questions of another type, so nothing else may lie there.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import AugmentedQuestion
from semoe.datasets.augmented_file import write_augmented
from semoe.errors import SemoeError
from semoe.files import os_errors, read_json, write_json
from semoe.published.journal import Journal

REPORT = ".report.json"
JOURNAL = ".journal.jsonl"


@dataclass(frozen=True, slots=True)
class AugmentedPlace:
    """Where an augmented file and its report are."""

    output: Path
    """The file in the published shape."""
    reports: Path
    """Folder of its report and its journal."""

    def made_with(self) -> dict[str, Any] | None:
        """Returns the settings that the file was made with; None where it is from elsewhere, or changed since."""
        try:
            stored = self.report()
            settings: dict[str, Any] = stored["settings"]
            return settings if stored["output"] == self._sha256() else None
        except (SemoeError, OSError, KeyError, TypeError):
            return None

    def report(self) -> dict[str, Any]:
        """Returns what was reported of the file.

        Raises:
            UsageError: there is no report, or it is broken.
        """
        path = self._kept(REPORT)
        # An earlier version kept it beside the file.
        found: dict[str, Any] = read_json(path if path.exists() else self.output.with_suffix(REPORT))
        return found

    def is_as_reported(self, stored: Mapping[str, Any]) -> bool:
        """Whether the file has the bytes that a report vouches for."""
        return self.output.is_file() and stored["output"] == self._sha256()

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Vouches for the file as it is."""
        write_json(self._kept(REPORT), {**report, "output": self._sha256()})

    def journal(self, settings: dict[str, Any]) -> Journal:
        """Returns the journal of making it."""
        return Journal(self._kept(JOURNAL), settings)

    def clear(self) -> None:
        """Leaves the file alone in its folder: what an earlier version or a killed write left beside it goes."""
        with os_errors(self.output):
            for suffix in (REPORT, JOURNAL):
                former = self.output.with_suffix(suffix)
                if former.exists() and not self._kept(suffix).exists():
                    self.reports.mkdir(parents=True, exist_ok=True)
                    shutil.move(former, self._kept(suffix))
                former.unlink(missing_ok=True)
            remove_torn(self.output)

    def _kept(self, suffix: str) -> Path:
        return self.reports / f"{self.output.stem}{suffix}"

    def _sha256(self) -> str:
        return hashlib.sha256(self.output.read_bytes()).hexdigest()


def remove_torn(output: Path) -> None:
    """Removes what a write of this file left that was killed before its end (`semoe.files`)."""
    for torn in output.parent.glob(f".{output.name}.*.tmp"):
        torn.unlink(missing_ok=True)


def write_alone(output: Path, questions: Sequence[AugmentedQuestion], prefix: str) -> None:
    """Writes an augmented file, and leaves nothing else of that name beside it."""
    with os_errors(output):
        remove_torn(output)
    write_augmented(output, questions, prefix)
