"""What metrics a query in PromQL names."""

import re

from semoe.telemetry.counting import metrics

ARGO = {
    "argo_workflows_pods_gauge",
    "argo_workflows_pods_total_count",
    "argo_workflows_workflowtemplate_triggered_total",
}
"""Of Argo 4's controller; read off a real one."""
KNOWN = {series for one in metrics.declared for series in one.series} | ARGO
_NOT_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|ignoring|on|group_left|group_right|without)\s*\([^)]*\)')
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "by"}


def names_in(query: str) -> set[str]:
    """Every identifier that is no function, label, keyword, number or duration."""
    # Values hold brackets of their own, so they go first.
    bare = _NOT_NAMES.sub(" ", re.sub(r'"[^"]*"', "", query))
    found = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)
    return set(found) - _KEYWORDS
