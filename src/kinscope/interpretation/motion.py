"""What was asked of motion, what a reference study says to it, and what each instrument of this study does.

Crystals, dynamics and the models themselves are told apart in every answer. Dynamics of less than a
nanosecond says nothing, so that it is left out as if it had not been run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kinscope.analysis.regions import time_words
from kinscope.analysis.sampling import SHORTEST_NS
from kinscope.interpretation.crystals import crystal_question, state_findings
from kinscope.interpretation.findings import (
    finding,
    join,
    of_region,
    of_two,
    region_label,
    state_label,
    where,
)
from kinscope.interpretation.model import Measurements, MobilityFinding, MobilityQuestion
from kinscope.interpretation.preference import crystal_contacts_of, preference_question
from kinscope.interpretation.thresholds import UNMOVED_ANGSTROM
from kinscope.interpretation.words.statistics import power_of
from kinscope.results.flexibility import CrystalFlexibility
from kinscope.results.measured import PocketComparison, RegionComparison
from kinscope.results.trajectories import ReplicaAnalysis, StateMobility, TrajectoryComparison
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

WINDOWS = ("paper_window", "activation_loop")
"""The first of these that the pack names is the stretch whose mobility is asked for."""


def spoken(measurements: Measurements) -> Measurements:
    """The measurements without dynamics that is too short for any sentence."""
    long = {p.state for p in measurements.profiles if p.length_ns >= SHORTEST_NS}
    told = [
        system
        for system in measurements.trajectories
        if min((one.length_ns or 0.0 for one in (*system.native, *system.mutant)), default=0.0) >= SHORTEST_NS
    ]
    return measurements.model_copy(
        update={
            "profiles": tuple(p for p in measurements.profiles if p.state in long),
            "regions": tuple(row for row in measurements.regions if row.state in long),
            "trajectories": tuple(told),
            "state_mobility": tuple(
                row for row in measurements.state_mobility if {row.first_state, row.second_state} <= long
            ),
        }
    )


def motion_questions(
    variant: Variant,
    measurements: Measurements,
    pack: TargetPack,
    flexibility: CrystalFlexibility | None = None,
) -> tuple[MobilityQuestion, ...]:
    """Every question, with what the pack's reference study says of this variant, where it holds one."""
    told = spoken(measurements)
    said = {claim.id: claim for claim in pack.claims if claim.variant == variant.short}
    asked = [
        *_bound(told, pack),
        *_window(variant, told, pack),
        _states(told, pack, flexibility),
        *(_pocket(pocket.name, variant, told, pack) for pocket in pack.drug_pockets),
        *_open(variant, told, pack),
        crystal_question(variant, flexibility, pack),
        preference_question(pack, variant),
        crystal_contacts_of(pack, variant, measurements.contact_changes),
    ]
    return tuple(
        question.model_copy(
            update={
                "said": found.said,
                "said_by": f"{found.citation}, {found.identifier}",
                "settled_by": _settles(question.id),
            }
        )
        if (found := said.get(question.id))
        else question
        for question in asked
        if question is not None
    )


def _settles(identity: str) -> str:
    """What would decide a question that a reference study answered."""
    if identity.startswith("pocket"):
        return "A crystal of the mutant."
    beside = {"states": ", in either state", "open": ", with M244V as the control"}
    return f"{power_of(0, 0.0).wanted}{beside.get(identity, '')}."


def _question(identity: str, question: str, findings: list[MobilityFinding]) -> MobilityQuestion:
    return MobilityQuestion(
        id=identity,
        question=question,
        answer="; ".join(f"{item.where}: {item.verdict}" for item in findings) or "Not tested.",
        findings=tuple(findings),
    )


def _bound(told: Measurements, pack: TargetPack) -> Iterator[MobilityQuestion]:
    held = [system for system in told.trajectories if system.ligand]
    if held:
        rows = [found for system in held for found in stay_findings(system, pack)]
        yield _question("bound", "Do the bound drugs keep their place?", rows)


def _window(variant: Variant, told: Measurements, pack: TargetPack) -> Iterator[MobilityQuestion]:
    if name := _window_name(pack):
        rows = [_region(row, told, pack) for row in told.regions if row.region == name]
        asked = f"Does {variant.short} change how much {region_label(pack, name)} moves?"
        yield _question("window", asked, rows)


def _window_name(pack: TargetPack) -> str:
    known = {region.name for region in pack.regions}
    return next((name for name in WINDOWS if name in known), "")


def _states(told: Measurements, pack: TargetPack, flexibility: CrystalFlexibility | None) -> MobilityQuestion:
    window = _window_name(pack)
    rows = [_of_states(row, pack) for row in told.state_mobility if row.region in ("", window)]
    return _question(
        "states", "Does DFG-out move more than DFG-in?", [*state_findings(flexibility, window, pack), *rows]
    )


def _of_states(row: StateMobility, pack: TargetPack) -> MobilityFinding:
    what = region_label(pack, row.region) if row.region else f"mean of {row.residues} residues"
    who = "native" if row.variant == "native" else row.variant
    first, second = (state_label(pack, state) for state in (row.first_state, row.second_state))
    return of_two(row.method, f"{who}, {what}: {second} against {first}", row.difference, second)


def _open(variant: Variant, told: Measurements, pack: TargetPack) -> Iterator[MobilityQuestion]:
    """Whether helix C of the open, active form moves otherwise: what M244V is known for."""
    opened = [state.id for state in pack.states if state.id.startswith("open")]
    if opened:
        rows = [row for row in told.regions if row.state in opened and row.region == "helix_c"]
        asked = f"Is the open form of {variant.short} as mobile as in native?"
        yield _question("open", asked, [_region(row, told, pack) for row in rows])


def _region(row: RegionComparison, told: Measurements, pack: TargetPack) -> MobilityFinding:
    """A region's reading; where it is not resolved, with what such replicas could have found."""
    found, change = of_region(row, pack), row.difference_angstrom
    if change.decided:
        return found
    length = min((p.length_ns for p in told.profiles if p.state == row.state), default=0.0)
    power = power_of(min(change.native_replicas, change.mutant_replicas), length)
    return found.model_copy(update={"verdict": f"{found.verdict} ({power.words})"})


def _pocket(name: str, variant: Variant, told: Measurements, pack: TargetPack) -> MobilityQuestion:
    rows = [_of_models(pocket, pack) for pocket in told.pockets if pocket.pocket == name]
    rows += [_region(row, told, pack) for row in told.regions if row.region == name]
    rows += [
        finding("md", f"volume, {where(system, pack)}", measure.difference)
        for system in told.trajectories
        for measure in system.measures
        if measure.name == f"{name}/volume_cubic_angstrom"
    ]
    return _question(
        f"pocket {name}", f"Is the {region_label(pack, name)} of {variant.short} as in native?", rows
    )


def _of_models(pocket: PocketComparison, pack: TargetPack) -> MobilityFinding:
    """Shape and volume of the built models; a pocket that the build did not touch cannot show a change."""
    change = pocket.volume_difference_cubic_angstrom
    volumes = (
        f"{pocket.native_volume_cubic_angstrom:.0f} and {pocket.mutant_volume_cubic_angstrom:.0f} Å³, "
        f"side chains {pocket.side_chain_rmsd_angstrom:.2f} Å"
    )
    found = finding("models", state_label(pack, pocket.state), change, result=volumes)
    # A volume on a grid varies by a few cubic angstrom where no atom moved.
    same = abs(change.value or 0.0) < max(change.smallest_meaningful, 0.5)
    if pocket.side_chain_rmsd_angstrom < UNMOVED_ANGSTROM and same:
        told = "cannot tell: the mutant was rebuilt elsewhere, so that nothing here could move"
        return found.model_copy(update={"verdict": told, "result": volumes})
    return found


LONG_STAY_NS = 10.0
"""Shorter, and a stay shows only that the pose does not fall apart at once."""
STAYS_PERCENT = 70.0
"""A drug that keeps this share of its first contacts on average holds its place."""


def stay_findings(system: TrajectoryComparison, pack: TargetPack) -> list[MobilityFinding]:
    """One reading per side: RMSD, contacts kept, whether it left."""
    found = []
    for side, who in ((system.native, "native"), (system.mutant, system.variant)):
        if not side:
            continue
        kept, moved = (means(side, f"ligand_{name}") for name in ("contacts_kept_percent", "rmsd_angstrom"))
        length = min(one.length_ns or 0.0 for one in side)
        found.append(
            MobilityFinding(
                method="md",
                where=f"{where(system, pack)}, {who}",
                result=_result(side, kept, moved),
                verdict=verdict_of_stay(side, kept, length),
                sampling=f"{len(side)} x {time_words(length)}",
            )
        )
    return found


def verdict_of_stay(side: Sequence[ReplicaAnalysis], kept: Sequence[float], length_ns: float) -> str:
    """Left, loosened or held; a stay shorter than ten nanoseconds is no stay."""
    if not kept:
        return "not resolved: the drug was not measured"
    gone = sum(any(stay.left_at_percent is not None for stay in one.ligands) for one in side)
    if gone:
        return f"leaves its pocket in {gone} of {len(side)} replicas"
    held = "holds its place" if min(kept) >= STAYS_PERCENT else "loosens"
    if length_ns < LONG_STAY_NS:
        return f"not resolved: it {held} for {time_words(length_ns)}, too short to tell a stay"
    return held


def means(side: Sequence[ReplicaAnalysis], name: str) -> list[float]:
    """Mean of a ligand's quantity in every replica that has it."""
    return [series.mean for one in side for series in one.series if series.name.rpartition("/")[2] == name]


def _result(side: Sequence[ReplicaAnalysis], kept: Sequence[float], moved: Sequence[float]) -> str:
    if not kept or not moved:
        return "not measured"
    stays = [
        f"{stay.left_at_percent:.0f} % of replica {one.replica + 1}"
        for one in side
        for stay in one.ligands
        if stay.left_at_percent is not None
    ]
    left = f", gone from {join(stays)} on" if stays else ""
    return (
        f"RMSD {np.mean(moved):.1f} Å ({min(moved):.1f} to {max(moved):.1f} by replica), "
        f"{np.mean(kept):.0f} % of the first contacts kept ({min(kept):.0f} to {max(kept):.0f}){left}"
    )
