"""Draws what was measured of answering: questions a second against rows, and F1 against the seconds of a GPU."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


def figure(answering: dict[str, Any], questions: dict[str, Any], path: Path) -> None:
    """Draws both side by side."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    own = sorted(
        (row for name, row in answering["rows"].items() if name.startswith("own-")), key=lambda row: row["rows"]
    )
    left.plot([row["rows"] for row in own], [row["questions_per_second"] for row in own], "o-")
    left.set(title="Llama 3.2 1B's shape, bfloat16, 300 + 64 tokens,\nthree own experts for each question")
    left.set(xlabel="rows at once", ylabel="questions a second", xscale="log", ylim=(0, None))
    left.set_xticks([row["rows"] for row in own], [str(row["rows"]) for row in own])
    left.minorticks_off()
    for on, marker in (("cuda:float32", "o"), ("cuda:bfloat16", "s")):
        for number, (name, one) in enumerate(questions["answers"][on].items()):
            spread = [[one["f1"] - one["f1_low"]], [one["f1_high"] - one["f1"]]]
            right.errorbar(one["seconds"], one["f1"], spread, fmt=marker, color=f"C{number}", capsize=2)
            right.annotate(name, (one["seconds"], one["f1"]), xytext=(5, 4), textcoords="offset points", fontsize=8)
    right.set(title=f"{questions['questions']} questions, SmolLM2\n(circles float32, squares bfloat16; 95 % intervals)")
    right.set(xlabel="seconds on the GPU, all questions", ylabel="F1, percent", xlim=(0, 2.6), ylim=(0, None))
    for place in (left, right):
        place.grid(alpha=0.3)
    drawing.savefig(path)
    plt.close(drawing)


def main() -> None:
    """Draws the results that are kept."""
    answering, questions = (
        json.loads((RESULTS / f"{name}-gpu.json").read_text(encoding="utf-8")) for name in ("answering", "questions")
    )
    figure(answering, questions, RESULTS / "answering-gpu.svg")


if __name__ == "__main__":
    main()
