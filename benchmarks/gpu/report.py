"""The table and the figure of results that were measured."""

import json
from pathlib import Path
from typing import Any

MILLION = 1_000_000
SECONDS_AN_HOUR = 3600
PRICE = 3.0
"""US dollars for an hour of the GPU: an assumption, to be replaced by one's own."""


def table(found: dict[str, Any]) -> str:
    """Returns the rows as a Markdown table."""
    lines = [
        "| row | experts/s | tokens/s | useful TFLOP/s | of its products | of its store | peak GiB | commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"].values():
        shares = (_share(row, "products_limit"), _share(row, "store_limit"))
        lines.append(
            f"| {row['what']} | {row['experts_per_second']:.1f} | {row['tokens_per_second']:,.0f} | "
            f"{row['flops'] / 1e12:.0f} | {shares[0]} | {shares[1]} | {row['peak_gib']:.1f} | {row['commit']} |"
        )
    lines += ["", "| part of a step | ms | share | times its bound |", "|---|---|---|---|"]
    for part, one in found.get("profile", {}).items():
        bound = f"{one['times_bound']:.2f}" if one["times_bound"] else ""
        lines.append(f"| {part} | {one['milliseconds']:.1f} | {one['share']:.1%} | {bound} |")
    return "\n".join(lines) + "\n"


def _share(row: dict[str, Any], limit: str) -> str:
    return f"{row['experts_per_second'] / row[limit]:.0%}" if limit in row else ""


def figure(found: dict[str, Any], path: Path) -> None:
    """Draws experts a second, share of the limit, memory, and the cost of a million passages, against the batch."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    rows = sorted(
        (row for row in found["rows"].values() if row["name"].startswith("bf16-")), key=lambda row: row["num_experts"]
    )
    batches = [row["num_experts"] for row in rows]
    rates = [row["experts_per_second"] for row in rows]
    limits = [row["products_limit"] for row in rows]
    shares = [rate / limit for rate, limit in zip(rates, limits, strict=True)]
    dollars = [MILLION / rate / SECONDS_AN_HOUR * PRICE for rate in rates]
    curves: tuple[tuple[str, list[float], list[float]], ...] = (
        ("experts a second", rates, limits),
        ("share of the rate of its products", shares, []),
        ("peak memory, GiB", [row["peak_gib"] for row in rows], []),
        (f"US dollars for a million passages, at {PRICE:.0f} an hour", dollars, []),
    )
    drawing, places = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for place, (title, values, limit) in zip(places.flat, curves, strict=True):
        place.plot(batches, values, "o-", label="trained")
        if limit:
            place.plot(batches, limit, "--", color="grey", label="the products of its steps alone")
            place.legend()
        place.set(title=title, xlabel="experts at a time", xscale="log", ylim=(0, None))
        place.set_xticks(batches, [str(batch) for batch in batches])
        place.minorticks_off()
        place.grid(alpha=0.3)
    drawing.suptitle(f"Training on one {found['machine']}: Llama 3.2 1B's shape, bfloat16, 5 sequences of 213 tokens")
    drawing.savefig(path)
    plt.close(drawing)


def write(results: Path) -> None:
    """Writes both beside the results."""
    found = json.loads(results.read_text(encoding="utf-8"))
    results.with_suffix(".md").write_text(table(found), encoding="utf-8")
    figure(found, results.with_suffix(".svg"))
