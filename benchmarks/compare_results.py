"""Two results of the same study, side by side: which verdicts and which numbers differ.

    python benchmarks/compare_results.py BEFORE/result.json AFTER/result.json

Sentences, times and versions are left out; what only one side holds is counted by its field. Ends with 1
where a verdict, or a number by more than a relative 1e-6, differs.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LEFT_OUT = {"created", "kinscope_version", "schema_version", "cpu_seconds", "wall_seconds", "settings", "key"}
"""What differs between two runs of the same program."""
NAMES = (
    "drug",
    "name",
    "id",
    "state",
    "variant",
    "site",
    "side",
    "region",
    "pocket",
    "method",
    "replica",
    "kind",
    "partner",
)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, truth value and word (without blanks) below a value, with where it stands."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key not in LEFT_OUT:
                yield from leaves(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        seen: collections.Counter[str] = collections.Counter()
        for below in value:
            named = _label(below)
            seen[named] += 1
            yield from leaves(below, f"{path}[{named}#{seen[named]}]")
    elif value is None or isinstance(value, bool | int | float) or " " not in value:
        yield path, value


def _label(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    flat = item | item.get("contact", {})
    return ",".join(str(flat[name]) for name in NAMES if isinstance(flat.get(name), str | int))


def same(first: Any, second: Any) -> bool:
    """Whether two leaves are equal, numbers to a relative 1e-6."""
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=1e-6, abs_tol=1e-9)
    return bool(first == second)


def main() -> int:
    """Compare the two files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    given = parser.parse_args()
    before, after = (dict(leaves(json.loads(path.read_text()))) for path in (given.before, given.after))
    shared = before.keys() & after.keys()
    differ = sorted(path for path in shared if not same(before[path], after[path]))
    for path in differ:
        print(f"{path}: {before[path]} -> {after[path]}")
    for side, other, word in ((before, after, "before"), (after, before, "after")):
        fields = collections.Counter(path.rsplit(".", 1)[-1] for path in side.keys() - other.keys())
        for field, count in fields.most_common():
            print(f"only {word}: {count} of {field}")
    print(f"{len(shared)} values compared, {len(differ)} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
