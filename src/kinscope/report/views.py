"""The result arranged as the page reads it: rows, groups, labels. Nothing here changes a number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import stdev

from kinscope.core.residues import ranges
from kinscope.evidence.model import EvidenceHit, TreatmentOption
from kinscope.interpretation.model import DrugVerdict, StudyResult
from kinscope.report.files import ReportFiles
from kinscope.report.style import VERDICTS, VerdictStyle
from kinscope.report.text import Names, distance, sampled
from kinscope.results.measured import DockingComparison, RegionComparison, SimulationSummary
from kinscope.results.models import ModelRecord
from kinscope.results.trajectories import (
    MeasureComparison,
    ReplicaAnalysis,
    SystemSampling,
    TrajectoryComparison,
)
from kinscope.results.user_structure import USER_STATE
from kinscope.trajectories.conformation_check import CLASSES

RELATIONS = {
    "exact": "This very protein change. Only these items speak of the variant asked for.",
    "part of the compound variant": "One of the substitutions of the compound variant, reported alone.",
    "compound with more": "This change together with others in cis.",
    "same residue": "Another substitution of the same residue: context, not evidence of this variant.",
    "same region": "Another residue of the same region: context, not evidence of this variant.",
}


@dataclass(frozen=True)
class DrugRow:
    """One line of the table of drugs."""

    drug: str
    name: str
    binding_type: str
    verdict: DrugVerdict | None
    style: VerdictStyle
    docking: DockingComparison | None
    pose: str
    """Where the docked poses lie, in words."""
    measured: tuple[EvidenceHit, ...]
    published: tuple[EvidenceHit, ...]
    related: int
    """Items on this drug that speak of another change."""


@dataclass(frozen=True)
class EvidenceGroup:
    """The items of one relation."""

    relation: str
    meaning: str
    hits: tuple[EvidenceHit, ...]


@dataclass(frozen=True)
class OriginSummary:
    """Residue ranges of one origin and entry in one model."""

    origin: str
    entry: str
    ranges: str
    count: int


@dataclass(frozen=True)
class RegionTable:
    """Regions compared in one state."""

    state: str
    sampling: str
    rows: tuple[RegionComparison, ...]


@dataclass(frozen=True)
class SamplingRow:
    """The replicas of one system together."""

    state: str
    variant: str
    finished: int
    planned: int
    length_ns: tuple[float, ...]
    """Of the finished ones."""
    left_out: tuple[str, ...]
    """The others with the reason, e.g. ``replicas 0–2: failed, too short for two frames (0.040 ps)``."""
    ligand: str = ""
    """Drug id of what was bound; empty: apo."""


def drug_rows(result: StudyResult, files: ReportFiles) -> list[DrugRow]:
    """A row per drug: in the order of the verdicts, then drugs that were docked without one."""
    names = Names(files)
    verdicts = {verdict.drug: verdict for verdict in result.assessment.verdicts}
    docked = dict.fromkeys(row.drug for row in result.measurements.docking)
    rows = []
    for drug in dict.fromkeys([*verdicts, *docked]):
        verdict = verdicts.get(drug)
        own = [row for row in result.measurements.docking if row.drug == drug]
        own.sort(key=lambda row: (row.state != names.binding_state(row.drug), row.mode != "from known pose"))
        hits = [hit for hit in result.evidence.hits if hit.item.drug == drug]
        exact = [hit for hit in hits if hit.relation == "exact"]
        rows.append(
            DrugRow(
                drug=drug,
                name=names.drug(drug),
                binding_type=names.binding_type(drug),
                verdict=verdict,
                style=VERDICTS[verdict.verdict if verdict else "not resolved"],
                docking=own[0] if own else None,
                pose=pose_in_words(own[0], result.variant.short, names) if own else "",
                measured=tuple(hit for hit in exact if hit.item.tier == "measured"),
                published=tuple(hit for hit in exact if hit.item.tier == "published"),
                related=len(hits) - len(exact),
            )
        )
    return rows


def pose_in_words(docking: DockingComparison, variant: str, names: Names) -> str:
    """Best poses to the reference pose, and the reference pose to the crystal it comes from."""
    native, mutant = docking.native_rmsd_to_reference_angstrom, docking.mutant_rmsd_to_reference_angstrom
    ends = f"native {_angstrom(native)}, {variant} {_angstrom(mutant)} from the reference pose"
    if docking.state == USER_STATE:
        return f"{ends}, {_in_users(docking, names)}"
    if names.analogue(docking.drug, docking.reference):
        return f"{ends}, laid on the analogue {docking.reference}: no co-crystal of its own"
    away = docking.reference_to_crystal_rmsd_angstrom
    if away is None:
        return f"{ends}, which was never measured against a co-crystal"
    ends += f", which lies {_angstrom(away)} from the co-crystal {docking.reference}"
    if related := names.crystal_of(docking.drug):
        ends += f" with {related}, a related kinase, carried over by alignment"
    if not all(math.isfinite(value) for value in (native, mutant, away)):
        return ends
    # RMSD in place is a metric: the two figures bound the distance to the crystal's pose on both sides.
    bounds = [
        f"{who} {abs(value - away):.2f}–{value + away:.2f} Å"
        for who, value in (("native", native), (variant, mutant))
    ]
    return f"{ends}: so {', '.join(bounds)} from the co-crystal's pose"


def _in_users(docking: DockingComparison, names: Names) -> str:
    """Where the reference pose in a user's structure comes from, and how far it moved there."""
    moved = docking.reference_to_crystal_rmsd_angstrom
    away = f"which lies {'not measured how far' if moved is None else _angstrom(moved)} from"
    if docking.reference.startswith(USER_STATE):
        return f"{away} the pose that your structure shows"
    kind = "analogue" if names.analogue(docking.drug, docking.reference) else "co-crystal"
    return f"{away} that of the {kind} {docking.reference}, laid into your structure"


def _angstrom(value: float) -> str:
    text = distance(value)
    return text if text == "not computed" else f"{text} Å"


def options(result: StudyResult) -> tuple[TreatmentOption, ...]:
    """The options with what this run's verdicts add, else those of the evidence alone."""
    return result.assessment.options or result.evidence.options


def region_tables(regions: Sequence[RegionComparison], names: Names) -> list[RegionTable]:
    """Region comparisons by state."""
    tables: dict[str, list[RegionComparison]] = {}
    for row in regions:
        tables.setdefault(row.state, []).append(row)
    return [
        RegionTable(
            state,
            "; ".join(dict.fromkeys(r.difference_angstrom.sampling for r in tables[state])),
            tuple(tables[state]),
        )
        for state in sorted(tables, key=names.state_order)
    ]


def evidence_groups(hits: Sequence[EvidenceHit]) -> list[EvidenceGroup]:
    """Items by relation, nearest relation first, measured before published within one."""
    groups = []
    for relation, meaning in RELATIONS.items():
        own = sorted(
            (hit for hit in hits if hit.relation == relation),
            key=lambda hit: (
                hit.item.tier != "measured",
                hit.item.drug,
                hit.item.protein_change,
                hit.item.id,
            ),
        )
        if own:
            groups.append(EvidenceGroup(relation, meaning, tuple(own)))
    return groups


def origin_summary(model: ModelRecord) -> list[OriginSummary]:
    """Where a model's residues come from, as ranges."""
    groups: dict[tuple[str, str], list[int]] = {}
    for origin in model.origins:
        groups.setdefault((origin.origin, origin.entry), []).append(origin.residue)
    return [
        OriginSummary(origin, entry, range_text(residues), len(residues))
        for (origin, entry), residues in sorted(groups.items(), key=lambda pair: min(pair[1]))
    ]


def range_text(residues: Iterable[int]) -> str:
    """``240–385, 403``."""
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in ranges(residues))


def sampling_rows(simulations: Sequence[SimulationSummary], names: Names) -> list[SamplingRow]:
    """Replicas per system with the lengths that finished."""
    systems: dict[tuple[str, str, str], list[SimulationSummary]] = {}
    for simulation in simulations:
        systems.setdefault((simulation.state, simulation.ligand, simulation.variant), []).append(simulation)
    rows = []
    ordered = sorted(systems, key=lambda key: (names.state_order(key[0]), key[1], key[2] != "native", key[2]))
    for state, ligand, variant in ordered:
        own = systems[state, ligand, variant]
        done = [simulation for simulation in own if simulation.status == "finished"]
        lengths = tuple(simulation.length_ns for simulation in done)
        rows.append(SamplingRow(state, variant, len(done), len(own), lengths, _left_out(own), ligand))
    return rows


def _left_out(simulations: Sequence[SimulationSummary]) -> tuple[str, ...]:
    """Replicas that did not finish, those with the same reason together."""
    reasons: dict[str, list[int]] = {}
    for simulation in simulations:
        if simulation.status != "finished":
            why = f"{simulation.note or 'no reason recorded'} ({sampled(simulation.length_ns)})"
            reasons.setdefault(f"{simulation.status}, {why}", []).append(simulation.replica)
    return tuple(
        f"replica{'s' if len(numbers) > 1 else ''} {range_text(numbers)}: {why}"
        for why, numbers in reasons.items()
    )


def settings_text(settings: object, indent: int = 0) -> str:
    """Nested settings as indented lines in the manner of YAML, to be read, not parsed."""
    pad = "  " * indent
    if isinstance(settings, dict):
        return "\n".join(_setting(pad, f"{key}:", value, indent) for key, value in settings.items())
    if isinstance(settings, list | tuple):
        return "\n".join(_setting(pad, "-", value, indent) for value in settings)
    return f"{pad}{_scalar(settings)}"


def _setting(pad: str, head: str, value: object, indent: int) -> str:
    nested = isinstance(value, dict) or (
        isinstance(value, list | tuple) and any(isinstance(part, dict | list | tuple) for part in value)
    )
    if nested and value:
        return f"{pad}{head}\n{settings_text(value, indent + 1)}"
    if isinstance(value, list | tuple):
        return f"{pad}{head} [{', '.join(map(_scalar, value))}]"
    return f"{pad}{head} {_scalar(value)}"


def _scalar(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


ASPECTS = {**CLASSES, "dfg_cluster": "DFG dihedrals"}
_LEAST_PERCENT = 0.5


@dataclass(frozen=True)
class ClassRow:
    """One class, the shares of every replica."""

    aspect: str
    label: str
    native: str
    mutant: str


def class_rows(system: TrajectoryComparison) -> list[ClassRow]:
    """Classes that a replica shows in half a percent of its frames, by aspect, if it is modelled."""
    rows = []
    for aspect, title in ASPECTS.items():
        every = [*system.native, *system.mutant]
        shares = [share for one in every for share in one.classes if share.aspect == aspect]
        labels = dict.fromkeys(s.label for s in shares if s.percent >= _LEAST_PERCENT)
        if set(labels) <= {"not modelled", "unassigned"}:
            continue
        rows += [
            ClassRow(
                title, label, *(_percents(side, aspect, label) for side in (system.native, system.mutant))
            )
            for label in labels
        ]
    return rows


def _percents(side: Sequence[ReplicaAnalysis], aspect: str, label: str) -> str:
    found = [
        sum(share.percent for share in one.classes if (share.aspect, share.label) == (aspect, label))
        for one in side
    ]
    return ", ".join(f"{value:.0f}" for value in found)


def block_spread(side: SystemSampling) -> float | None:
    """The largest standard deviation of a replica's quarters, angstrom; None where none was taken."""
    found = [stdev(row) for row in side.block_means_angstrom if len(row) > 1]
    return max(found, default=None)


def worded(measure: MeasureComparison, names: Names, ligand: str) -> str:
    """A quantity's label with the pocket or the bound drug that it is of in words."""
    of, slash, _ = measure.name.rpartition("/")
    if not slash:
        return measure.label
    rest = measure.label.removeprefix(f"{of}: ")
    named = names.region(of) if rest.startswith("volume") else names.component(of, ligand)
    return f"{named}: {rest}"
