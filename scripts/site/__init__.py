"""The documentation site: `make docs` builds the repository's Markdown into build/site with Sphinx.

Pages are read where they lie, so that a link leads to the same place in the site and on a code host.
"""
