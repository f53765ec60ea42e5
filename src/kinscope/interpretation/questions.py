"""What was asked of motion, and what the readings of a study say to it, method by method, with controls.

Normal modes, dynamics and the models themselves are told apart in every answer: the first knows small motions
around one conformation, the second what its sampling reached, the third how the mutant was built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinscope.analysis.controls import MobilityControls
from kinscope.analysis.results import PocketComparison, RegionComparison
from kinscope.analysis.trajectory_results import StateMobility
from kinscope.interpretation.control_questions import control_questions
from kinscope.interpretation.findings import (
    finding,
    not_asked,
    of_region,
    summary,
    where,
)
from kinscope.interpretation.model import Measurements, MobilityFinding, MobilityQuestion
from kinscope.interpretation.neighbourhood_question import neighbourhood_question
from kinscope.interpretation.prose import region_label, state_label
from kinscope.interpretation.stays import stay_findings
from kinscope.interpretation.thresholds import UNMOVED_ANGSTROM
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

WINDOWS = ("paper_window", "activation_loop")
"""The first of these that the pack names is the stretch whose mobility is asked for."""


def mobility_questions(
    variant: Variant, measurements: Measurements, pack: TargetPack, controls: MobilityControls | None = None
) -> tuple[MobilityQuestion, ...]:
    """Every question, those that the study did not read with how to have them read."""
    return (
        _bound(measurements, pack),
        _states(measurements, pack),
        *_window(variant, measurements, pack),
        *(_pocket(pocket.name, variant, measurements, pack) for pocket in pack.drug_pockets),
        *control_questions(variant, measurements, pack, controls),
        neighbourhood_question(variant, measurements, pack),
    )


def _bound(measurements: Measurements, pack: TargetPack) -> MobilityQuestion:
    findings = tuple(
        found
        for system in measurements.trajectories
        if system.ligand
        for found in stay_findings(system, pack)
    )
    drugs = [drug.id for drug in pack.drugs if (pack.directory / "poses" / f"{drug.id}.sdf").exists()]
    hint = (
        "Not asked in this run: no drug was simulated bound. A settings file (`--settings`) with dynamics: "
        f"{{ligands: [{drugs[0]}]}} has it done."
        if drugs
        else "Not asked: the target has no drug with a known pose."
    )
    said = "; ".join(f"{item.where}: {item.verdict}" for item in findings)
    return MobilityQuestion(
        id="bound drugs",
        question="Do the bound drugs keep their place?",
        answer=f"{said[0].upper()}{said[1:]}." if said else hint,
        findings=findings,
    )


def _states(measurements: Measurements, pack: TargetPack) -> MobilityQuestion:
    window = _window_name(pack)
    rows = [row for row in measurements.state_mobility if row.region in ("", window)]
    findings = tuple(_of_states(row, pack) for row in rows)
    return MobilityQuestion(
        id="states",
        question="Does DFG-out move more than DFG-in?",
        answer=summary(findings)
        if findings
        else not_asked("no DFG-in and DFG-out state of like size were both studied"),
        findings=findings,
    )


def _of_states(row: StateMobility, pack: TargetPack) -> MobilityFinding:
    what = region_label(pack, row.region) if row.region else f"mean of {row.residues} residues"
    who = "native" if row.variant == "native" else row.variant
    first, second = (state_label(pack, state) for state in (row.first_state, row.second_state))
    found = finding(row.method, f"{who}, {what}: {second} against {first}", row.difference)
    # Two states do not change, they differ.
    return found.model_copy(update={"verdict": found.verdict.replace("no change of", "no difference of")})


def _window(variant: Variant, measurements: Measurements, pack: TargetPack) -> Iterator[MobilityQuestion]:
    name = _window_name(pack)
    if not name:
        return
    rows = [row for row in measurements.regions if row.region == name]
    findings = tuple(of_region(row, pack) for row in _methods_apart(rows))
    yield MobilityQuestion(
        id="window",
        question=f"Does {variant.short} change how much {region_label(pack, name)} moves?",
        answer=summary(findings) if findings else not_asked("fluctuations were not compared"),
        findings=findings,
    )


def _window_name(pack: TargetPack) -> str:
    known = {region.name for region in pack.regions}
    return next((name for name in WINDOWS if name in known), "")


def _methods_apart(rows: Sequence[RegionComparison]) -> list[RegionComparison]:
    return sorted(rows, key=lambda row: row.method == "md")


def _pocket(name: str, variant: Variant, measurements: Measurements, pack: TargetPack) -> MobilityQuestion:
    label = region_label(pack, name)
    findings: list[MobilityFinding] = []
    for pocket in measurements.pockets:
        if pocket.pocket == name:
            findings += _of_models(pocket, pack)
    rows = [row for row in measurements.regions if row.region == name]
    findings += [of_region(row, pack) for row in _methods_apart(rows)]
    for system in measurements.trajectories:
        for measure in system.measures:
            if measure.name == f"{name}/volume_cubic_angstrom":
                findings.append(finding("md", f"volume, {where(system, pack)}", measure.difference))
    return MobilityQuestion(
        id=f"pocket {name}",
        question=f"Is the {label} of {variant.short} as in native?",
        answer=summary(findings) if findings else not_asked("no pocket was compared"),
        findings=tuple(findings),
    )


def _of_models(pocket: PocketComparison, pack: TargetPack) -> list[MobilityFinding]:
    """Shape and volume of the built models; a pocket that the build did not touch cannot show a change."""
    state = state_label(pack, pocket.state)
    change = pocket.volume_difference_cubic_angstrom
    volumes = (
        f"{pocket.native_volume_cubic_angstrom:.0f} and {pocket.mutant_volume_cubic_angstrom:.0f} Å³, "
        f"backbone RMSD {pocket.backbone_rmsd_angstrom:.2f}, "
        f"side chains {pocket.side_chain_rmsd_angstrom:.2f} Å"
    )
    # A volume on a grid varies by a few cubic angstrom where no atom moved.
    same = abs(change.value or 0.0) < max(change.smallest_meaningful, 0.5)
    if pocket.side_chain_rmsd_angstrom < UNMOVED_ANGSTROM and same:
        verdict = "unmoved by construction: the mutant was rebuilt elsewhere, so the models cannot tell"
        unmoved = MobilityFinding(
            method="models",
            where=f"shape and volume, {state}",
            result=volumes,
            verdict=verdict,
            sampling=change.sampling,
        )
        return [unmoved]
    return [finding("models", f"shape and volume, {state}", change, result=volumes)]
