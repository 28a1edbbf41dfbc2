"""Draws F1 against the time and the memory that an answer takes.

`python -m benchmarks.effect.figure effect-popqa.json effect-2wikimultihopqa.json --out effect.svg`
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.effect.tables import ONE_GO, cost_rows
from semoe.evaluation.bootstrap import interval


def main() -> None:
    """Draws a row of two plots for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    figure([json.loads(path.read_text(encoding="utf-8")) for path in asked.results], asked.out)


def figure(results: list[dict[str, Any]], path: Path) -> None:
    """Draws them; points of a method are joined, and say how many passages they have."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    drawing, places = plt.subplots(
        len(results), 2, figsize=(11, 4.2 * len(results)), layout="constrained", squeeze=False
    )
    for (left, right), found in zip(places, results, strict=True):
        for number, method in enumerate(ONE_GO):
            rows = sorted((row for row in cost_rows(found["cells"]) if row[0] == method), key=lambda row: row[1])
            scores = [_second_half(found["cells"][name]) for _, _, name, _ in rows]
            seconds = [1000 * one["seconds"] for *_, one in rows]
            memory = [one["memory"] / 2**20 for *_, one in rows]
            for place, across in ((left, seconds), (right, memory)):
                _line(place, across, scores, [row[1] for row in rows], method, f"C{number}")
        of = found["of"]
        left.set(title=f"{of['dataset']}: F1 against time ({found['device']}, {of['dtype']})", xlabel="ms a question")
        right.set(title=f"{of['dataset']}: F1 against memory", xlabel="MiB a question: cache and experts")
        for place, ticks in ((left, (1, 2, 5, 10, 20)), (right, (4, 8, 16, 32, 64))):
            place.set(ylabel="F1, percent", xscale="log", ylim=(0, None))
            place.set_xticks(ticks, [str(one) for one in ticks])
            place.minorticks_off()
            place.grid(alpha=0.3)
        left.legend()
    drawing.savefig(path)
    plt.close(drawing)


def _line(place: Any, across: list[float], scores: list[Any], topks: list[int], method: str, color: str) -> None:
    spread = [[one.mean - one.low for one in scores], [one.high - one.mean for one in scores]]
    place.errorbar(across, [one.mean for one in scores], spread, fmt="o-", color=color, capsize=2, label=method)
    for x, one, topk in zip(across, scores, topks, strict=True):
        place.annotate(f"{topk}", (x, one.mean), xytext=(5, 4), textcoords="offset points", fontsize=8)


def _second_half(cell: dict[str, Any]) -> Any:
    return interval([value / 10 for value in cell["f1"][len(cell["f1"]) // 2 :]])


if __name__ == "__main__":
    main()
