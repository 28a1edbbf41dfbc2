"""Writes the version wherever it must stand as text, or says what is stale: `make version V=0.2.0`, `check-version`.

`semoe/__init__.py` has it; hatchling, the Makefile, `pipelines/` and tests read it there. Files that can read nothing
(charts, the image's Dockerfile, examples to copy) have it as text, and CITATION.cff the date of its section of the
changelog. Without a version the one of `semoe/__init__.py` is written.
"""

import re
import sys
from pathlib import Path

SOURCE = "semoe/__init__.py"
CHANGELOG = "CHANGELOG.md"
BEFORE = {
    SOURCE: ('__version__ = "',),
    "CITATION.cff": ("\nversion: ",),
    "helm/elasticsearch/Chart.yaml": ("\nversion: ",),
    "helm/workers/Chart.yaml": ("\nversion: ", "\nappVersion: "),
    "images/worker/Dockerfile": ("ARG VERSION=", "semoe-worker:"),
    "docs/kubernetes.md": ("`…:", "semoe-worker:", "semoe-reproduce-v", "semoe-encode-v"),
    "docs/reproduce.md": ("semoe-experiment-v",),
}
"""What stands before the version, each at least once in its file."""


def main(arguments: list[str]) -> int:
    """Writes; with `--check` only compares. Returns the exit code."""
    check = arguments == ["--check"]
    version = arguments[0] if arguments and not check else current()
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.stderr.write(
            f"{version!r} is no version: three numbers, such as 0.2.0, which packages and charts both take\n"
        )
        return 2
    released = re.search(rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)$", text_of(CHANGELOG), re.MULTILINE)
    if not released:
        sys.stderr.write(f"{CHANGELOG} has no section of {version}: head one with '## [{version}] - ' and its date\n")
        return 1
    wanted = {name: with_version(name, version, released[1]) for name in BEFORE}
    stale = [name for name, text in wanted.items() if text != text_of(name)]
    if check:
        sys.stderr.writelines(f"{name} is not of version {version}: run make version\n" for name in stale)
        return 1 if stale else 0
    for name in stale:
        Path(name).write_text(wanted[name], encoding="utf-8")
    return 0


def with_version(name: str, version: str, date: str) -> str:
    """Returns a file's text as it is of that version.

    Raises:
        SystemExit: the file no longer has one of its places.
    """
    text = text_of(name)
    for before in BEFORE[name]:
        # Names of templates have dashes for the dots.
        new = version.replace(".", "-") if before.endswith("-v") else version
        text, times = re.subn(rf"(?<={re.escape(before)})\d+[.-]\d+[.-]\d+", new, text)
        if not times:
            sys.exit(f"{name} has no version behind {before.strip()!r}: say in scripts/version.py where it stands")
    return re.sub(r"(?<=\ndate-released: )\S+", date, text)


def current() -> str:
    """Returns the version of `semoe/__init__.py`, without importing it."""
    found = re.search(r'^__version__ = "(.*)"$', text_of(SOURCE), re.MULTILINE)
    return found[1] if found else ""


def text_of(name: str) -> str:
    """Returns a file of the repository, from whose root this runs."""
    return Path(name).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
