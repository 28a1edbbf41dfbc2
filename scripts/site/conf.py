"""Sphinx's settings: the whole repository is its source folder, `navigation` says which files are pages."""

from scripts.site.navigation import HOME, PAGES
from semoe import __version__

project = "SEMOE"
author = "The SEMOE authors"
copyright = author  # noqa: A001  (Sphinx's name)
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "scripts.site.navigation",
    "scripts.site.api",
    "scripts.site.files",
]
root_doc = HOME
include_patterns = [f"{page}.md" for page in PAGES]
exclude_patterns = [".*", "build", "dist", "node_modules"]
smartquotes = False  # the pages' own marks are meant
default_role = "code"  # docstrings write `name` as Markdown does

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # some pages begin below another's heading

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 100
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"SEMOE {__version__}"
html_extra_path = ["front"]
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_copy_source = False
html_show_sphinx = False
