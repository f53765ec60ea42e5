"""Conformations of crystals, measured, beside labels of others: ``python benchmarks/states.py MIRROR``.

The labels come as a tab-separated index of structure files, one row per entry, with a column that begins
with ``DFG_state``: ``A:in(D1=6.6,D2=14.0,K271NZ-E286CD=4.1); B:...``, or ``A:n/a`` where nothing could be
measured.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kinscope.core.errors import BadInputError
from kinscope.core.files import decoded, read_bounded
from kinscope.core.records import Record
from kinscope.interpretation.words.say import say
from kinscope.interpretation.words.structures import label_line
from kinscope.sequencing.reported.calls import wilson
from kinscope.structures.conformation.atoms import AtomTable, finite
from kinscope.structures.conformation.classify import EntryGeometry, classify_entries
from kinscope.structures.conformation.literature import LabelComparison, compare_labels, reasons_of
from kinscope.structures.wwpdb.entries import chain_of_structure
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.pack import KinaseLandmarks, TargetPack

INDEX = "index.tsv"
"""Where labels lie in a mirror, if nothing else is said."""
_MAX_BYTES = 4_000_000
_CHAIN = re.compile(r"(\w+):(inter|in|out|n/a)(?:\(([^()]*)\))?")
_VALUE = re.compile(r"([\w-]+)=(-?\d+(?:\.\d+)?)")
_FILE = re.compile(r"([0-9][a-z0-9]{3})\.(?:pdb|cif|ent)(?:\.gz)?")
ROUNDING = 0.06
"""Labels carry one decimal: half of it, and 0.01 for coordinates with three."""


def entry_line(entry: EntryGeometry) -> str:
    """How one chain of a wwPDB entry measures."""
    shape = entry.geometry
    gaps = (shape.dfg_d1_angstrom, shape.dfg_d2_angstrom, shape.salt_bridge_271_286_angstrom)
    d1, d2, bridge = ("unknown" if gap is None else f"{gap:.1f}" for gap in gaps)
    dfg = "cannot tell" if "unknown" in (d1, d2) else shape.dfg
    return (
        f"{entry.entry}:{entry.chain} {entry.first_residue}-{entry.last_residue} DFG {dfg} "
        f"(D1 {d1}, D2 {d2} angstrom), {shape.dfg_cluster}, helix C {shape.helix_c}, bridge {bridge}, "
        f"loop {shape.activation_loop}, spine {shape.spine}, P-loop {shape.p_loop}, {shape.activity}"
        + ("" if shape.sh2_position == "not modelled" else f", SH2 {shape.sh2_position}")
        + "".join(f"; {say(note)}" for note in shape.notes if note.code == "borderline")
    )


def share(hits: Sequence[bool]) -> str:
    """Share of hits, per cent, with Wilson's 95 % interval, as ``84.2 (78.9-88.4)``; of nothing, 0 to 100."""
    if not hits:
        return "  0.0 (0.0-100.0)"
    low, high = wilson(sum(hits), len(hits))
    return f"{100 * sum(hits) / len(hits):5.1f} ({low:.1f}-{high:.1f})"


class ChainLabel(Record):
    """What an index says of one chain."""

    entry: str
    chain: str
    dfg: str
    """``in``, ``out``, ``inter`` or ``unassigned`` (n/a)."""
    d1_angstrom: float | None = None
    d2_angstrom: float | None = None
    bridge_angstrom: float | None = None
    """NZ of the beta-3 lysine to CD of the helix-C glutamate."""


class ChainComparison(Record):
    """One chain: what it measures beside what the index says."""

    measured: EntryGeometry
    label: ChainLabel | None
    bridge_angstrom: float | None = None
    explanation: str = ""
    """Why the classes differ; empty where they agree or nothing is labelled."""
    not_measured: str = ""
    """Why the DFG class is unassigned, where residues are missing."""

    @property
    def agrees(self) -> bool:
        """Whether the two classes are the same."""
        return self.label is not None and self.label.dfg == self.measured.geometry.dfg


class StatesBenchmark(Record):
    """Every chain, and the labels of the literature."""

    chains: tuple[ChainComparison, ...]
    literature: tuple[LabelComparison, ...]
    absent: tuple[str, ...] = ()
    """Labelled chains that the mirror does not show."""


def read_labels(path: Path) -> tuple[ChainLabel, ...]:
    """The labels of an index.

    Raises BadInputError if the file is missing, too large, or has no such column.
    """
    remedy = "Give a tab-separated index with a column DFG_state."
    text = decoded(read_bounded(path, _MAX_BYTES, remedy=remedy), path)
    rows = list(csv.reader(io.StringIO(text), delimiter="\t"))
    head = rows[0] if rows else []
    column = next((place for place, name in enumerate(head) if name.startswith("DFG_state")), None)
    if column is None:
        what = "This is no index of labels: it has no column that begins with DFG_state."
        raise BadInputError(what, where=str(path), remedy=remedy)
    found = []
    for row in rows[1:]:
        name = _FILE.fullmatch(row[0].strip().lower()) if row else None
        if name and len(row) > column:
            found += _labels_of(name.group(1).upper(), row[column])
    return tuple(found)


def compare_states(source: PdbSource, pack: TargetPack, labels: Sequence[ChainLabel] = ()) -> StatesBenchmark:
    """Measure every chain of the target in a source and set the labels beside.

    Raises BadInputError if the pack names no landmarks.
    """
    known = {(label.entry, label.chain): label for label in labels}
    chains: list[ChainComparison] = []
    literature: list[LabelComparison] = []
    for measured in classify_entries(source, pack):
        label = known.pop((measured.entry, measured.chain), None)
        bridge = _bridge(source, pack, measured)
        chains.append(
            ChainComparison(
                measured=measured,
                label=label,
                bridge_angstrom=bridge,
                explanation="" if label is None else _explanation(measured, label, pack.landmarks),
                not_measured="; ".join(_absent(measured, pack.landmarks)),
            )
        )
        literature += compare_labels(pack, measured.entry, measured.chain, measured.geometry)
    return StatesBenchmark(
        chains=tuple(chains),
        literature=tuple(literature),
        absent=tuple(f"{entry}:{chain}" for entry, chain in known),
    )


def in_words(benchmark: StatesBenchmark) -> str:
    """The table of chains, then agreement, deviations and every disagreement."""
    lines = [
        entry_line(comparison.measured) + (f"; {comparison.not_measured}" if comparison.not_measured else "")
        for comparison in benchmark.chains
    ]
    labelled = [comparison for comparison in benchmark.chains if comparison.label is not None]
    if labelled:
        lines += ["", *_agreement_words(labelled), *_deviation_words(labelled)]
    if benchmark.absent:
        lines.append(f"labelled, but not in the mirror: {', '.join(benchmark.absent)}")
    if benchmark.literature:
        lines += ["", *_literature_words(benchmark.literature)]
    return "\n".join(lines)


def _agreement_words(labelled: Sequence[ChainComparison]) -> list[str]:
    hits = [comparison.agrees for comparison in labelled]
    lines = [
        f"DFG class as labelled: {sum(hits)} of {len(hits)} chains, {share(hits).strip()} % (Wilson, 95 %)"
    ]
    for kind in ("in", "out", "inter", "unassigned"):
        of_kind = [c.agrees for c in labelled if c.label is not None and c.label.dfg == kind]
        if of_kind:
            lines.append(f"  labelled {kind}: {sum(of_kind)} of {len(of_kind)}")
    differing = [comparison for comparison in labelled if not comparison.agrees]
    for comparison in differing:
        measured = comparison.measured
        lines.append(f"  {measured.entry}:{measured.chain}: {comparison.explanation}")
    return lines if differing else [*lines, "  no chain differs"]


def _deviation_words(labelled: Sequence[ChainComparison]) -> list[str]:
    lines = []
    pairs = [(one, one.measured.geometry, one.label) for one in labelled if one.label is not None]
    for name, values in (
        ("D1", [(shape.dfg_d1_angstrom, label.d1_angstrom, one) for one, shape, label in pairs]),
        ("D2", [(shape.dfg_d2_angstrom, label.d2_angstrom, one) for one, shape, label in pairs]),
        ("bridge NZ-CD", [(one.bridge_angstrom, label.bridge_angstrom, one) for one, _, label in pairs]),
    ):
        known = [(own - said, one) for own, said, one in values if own is not None and said is not None]
        if not known:
            continue
        largest, worst = max(known, key=lambda item: abs(item[0]))
        beyond = sum(abs(value) > ROUNDING for value, _ in known)
        lines.append(
            f"{name}: largest deviation {abs(largest):.2f} angstrom ({worst.measured.entry}:"
            f"{worst.measured.chain}), {beyond} of {len(known)} beyond rounding ({ROUNDING})"
        )
    return lines


def _literature_words(comparisons: Sequence[LabelComparison]) -> list[str]:
    judged = [c for c in comparisons if c.outcome != "not measured"]
    hits = [c.outcome == "agrees" for c in judged]
    lines = [
        f"published labels borne out: {sum(hits)} of {len(hits)}, {share(hits).strip()} % "
        "(Wilson, 95 %; chains of one entry are counted apart)"
    ]
    for citation in dict.fromkeys(c.citation for c in judged):
        own = [c.outcome == "agrees" for c in judged if c.citation == citation]
        lines.append(f"  {citation}: {sum(own)} of {len(own)}")
    return lines + [f"  {label_line(c)}" for c in comparisons if c.outcome != "agrees"]


def _labels_of(entry: str, text: str) -> list[ChainLabel]:
    found = []
    for chain, state, inside in _CHAIN.findall(text):
        values = {name: float(value) for name, value in _VALUE.findall(inside)}
        bridges = [value for name, value in values.items() if name.endswith("CD")]
        found.append(
            ChainLabel(
                entry=entry,
                chain=chain,
                dfg="unassigned" if state == "n/a" else state,
                d1_angstrom=values.get("D1"),
                d2_angstrom=values.get("D2"),
                bridge_angstrom=bridges[0] if bridges else None,
            )
        )
    return found


def _bridge(source: PdbSource, pack: TargetPack, measured: EntryGeometry) -> float | None:
    """NZ of the lysine to CD of the glutamate, which the index gives in place of the oxygens."""
    if pack.landmarks is None:
        return None
    structure = source.read_entry(measured.entry)
    label = f"{measured.entry}:{measured.chain}"
    table = AtomTable(chain_of_structure(structure, measured.chain, pack, label=label).atoms)
    gap = table.distance((pack.landmarks.beta3_lysine, "NZ"), (pack.landmarks.helix_c_glutamate, "CD"))
    return finite(gap[0])


def _explanation(measured: EntryGeometry, label: ChainLabel, landmarks: KinaseLandmarks | None) -> str:
    """Why the classes differ, from the numbers and from what the chain does not show."""
    shape = measured.geometry
    if label.dfg == shape.dfg:
        return ""
    reasons = [f"labelled {label.dfg}, measures {shape.dfg}", *map(say, reasons_of("dfg", shape))]
    if label.d1_angstrom is not None and label.d2_angstrom is not None:
        reasons.append(f"the label's own D1 {label.d1_angstrom}, D2 {label.d2_angstrom}")
    return "; ".join([*reasons, *_absent(measured, landmarks)])


def _absent(measured: EntryGeometry, landmarks: KinaseLandmarks | None) -> list[str]:
    if landmarks is None:
        return []
    needed = (landmarks.beta3_lysine, landmarks.helix_c_plus_four, landmarks.dfg_phenylalanine)
    absent = sorted(set(needed) & set(measured.missing_residues))
    return [f"does not show {', '.join(map(str, absent))}, on which D1 and D2 rest"] if absent else []


def main(
    mirror: Path,
    labels: Annotated[
        Path | None, typer.Option(help="Index with a DFG_state column; default: MIRROR/index.tsv.")
    ] = None,
    target: str = "abl1",
    as_json: Annotated[bool, typer.Option("--json", help="Every chain with its numbers, as JSON.")] = False,
) -> None:
    """Measure every chain of the target in a mirror, and compare with independent and published labels."""
    index = labels if labels is not None else mirror / INDEX
    known = read_labels(index) if labels is not None or index.is_file() else ()
    found = compare_states(PdbSource(mirror), load_target(target), known)
    print(found.model_dump_json(indent=1) if as_json else in_words(found))


if __name__ == "__main__":
    typer.run(main)
