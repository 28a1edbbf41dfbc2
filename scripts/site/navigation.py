"""Which files of the repository are pages, and in which order the side bar lists them.

Each page is reached from here and nowhere else: a Markdown file below docs/ that is left out fails the build.
"""

from itertools import chain
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
HOME = "docs/index"
NAVIGATION = {
    "Start": ["README", "docs/tutorials/researcher", "docs/tutorials/platform", "docs/tutorials/method"],
    "Use": ["docs/ask", "docs/corpus", "docs/retrieval", "docs/switching", "docs/reproduce", "docs/python"],
    "What it brings": ["docs/effect", "docs/performance", "docs/gallery", "docs/limits"],
    "Operate": [
        "docs/kubernetes",
        "helm/elasticsearch/README",
        "docs/metrics",
        "docs/runbook",
    ],
    "Look up": [
        "docs/cli",
        "docs/api/README",
        "docs/formats",
        "docs/published",
        "docs/store-format",
    ],
    "Develop": [
        "docs/architecture",
        "docs/decisions/README",
        "docs/testing",
        "semoe/demo_data/README",
        "CONTRIBUTING",
        "RELEASE",
        "SECURITY",
        "CHANGELOG",
    ],
}
TITLES = {"README": "At a glance"}
"""Of pages whose own heading says less in the side bar."""
BELOW = {
    "docs/api/README": [
        f"docs/api/{name}" for name in ("models", "experts", "retrieval", "answering", "methods", "results", "errors")
    ],
    "docs/decisions/README": sorted(f"docs/decisions/{path.stem}" for path in (ROOT / "docs/decisions").glob("0*.md")),
}
"""Pages that the side bar folds below another one."""
PAGES = [HOME, *chain(*NAVIGATION.values(), *BELOW.values())]


def toctree(pages: list[str], caption: str) -> str:
    """Returns the directive that puts pages into the side bar."""
    named = f":caption: {caption}\n" if caption else ""
    return "\n\n```{toctree}\n:hidden:\n" + named + "\n" + "\n".join(map(_entry, pages)) + "\n```\n"


def _entry(page: str) -> str:
    return f"{TITLES[page]} </{page}>" if page in TITLES else f"/{page}"


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Puts the side bar behind the text of the pages that others hang on."""
    if page == HOME:
        source[0] += "".join(toctree(pages, caption) for caption, pages in NAVIGATION.items())
    elif page in BELOW:
        source[0] += toctree(BELOW[page], "")


def look_for_others(app: Sphinx) -> None:
    """Warns of a file below docs/ that is no page, and of a page that is no file."""
    found = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    for page in sorted(found - set(PAGES)):
        logging.getLogger(__name__).warning("%s.md is not in the navigation (scripts/site/navigation.py)", page)
    for page in PAGES:
        if not (ROOT / f"{page}.md").exists():
            logging.getLogger(__name__).warning("%s.md is in the navigation, and is not there", page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Is called by Sphinx."""
    app.connect("builder-inited", look_for_others)
    app.connect("source-read", add_navigation)
    return {"parallel_read_safe": True}
