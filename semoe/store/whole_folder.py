"""Folders that are whole or absent: filled under a temporary name beside their place, then renamed.

A crash, Ctrl-C or full disk leaves at most a folder whose name begins with a dot, which nothing reads.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from semoe.files import os_errors


def make_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fills a temporary sibling and gives it its name; an older folder of that name goes.

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
    """
    with os_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            fill(temporary)
            temporary.chmod(0o755)
            _put(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _put(temporary: Path, folder: Path) -> None:
    """Renames `temporary` to `folder`.

    What is there is moved aside whole: removed in place, an interrupt would leave half of it under the final name.
    """
    if not folder.exists():
        os.rename(temporary, folder)  # noqa: PTH104
        return
    aside = temporary.with_name(f"{temporary.name}.old")
    os.rename(folder, aside)  # noqa: PTH104
    try:
        os.rename(temporary, folder)  # noqa: PTH104
    except BaseException:
        os.rename(aside, folder)  # noqa: PTH104
        raise
    shutil.rmtree(aside, ignore_errors=True)
