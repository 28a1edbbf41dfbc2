"""Opens pages in a real browser that has no network."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), "")

needs_chromium = pytest.mark.skipif(not _CHROMIUM, reason="needs chromium on the PATH")


_FETCHES = """addEventListener("load", () => performance.getEntriesByType("resource").forEach(
    one => console.error("fetches " + one.name)));"""


class Opened(NamedTuple):
    """A page after its scripts ran."""

    dom: str
    complaints: list[str]
    """Errors of scripts, and addresses that the page asked for."""


def opened(page: Path, script: str = "") -> Opened:
    """Opens a page; `script` runs once the page stands, and what it makes of the page is seen too."""
    shown = page.with_name(f"opened-{page.name}")
    shown.write_text(page.read_text().replace("</body>", f"<script>{_FETCHES}{script}</script></body>"))
    done = subprocess.run(
        [
            _CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,900", "--dump-dom", f"file://{shown}",
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return Opened(done.stdout, re.findall(r"^.*:CONSOLE.*$", done.stderr, re.MULTILINE))
