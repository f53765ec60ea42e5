"""How often the caller is right on simulated traces, by share and quality, with tracy beside if found.

The traces are made by :mod:`factories.chromatograph`, written as ABIF and read back; the caller sees
files only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from kinscope.core.errors import KinscopeError
from kinscope.core.seeds import derive_seed
from kinscope.sequencing.calling.naming import knowledge_of, name_bases
from kinscope.sequencing.calling.sample import call_variants
from kinscope.sequencing.reported.calls import wilson
from kinscope.sequencing.traces import read_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kinscope.targets import TargetPack

SHARES: Final = (0, 0, 0, 5, 10, 15, 20, 20, 30, 50, 100)
"""Percent, repeated through the samples; 0 is wild type."""
TRACY_RATIOS: Final = (0.33, 0.15)
"""tracy's default peak ratio, and one near the share that Sanger sequencing is held to see."""
MARGIN: Final = 400
"""Bases on each side of the region in the reference that tracy gets."""
STRANDS: Final[tuple[Literal["forward", "reverse"], ...]] = ("forward", "reverse")


@dataclass
class Outcome:
    """One sample and what each caller made of it."""

    quality: str
    share_percent: int
    found: dict[str, bool] = field(default_factory=dict)
    false_calls: dict[str, int] = field(default_factory=dict)
    interval_holds: bool | None = None
    estimate_percent: float | None = None
    stated_limit_percent: float | None = None
    crashed: str = ""


@dataclass(frozen=True)
class _Tracy:
    """The program, and what its calls are counted on."""

    program: str
    reference: Path
    offset: int
    """Coding number before the reference's first base."""

    def calls(self, ratio: float, path: Path, pack: TargetPack) -> set[str]:
        """Substitutions of the region that it calls in one trace at a peak ratio."""
        prefix = path.with_suffix(".tracy")
        output = Path(f"{prefix}.json")
        output.unlink(missing_ok=True)
        asked = ("-v", "-p", str(ratio), "-r", str(self.reference), "-o", str(prefix), str(path))
        done = subprocess.run(
            [self.program, "decompose", *asked], capture_output=True, check=False, timeout=120
        )
        if done.returncode or not output.is_file():
            return set()
        first, last = _region(pack)
        found = set()
        for row in json.loads(output.read_text()).get("variants", {}).get("rows", []):
            coding, ref, alt = int(row[1]) + self.offset, str(row[3]), str(row[4])
            inside = 3 * first - 2 <= coding <= 3 * last
            if inside and len(ref) == 1 == len(alt) and alt in "ACGT" and row[6] == "PASS":
                found.add(name_bases({coding: alt}, pack).hgvs_c)
        return found


def run(
    pack: TargetPack,
    *,
    traces: int = 1000,
    seed: int = 1,
    tracy: str | None = None,
    tracy_samples: int = 100,
    progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Simulate, call and compare ``traces // 2`` samples of two reads each.

    ``pack``: the target. ``traces``: number of traces. ``seed``: root seed. ``tracy``: path of tracy, or None
    to leave it out. ``tracy_samples``: tracy, the slower part by far, sees so many of the samples.
    ``progress``: called with the number of samples done and in all.
    """
    samples = max(1, traces // 2)
    names = list(QUALITIES)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="kinscope-sanger-") as name:
        folder = Path(name)
        beside = None
        if tracy:
            first, last = _region(pack)
            begin, reference = max(0, 3 * first - 3 - MARGIN), folder / "reference.fa"
            reference.write_text(f">reference\n{pack.transcript.cds[begin : 3 * last + MARGIN]}\n")
            beside = _Tracy(tracy, reference, begin)
        for number in range(samples):
            quality = names[number % len(names)]
            share = SHARES[(number // len(names)) % len(SHARES)]
            seen = beside if number < tracy_samples else None
            outcomes.append(_sample(pack, Outcome(quality, share), derive_seed(seed, number), folder, seen))
            if progress is not None:
                progress(number + 1, samples)
    return outcomes


def _region(pack: TargetPack) -> tuple[int, int]:
    amplicon = knowledge_of(pack.gene).amplicon
    return (amplicon.first_codon, amplicon.last_codon) if amplicon else (1, len(pack.transcript.protein))


def random_substitution(pack: TargetPack, rng: np.random.Generator) -> str:
    """A random single-base change of the region, as ``c.``, never one that is a known polymorphism."""
    first, last = _region(pack)
    cds = pack.transcript.cds
    while True:
        coding = int(rng.integers(3 * first - 2, 3 * last + 1))
        base = str(rng.choice([letter for letter in "ACGT" if letter != cds[coding - 1]]))
        named = name_bases({coding: base}, pack)
        if named.kind == "substitution" and knowledge_of(pack.gene).polymorphism(named.hgvs_c) is None:
            return named.hgvs_c


def _sample(pack: TargetPack, outcome: Outcome, seed: int, folder: Path, tracy: _Tracy | None) -> Outcome:
    rng = np.random.default_rng(seed)
    share = outcome.share_percent
    expected = random_substitution(pack, rng) if share else ""
    mixture = [(expected, share / 100)] if share else [("WT", 1.0)]
    molecules = molecules_of(mixture, pack, amplicon_of(pack))
    paths = []
    for strand in STRANDS:
        read = simulate_read(
            molecules, strand, QUALITIES[outcome.quality], seed=seed, chemistry=derive_seed(seed, "kit")
        )
        path = folder / f"{strand}.ab1"
        path.write_bytes(abif_bytes(read, "simulated"))
        paths.append(path)
    _own(outcome, paths, expected, pack)
    if tracy is None:
        return outcome
    for ratio in TRACY_RATIOS:
        calls = [tracy.calls(ratio, path, pack) for path in paths]
        for label, found in (("either", calls[0] | calls[1]), ("both", calls[0] & calls[1])):
            outcome.found[f"tracy {ratio:g}, {label}"] = expected in found
            outcome.false_calls[f"tracy {ratio:g}, {label}"] = len(found - {expected})
    return outcome


def _own(outcome: Outcome, paths: Sequence[Path], expected: str, pack: TargetPack) -> None:
    try:
        result = call_variants([read_trace(path) for path in paths], pack).result
    except KinscopeError as error:
        outcome.crashed = error.what
        outcome.found["kinscope"], outcome.false_calls["kinscope"] = False, 0
        return
    right = [call for call in result.calls if call.hgvs_c == expected]
    outcome.found["kinscope"] = bool(right)
    outcome.false_calls["kinscope"] = len(result.calls) - len(right)
    if expected:
        codon = (int("".join(c for c in expected.partition(":c.")[2] if c.isdigit())) + 2) // 3
        outcome.stated_limit_percent = next(
            (item.detection_limit_percent for item in result.coverage if item.codon == codon), None
        )
    if right and right[0].share_percent is not None:
        low, high = right[0].share_low_percent or 0, right[0].share_high_percent or 100
        outcome.interval_holds = low - 0.5 <= outcome.share_percent <= high + 0.5
        outcome.estimate_percent = right[0].share_percent


def find_tracy() -> str | None:
    """Path of tracy, if it is installed."""
    return shutil.which("tracy")


def report(outcomes: Sequence[Outcome]) -> str:
    """Tables of sensitivity, false calls and calibration."""
    callers = list(outcomes[0].found) if outcomes else []
    lines = [f"{2 * len(outcomes)} simulated traces, {len(outcomes)} samples of a forward and a reverse read"]
    for caller in callers:
        lines += ["", caller, "quality   share   found                            samples with false calls"]
        for quality in QUALITIES:
            for share in sorted(set(SHARES)):
                rows = [
                    item
                    for item in outcomes
                    if item.quality == quality and item.share_percent == share and caller in item.found
                ]
                if rows:
                    lines.append(_row(quality, share, rows, caller))
    lines += ["", *_calibration(outcomes)]
    crashed = [item.crashed for item in outcomes if item.crashed]
    lines.append(f"samples that could not be read: {len(crashed)}")
    if not any(name.startswith("tracy") for name in callers):
        lines.append(
            "tracy is not installed here; for comparison, direct sequencing read by eye is held to see "
            "mutant shares of 15 to 20 % (Soverini S et al. 2011, Blood 118:1208)."
        )
    return "\n".join(lines)


def _row(quality: str, share: int, rows: Sequence[Outcome], caller: str) -> str:
    found = sum(item.found[caller] for item in rows)
    wrong = sum(item.false_calls[caller] > 0 for item in rows)
    total = sum(item.false_calls[caller] for item in rows)
    hit = "" if share == 0 else f"{found:3}/{len(rows):<3} {_interval(found, len(rows))}"
    return (
        f"{quality:8} {share:4} %   {hit:32} {wrong:3}/{len(rows):<3} {_interval(wrong, len(rows))}"
        f", {total} calls"
    )


def _interval(count: int, total: int) -> str:
    low, high = wilson(count, total)
    return f"{100 * count / total:5.1f} % ({low:.1f}-{high:.1f})"


def _calibration(outcomes: Sequence[Outcome]) -> list[str]:
    lines = []
    for quality in QUALITIES:
        rows = [item for item in outcomes if item.quality == quality]
        held = [item.interval_holds for item in rows if item.interval_holds is not None]
        errors = [
            item.estimate_percent - item.share_percent for item in rows if item.estimate_percent is not None
        ]
        promised = [
            item
            for item in rows
            if item.stated_limit_percent is not None and item.share_percent >= item.stated_limit_percent
        ]
        kept = sum(item.found["kinscope"] for item in promised)
        limits = [item.stated_limit_percent for item in rows if item.stated_limit_percent is not None]
        if held:
            lines.append(
                f"{quality}: 95 % interval holds the true share {sum(held)}/{len(held)} "
                f"{_interval(sum(held), len(held))}; mean error {np.mean(errors):+.1f} points"
            )
        if promised:
            lines.append(
                f"{quality}: shares at or above the stated limit found {kept}/{len(promised)} "
                f"{_interval(kept, len(promised))}; median stated limit {np.median(limits):.0f} %"
            )
    return lines
