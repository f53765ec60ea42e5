"""What was covered, and how small a share would have shown: the forgotten half of a negative result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.core.residues import ranges as residue_ranges
from kinscope.sequencing.detection import detection_limits
from kinscope.sequencing.model import BASES, CodonCoverage, Strand

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kinscope.sequencing.model import Call, Floats
    from kinscope.sequencing.tables import ReadTable

STATED_QUANTILE: Final = 0.9
"""Of the codons of a stretch, for the share that is stated.

For comparison: direct sequencing read by eye is held to see 15 to 20 % (Soverini S et al. 2011, Blood
118:1208, doi 10.1182/blood-2010-12-326405).
"""


def codon_coverage(
    tables: Sequence[ReadTable], cds: str, first_codon: int, last_codon: int
) -> tuple[CodonCoverage, ...]:
    """Detection limits codon by codon.

    Parameters
    ----------
    tables
        Reads by coding base.
    cds
        Coding sequence of the reference.
    first_codon, last_codon
        The region that is reported.
    """
    both = _codon_limits(detection_limits(tables), cds)
    strands: dict[Strand, Floats] = {}
    for strand in ("forward", "reverse"):
        own = [table for table in tables if table.strand == strand]
        if own:
            strands[strand] = _codon_limits(detection_limits(own), cds)
    return tuple(
        CodonCoverage(
            codon=codon,
            strands=tuple(name for name, limits in strands.items() if not np.isnan(limits[codon])),
            detection_limit_percent=_percent(both[codon]),
            forward_limit_percent=_percent(strands["forward"][codon]) if "forward" in strands else None,
            reverse_limit_percent=_percent(strands["reverse"][codon]) if "reverse" in strands else None,
        )
        for codon in range(first_codon, last_codon + 1)
    )


def _codon_limits(limits: Floats, cds: str) -> Floats:
    """Worst limit of a codon's nine single-base changes, 0 to 1, shape (codons + 1,); nan: not covered."""
    worst = limits.copy()
    worst[np.arange(1, len(cds) + 1), [BASES.index(base) for base in cds]] = 0.0
    by_base = worst[1 : 3 * (len(cds) // 3) + 1].max(axis=1)
    by_codon = by_base.reshape(-1, 3).max(axis=1)
    return np.concatenate([[np.nan], by_codon])


def _percent(value: float) -> float | None:
    """Percent, rounded to half a percent upwards; None where nothing is covered or nothing would be seen."""
    if math.isnan(value) or math.isinf(value):
        return None
    return math.ceil(200 * float(value) - 1e-9) / 2


def ranges(numbers: Iterable[int]) -> str:
    """E.g. ``240-300, 305``."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in residue_ranges(numbers))


def statement(calls: Sequence[Call], coverage: Sequence[CodonCoverage]) -> str:
    """The result in words that a laboratory can sign: what is there, what would be seen.

    The share stated for a stretch of codons is one that nine in ten of them do not exceed; the rest are
    named with theirs.
    """
    found = [_found(call) for call in calls]
    lines = ["Found: " + "; ".join(found) + "."] if found else []
    seen: list[str] = []
    apart: dict[int, float] = {}
    for strands, stretch in stretches(coverage):
        limits = {item.codon: item.detection_limit_percent for item in stretch}
        known = [value for value in limits.values() if value is not None]
        if not known:
            continue
        level = math.ceil(float(np.quantile(known, STATED_QUANTILE)))
        apart |= {codon: value for codon, value in limits.items() if value is not None and value > level}
        how = "both strands" if len(strands) == 2 else f"{strands[0]} strand only"
        span = f"{stretch[0].codon}-{stretch[-1].codon}"
        seen.append(f"above {level} % in codons {span} ({how})")
    if seen:
        lines.append(f"No {'other ' if found else ''}substitution {'; '.join(seen)}.")
    if apart:
        lines.append(f"Seen less well: codons {ranges(apart)}, up to {math.ceil(max(apart.values()))} %.")
    stated = sum(item.detection_limit_percent is not None for item in coverage)
    if stated < len(coverage) / 2:
        lines.append("The traces are too poor, or cover too little, for a negative result: sequence again.")
    missing = [item.codon for item in coverage if not item.strands]
    poor = [item.codon for item in coverage if item.strands and item.detection_limit_percent is None]
    if poor:
        lines.append(f"Covered, but too poor to exclude any share: codons {ranges(poor)}.")
    if missing:
        lines.append(f"Not covered: codons {ranges(missing)}.")
    return " ".join(lines)


def stretches(
    coverage: Sequence[CodonCoverage],
) -> list[tuple[tuple[str, ...], list[CodonCoverage]]]:
    """Strands, and the run of codons that they reach (from a strand's first to its last codon)."""
    reach = {}
    for strand in ("forward", "reverse"):
        own = [item.codon for item in coverage if strand in item.strands]
        if own:
            reach[strand] = (min(own), max(own))
    found: list[tuple[tuple[str, ...], list[CodonCoverage]]] = []
    for item in coverage:
        strands = tuple(name for name, (a, b) in reach.items() if a <= item.codon <= b)
        if found and found[-1][0] == strands:
            found[-1][1].append(item)
        else:
            found.append((strands, [item]))
    return [item for item in found if item[0]]


def _found(call: Call) -> str:
    text = f"{call.short} ({call.hgvs_c.partition(':')[2]})"
    if call.name:
        text += f", {call.name}"
    if call.share_percent is not None:
        text += f", {call.share_percent:.0f} %"
        if call.share_low_percent is not None and call.share_high_percent is not None:
            text += f" (95 % interval {call.share_low_percent:.0f}-{call.share_high_percent:.0f} %)"
    if call.status != "variant":
        text += f" [{call.status}]"
    return text
