"""What ends `make docs`: the extensions of scripts/site on pages that are broken, and on whole ones."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "# Home\n\n{}\n"
SPHINX = "myst_parser,sphinx.ext.autodoc,scripts.site.api,scripts.site.files"


def built(folder: Path, text: str) -> tuple[int, str]:
    """Builds a site of one page, as `make docs` does; returns the exit code and what was said."""
    (folder / "index.md").write_text(PAGE.format(text), encoding="utf-8")
    (folder / "code.py").write_text("answer = 42\n", encoding="utf-8")
    settings = [f"extensions={SPHINX}", "myst_heading_anchors=4", "default_role=code"]
    command = [sys.executable, "-m", "sphinx", "-C", "-W", "--keep-going", "-q", "-b", "html"]
    command += [word for one in settings for word in ("-D", one)]
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [*command, str(folder), str(folder / "site")], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": search},
    )  # fmt: skip
    return done.returncode, done.stderr


BREAKS = {
    "[a page](missing.md)": "index.md:3: WARNING: 'myst' cross-reference target not found: 'missing.md'",
    "[a place](#nowhere)": "index.md:5: WARNING: 'myst' cross-reference target not found: 'nowhere'",
    "[a file](code.rs)": "index.md:7: WARNING: 'myst' cross-reference target not found: 'code.rs'",
    "![a picture](plot.svg)": "index.md:9: WARNING: image file not readable: plot.svg",
    "<!-- api: score -->\n\n<!-- api: score -->": "semoe.score is described on 2 pages",
}


def test_each_break_is_told_and_ends_the_build(tmp_path: Path) -> None:
    code, told = built(tmp_path, "\n\n".join(BREAKS))
    assert code == 1
    assert [said for said in BREAKS.values() if said not in told] == []
    assert "semoe.Engine is described on 0 pages" in told


def test_what_is_whole_is_shown(tmp_path: Path) -> None:
    """Docstrings where they are asked for, a linked file and folder as pages; nothing is said of them."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some/more.py").write_text("question = 6 * 9\n", encoding="utf-8")
    _, told = built(tmp_path, "[code](code.py), [here](#home), [folder](some/)\n\n<!-- api: score -->")
    assert [line for line in told.splitlines() if "described on 0 pages" not in line] == []
    page = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert 'href="files/code.py.html"' in page
    assert page.count('id="semoe.score"') == 1
    assert "42" in (tmp_path / "site/files/code.py.html").read_text(encoding="utf-8")
    assert 'href="some/more.py.html"' in (tmp_path / "site/files/some.html").read_text(encoding="utf-8")
    assert (tmp_path / "site/files/some/more.py.html").exists()


def test_a_name_without_a_docstring_is_told(caplog: pytest.LogCaptureFixture) -> None:
    from scripts.site.api import read_docstring

    lines: list[str] = []
    with caplog.at_level(logging.WARNING):
        read_docstring(None, "method", "semoe.Engine.step", None, None, lines)  # type: ignore[arg-type]
        read_docstring(None, "attribute", "semoe.Request.prompt", None, None, lines)  # type: ignore[arg-type]
    assert [one.getMessage() for one in caplog.records] == ["semoe.Engine.step has no docstring"]


def test_every_page_is_in_the_navigation(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.site import navigation

    def told() -> list[str]:
        caplog.clear()
        navigation.look_for_others(None)  # type: ignore[arg-type]
        return [one.getMessage().partition(" ")[0] for one in caplog.records]

    assert told() == []
    monkeypatch.setattr(navigation, "PAGES", [*navigation.PAGES[1:], "docs/gone"])
    assert told() == ["docs/index.md", "docs/gone.md"]
