"""Measures training on one GPU, and writes results, a table and a figure.

    make bench-gpu                                    all rows, on the GPU of this machine
    make bench-gpu ARGS="--rows bf16-128,peft"        some; results join those that are there
    make bench-gpu ARGS="--beside ../old"             also an earlier checkout (a folder that holds `semoe/`)

Each row runs in a process of its own, so that no row finds what another left in memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gpu.report import write
from benchmarks.gpu.work import ROWS

RESULTS = Path(__file__).parents[1] / "results" / "training-gpu.json"
PROFILED = "bf16-128"


def main() -> None:
    """Reads the arguments, measures, and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="names, with commas between them; all where it is left out")
    parser.add_argument("--beside", type=Path, help="a folder that holds an earlier `semoe/`, for the row `before`")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the results; figure and table lie beside them")
    parser.add_argument("--commit", default="", help="what is measured, where git cannot say")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_one(asked.one)))
        return
    _measure(asked)


def _measure(asked: argparse.Namespace) -> None:
    names = asked.rows.split(",") if asked.rows else [row.name for row in ROWS]
    if unknown := set(names) - {row.name for row in ROWS}:
        raise SystemExit(f"no rows {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in ROWS)}")
    found = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.exists() else {"rows": {}}
    found |= _in_process("about")
    found["commit"] = asked.commit or _commit()
    print(f"correct: errors against float32 {found['errors']}")
    for name in names:
        row = next(row for row in ROWS if row.name == name)
        if row.by == "before" and asked.beside is None:
            print(f"{name}: left out, no --beside")
            continue
        measured = _in_process(name, asked.beside if row.by == "before" else None)
        # Results join: rows may be of several days and commits.
        found["rows"][name] = measured | {"commit": found["commit"], "date": found["date"]}
        print(_line(found["rows"][name]), flush=True)
        _write(asked.out, found)
    if PROFILED in names:
        found["profile"] = _in_process("profile")
        _write(asked.out, found)
    write(asked.out)


def _in_process(name: str, beside: Path | None = None) -> dict[str, Any]:
    """Runs one row in a process of its own; of an earlier checkout it takes the package, and nothing else."""
    with tempfile.TemporaryDirectory() as earlier:
        if beside:
            (Path(earlier) / "semoe").symlink_to((beside / "semoe").resolve(strict=True))
        return _run(name, [earlier, str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])


def _run(name: str, path: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--one", name],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=Path.home(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"row {name} failed")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _one(name: str) -> dict[str, Any]:
    """What a row's process does."""
    if name == "about":
        return _about()
    if name == "profile":
        from benchmarks.gpu.limits import copy_bytes_per_second  # noqa: PLC0415
        from benchmarks.gpu.profile import profiled  # noqa: PLC0415

        return profiled(next(row for row in ROWS if row.name == PROFILED), copy_bytes_per_second())
    from benchmarks.gpu.work import measured, setting_of  # noqa: PLC0415

    row = next(row for row in ROWS if row.name == name)
    figures = measured(row)
    if row.by == "kernels":
        from benchmarks.gpu.limits import product_seconds  # noqa: PLC0415

        setting = setting_of(row)
        num_steps = setting.settings.num_steps or len(setting.work[0])
        if row.into_store:
            from benchmarks.gpu.store import bytes_per_second  # noqa: PLC0415

            figures["store_limit"] = bytes_per_second(row.into_store) / (4 * setting.layout.size)
        figures["products_limit"] = row.num_experts / (num_steps * product_seconds(setting, num_steps))
    return figures


def _about() -> dict[str, Any]:
    import torch  # noqa: PLC0415
    import triton  # noqa: PLC0415

    from benchmarks.gpu.gate import check  # noqa: PLC0415
    from benchmarks.gpu.limits import copy_bytes_per_second  # noqa: PLC0415

    return {
        "errors": check(),
        "machine": torch.cuda.get_device_name(),
        "driver": _driver(),
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "triton": triton.__version__},
        "date": datetime.now(UTC).date().isoformat(),
        "copy_bytes_per_second": copy_bytes_per_second(),
    }


def _driver() -> str:
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _commit() -> str:
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _line(row: dict[str, Any]) -> str:
    limit = f", {row['experts_per_second'] / row['products_limit']:.0%} of products" if "products_limit" in row else ""
    return (
        f"{row['name']:16} {row['experts_per_second']:8.2f} experts/s {row['tokens_per_second']:9.0f} tokens/s "
        f"{row['flops'] / 1e12:6.1f} TFLOP/s {row['peak_gib']:5.1f} GiB{limit}   {row['what']}"
    )


def _write(out: Path, found: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
