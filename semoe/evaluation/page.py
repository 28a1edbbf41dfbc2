"""Pages that open offline: one HTML file with its style and its plots inside, and nothing fetched.

The pages of runs, of reproductions and of traces are made here; each has a template of its own beside its module.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2

from semoe.evaluation.svg import can_draw

Plot = Callable[[], str]
"""Draws an SVG; called where matplotlib is there."""


def render(
    package: str, template: str, plots: Sequence[Plot], *, filters: Mapping[str, Callable[..., Any]] = {}, **values: Any
) -> str:
    """Returns a page; without matplotlib it has no plots, and says so.

    Args:
        package: whose folder `templates` holds the template.
        template: name of the file; it may extend `page.html.jinja` of this package.
        plots: drawn in this order.
        filters: that the template calls, by name.
        values: what the template shows; what is text in them comes out as text.
    """
    here = jinja2.PackageLoader("semoe.evaluation")
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(package), here])
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=loader)
    environment.filters.update(filters)
    drawn = [plot() for plot in plots] if can_draw() else []
    return environment.get_template(template).render(plots=drawn, can_draw=can_draw(), **values)
