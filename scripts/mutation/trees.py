"""Copies of the checkout: mutants never touch it."""

import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
from pathlib import Path


def copy_tree(root: Path, target: Path) -> Path:
    """Copies a checkout, compiled.

    A compiled file is usually known by its size and whole seconds, so that a mutant could run as its predecessor: here
    it is known by its source.
    """
    for name in _files_of(root):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target / name)
    by_source = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(target / "semoe", quiet=1, invalidation_mode=by_source)
    return target


def digest_of(root: Path) -> str:
    """Returns what changes with the code or its tests: results of another tree do not count."""
    found = hashlib.sha256()
    for name in _files_of(root):
        if name.startswith(("semoe/", "tests/")):
            found.update(name.encode() + b"\0" + (root / name).read_bytes())
    return found.hexdigest()[:12]


def prepare_environment() -> None:
    """Sets what all processes started from here on inherit: one thread each, and no compiled mutants left behind."""
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}


def _files_of(root: Path) -> list[str]:
    """Lists what git knows of a checkout or would add to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(name for name in set(listed) if (root / name).is_file())
