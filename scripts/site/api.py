"""Writes docstrings into the pages: where a page says `<!-- api: Engine -->`, the site has what is public of it.

On a code host the comment does not show, and the page's own words stand alone. A name with dots is a record that public
names take or return, by its place in the package.
"""

import re
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging

import semoe

MARK = re.compile(r"^<!-- api: ([\w.]+) -->$", re.MULTILINE)
NOT_DESCRIBED = {"__version__"}
WITH_DOCSTRING = {"class", "exception", "function", "method", "property"}
"""What must have one; of a record's field the name and the type may be enough."""
logger = logging.getLogger(__name__)
Lines = list[str]


def directive(name: str) -> str:
    """Returns what Sphinx writes a name's docstrings by."""
    module, _, last = f"semoe.{name}".rpartition(".")
    found = getattr(import_module(module), last)
    if isinstance(found, type):
        kind = "autoexception" if issubclass(found, Exception) else "autoclass"
        return f"```{{eval-rst}}\n.. {kind}:: semoe.{name}\n   :members:\n   :undoc-members:\n```"
    return f"```{{eval-rst}}\n.. {'autofunction' if callable(found) else 'autodata'}:: semoe.{name}\n```"


def write_docstrings(app: Sphinx, page: str, source: Lines) -> None:
    """Puts a directive in the place of each mark."""
    app.env.metadata[page]["api"] = " ".join(MARK.findall(source[0]))
    source[0] = MARK.sub(lambda found: directive(found[1]), source[0])


def look_for_missing(app: Sphinx, env: BuildEnvironment) -> None:
    """Warns of a public name that no page describes, or more than one."""
    described = [name for one in env.metadata.values() for name in str(one.get("api", "")).split()]
    for name in sorted({*semoe.__all__, *described} - NOT_DESCRIBED):
        if described.count(name) != 1:
            logger.warning("semoe.%s is described on %d pages of docs/api", name, described.count(name))


def read_docstring(app: Sphinx, what: str, name: str, found: object, options: object, lines: Lines) -> None:
    """Turns Google's style into Sphinx's, and warns where nothing stands.

    Sphinx's own listener would take a field's or property's words up to the first colon for its type.
    """
    if what in WITH_DOCSTRING and not any(lines):
        logger.warning("%s has no docstring", name)
    if what not in {"attribute", "property"}:
        lines[:] = GoogleDocstring(lines, Config(), None, what, name, found, options).lines()


def public_name(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Element) -> Any:
    """Finds what annotations call by its module, and the page by its public name."""
    places = {place.replace(":", ".") if ":" in place else f"{place}.{name}": f"semoe.{name}"
              for name, place in semoe._PLACES.items()}  # fmt: skip
    target = places.get(node.get("reftarget"))
    domain = env.domains.python_domain
    return target and domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], target, node, text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Is called by Sphinx."""
    app.connect("source-read", write_docstrings)
    app.connect("env-check-consistency", look_for_missing)
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("missing-reference", public_name)
    return {"parallel_read_safe": False}
