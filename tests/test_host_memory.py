from pathlib import Path

import pytest

from semoe import host_memory
from semoe.host_memory import available_memory


def test_a_container_has_what_its_bound_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("meminfo", "MemTotal: 9 kB\nMemAvailable:    4096 kB\n"),
        ("max", "max\n"),
        ("current", "1000\n"),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(host_memory, "MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(host_memory, "CONTAINERS", [(tmp_path / "max", tmp_path / "current")])
    assert available_memory() == 4096 * 1024
    (tmp_path / "max").write_text("1500\n")
    assert available_memory() == 500
    (tmp_path / "max").write_text("900\n")
    assert available_memory() == 0


def test_where_nothing_says_so_there_is_nothing_to_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "MACHINE", tmp_path / "none")
    assert available_memory() == 0
