"""Time the stages of `kinscope assess`: a first run, the same again, and a second variant.

    python benchmarks/assess_stages.py [--variant K404E] [--second T315I] [--md-minutes 0] [--keep DIR]
    python benchmarks/assess_stages.py --from kinscope-K404E

Runs with an empty cache of its own, so that nothing is reused but what ships and what the runs share.
Prints one table by stage (steps, seconds on the clock, share), and of each run seconds on the clock and of
processors. On a machine that others use too only the latter hold; ``--from`` cannot know them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path


def run(variant: str, out: Path, cache: Path, extra: list[str]) -> str:
    """Wall seconds of one `kinscope assess`, and the seconds of processors of it and its workers."""
    command = [sys.executable, "-m", "kinscope", "assess", variant, "--out", str(out), "--quiet", *extra]
    started, before = time.monotonic(), processors()
    subprocess.run(
        command, check=True, env=os.environ | {"KINSCOPE_CACHE": str(cache)}, stdout=subprocess.DEVNULL
    )
    return f"{time.monotonic() - started:.0f} s, of processors {processors() - before:.0f} s"


def processors() -> float:
    """Seconds that finished children, and theirs, had of processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stage_table(out: Path) -> list[tuple[str, int, float]]:
    """Stage, number of steps and summed seconds, longest first."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for record in json.loads((out / "provenance.json").read_text()):
        seconds[record["step"]].append(record["wall_seconds"])
    return sorted(((name, len(s), sum(s)) for name, s in seconds.items()), key=lambda row: -row[2])


def print_table(out: Path) -> None:
    """Steps, seconds and share of every stage of a finished run."""
    rows = stage_table(out)
    total = sum(row[2] for row in rows)
    print(f"{'stage':<18}{'steps':>6}{'seconds':>14}{'share':>8}   ({os.cpu_count()} cores)")
    for name, count, spent in rows:
        print(f"{name:<18}{count:>6}{spent:>14.1f}{spent / total:>8.0%}")
    print(f"{'all':<18}{sum(row[1] for row in rows):>6}{total:>14.1f}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", default="K404E")
    parser.add_argument("--second", default="T315I")
    parser.add_argument("--md-minutes", default="0")
    parser.add_argument("--keep", type=Path, help="Keep the run directories here.")
    parser.add_argument("--from", dest="existing", type=Path, help="Print the table of this run.")
    options = parser.parse_args()
    if options.existing:
        print_table(options.existing)
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        cache, first, second = Path(temporary) / "cache", root / options.variant, root / options.second
        extra = ["--md-minutes", options.md_minutes]
        walls = {
            f"{options.variant}, first run": run(options.variant, first, cache, extra),
            f"{options.variant}, again": run(options.variant, first, cache, extra),
            f"{options.second}, native work reused": run(options.second, second, cache, extra),
        }
        print_table(first)
        for name, wall in walls.items():
            print(f"{name}: {wall}")


if __name__ == "__main__":
    main()
