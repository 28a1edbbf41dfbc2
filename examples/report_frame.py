"""A run's report as a data frame: a row for each method and set of questions.

python examples/report_frame.py [STORE] [RUN]     demo_run/store and demo by default
"""

import sys

import pyarrow

import semoe


def main(store: str = "demo_run/store", run: str = "demo") -> pyarrow.Table:
    """Prints the frame; `.to_pandas()` makes one of pandas, `polars.from_arrow` one of Polars."""
    report = semoe.read_report(store, run)
    rows = [
        {
            "dataset": one.dataset or "all",
            "method": one.method,
            "questions": one.num_questions,
            **one.scores._asdict(),
            "f1_low": one.f1_low,
            "f1_high": one.f1_high,
            "experts": one.num_experts,
        }
        for one in (*report.overall, *report.methods)
    ]
    frame = pyarrow.Table.from_pylist(rows)
    best = frame.sort_by([("f1", "descending")]).select(["dataset", "method", "f1", "f1_low", "f1_high"])
    for row in best.to_pylist():
        print("{dataset:>16} {method:12} F1 {f1:.3f} [{f1_low:.3f}, {f1_high:.3f}]".format(**row))
    return frame


if __name__ == "__main__":
    main(*sys.argv[1:])
