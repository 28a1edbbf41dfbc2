"""Tables of what was measured, in Markdown: at the preset's settings, chosen on one half, and cost."""

from collections.abc import Sequence
from typing import Any

from benchmarks.effect.cells import TOPK
from semoe.evaluation.bootstrap import Interval, interval, paired_bootstrap
from semoe.runs.comparison import PAIRS

Results = dict[str, Any]
ONE_GO = "none", "icl", "prag", "combine"
DIFFERENCES = (*PAIRS, ("prag", "icl", "experts against passages"))


def tables(found: Results) -> str:
    """Returns all of them."""
    of = found["of"]
    head = f"{of['dataset']}, {of['questions']} questions, {of['model']} in {of['dtype']}, preset {of['preset']}"
    parts = [head, _usual(found["cells"]), _chosen(found["cells"], of["questions"]), _cost(found["cells"])]
    return "\n\n".join(part for part in parts if part)


def _usual(cells: Results) -> str:
    """At the preset's prompt and weights, over all questions."""
    names = {name.partition("@")[0]: name for name in cells if name.endswith((f"@{TOPK}", f"@{TOPK} half", "none@0"))}
    lines = ["| | F1 [95 %] | EM | retrievals a question |", "|---|---|---|---|"]
    for label, name in names.items():
        one = cells[name]
        lines.append(f"| {label} | {_interval(one['f1'])} | {_percent(one['em'])} | {one.get('retrievals', 0):.2f} |")
    pairs = [(a, b, said) for a, b, said in DIFFERENCES if {a, b} <= names.keys()]
    pairs += [
        (label, label.rpartition("-")[2], "what retrieving while writing brings") for label in names if "-" in label
    ]
    lines += ["", "| difference | F1 [95 %] | what it says |", "|---|---|---|"]
    lines += [f"| {a} − {b} | {_difference(cells[names[a]], cells[names[b]])} | {said} |" for a, b, said in pairs]
    return "\n".join(lines)


def _chosen(cells: Results, number: int) -> str:
    """Each method's best on the first half, on the second; a control has what its method has."""
    first, second = slice(number // 2), slice(number // 2, None)
    chosen = {method: best(cells, method, first) for method in ONE_GO}
    for method in ("prag", "combine"):
        control = chosen[method].replace(method, f"{method}_random", 1)
        chosen |= {f"{method}_random": control} if control in cells else {}
    lines = [f"| chosen on the first {number // 2} | F1 there | F1 on the others [95 %] |", "|---|---|---|"]
    lines += [
        f"| {name} | {_percent(cells[name]['f1'][first])} | {_interval(cells[name]['f1'][second])} |"
        for name in chosen.values()
    ]
    lines += ["", "| difference on the others | F1 [95 %] | what it says |", "|---|---|---|"]
    for a, b, said in DIFFERENCES:
        if {a, b} <= chosen.keys():
            lines.append(f"| {a} − {b} | {_difference(cells[chosen[a]], cells[chosen[b]], second)} | {said} |")
    return "\n".join(lines)


def best(cells: Results, method: str, part: slice, topk: int | None = None) -> str:
    """Returns the name of a method's best way over a part of the questions, with so many passages or any number."""
    names = [name for name in cells if name.partition("@")[0] == method]
    of = [name for name in names if topk is None or name.partition("@")[2].split(" ")[0] == str(topk)]
    return max(of, key=lambda name: sum(cells[name]["f1"][part]))


def cost_rows(cells: Results) -> list[tuple[str, int, str, Results]]:
    """Returns method, passages, the way chosen on the first half, and time and memory of the usual way."""
    number = len(next(iter(cells.values()))["f1"])
    usual = {name: one for name, one in cells.items() if name.partition(" ")[2] in ("", "half")}
    rows = []
    for name, one in usual.items():
        method, _, topk = name.partition(" ")[0].partition("@")
        if method in ONE_GO:
            rows.append((method, int(topk), best(cells, method, slice(number // 2), int(topk)), one))
    return rows


def _cost(cells: Results) -> str:
    lines = [
        "| | passages | chosen | F1 on the others [95 %] | tokens of the prompt | ms a question | KiB a question |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, topk, name, one in cost_rows(cells):
        second = slice(len(one["f1"]) // 2, None)
        lines.append(
            f"| {method} | {topk} | {name.partition(' ')[2]} | {_interval(cells[name]['f1'][second])} | "
            f"{one['tokens']:.0f} | {1000 * one['seconds']:.2f} | {one['memory'] / 1024:,.0f} |"
        )
    return "\n".join(lines)


def _interval(values: Sequence[float]) -> str:
    return _said(interval([value / 10 for value in values]))


def _difference(one: Results, other: Results, part: slice = slice(None)) -> str:
    found = paired_bootstrap([v / 10 for v in one["f1"][part]], [v / 10 for v in other["f1"][part]])
    return _said(found)


def _said(found: Interval) -> str:
    low, high = (f"{value:.1f}".replace("-", "−") for value in (found.low, found.high))
    return f"{found.mean:.1f} [{low}, {high}]".replace("-", "−")


def _percent(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values) / 10:.1f}"
