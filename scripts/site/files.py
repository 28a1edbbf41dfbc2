"""Links to files and folders of the repository that are no pages: the site has a page that shows the file."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx

FOLDER = "files"


def resolve(app: Sphinx, doctree: nodes.document) -> None:
    """Points each link to a file or folder at its page; a target that is not there is left for Sphinx to warn of."""
    for node in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        if node.get("reftype") != "myst" or node.get("refdomain") == "doc":
            continue
        name, path = app.env.relfn2path(node["reftarget"].partition("#")[0], app.env.docname)
        if Path(path).exists():
            node.replace_self(_link(app, node, name.rstrip("/"), Path(path)))


def _link(app: Sphinx, node: nodes.Element, name: str, path: Path) -> nodes.Element:
    here = app.env.docname
    if f"{name}/README" in app.env.found_docs:
        page = f"{name}/README"
    else:
        page = f"{FOLDER}/{name}"
        _shown(app)[name] = path
    return nodes.reference("", "", *node.children, internal=True, refuri=app.builder.get_relative_uri(here, page))


def _shown(app: Sphinx) -> dict[str, Path]:
    found: dict[str, Path] = app.env.__dict__.setdefault("semoe_files", {})
    return found


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yields a page for each file and folder that is linked, and for the files of such a folder."""
    waiting = dict(_shown(app))
    while waiting:
        name, path = waiting.popitem()
        inside = {f"{name}/{one.name}": one for one in sorted(path.iterdir())} if path.is_dir() else {}
        waiting |= inside
        body = _listing(path, inside) if inside else _source(path)
        yield f"{FOLDER}/{name}", {"title": name, "body": f"<h1>{html.escape(name)}</h1>{body}"}, "page.html"


def _listing(path: Path, inside: dict[str, Path]) -> str:
    rows = (f'<li><a href="{path.name}/{one.name}.html">{html.escape(one.name)}</a></li>' for one in inside.values())
    return f"<ul>{''.join(rows)}</ul>"


def _source(path: Path) -> str:
    try:
        lexer = get_lexer_for_filename(path.name)
    except ClassNotFound:
        lexer = TextLexer()
    return str(highlight(path.read_text(encoding="utf-8"), lexer, HtmlFormatter(cssclass="highlight")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Is called by Sphinx."""
    app.connect("doctree-read", resolve, priority=400)  # before Sphinx copies what is linked
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": False}
