"""What was asked of motion, and what the readings of a study say to it, instrument by instrument.

Crystals, dynamics and the models themselves are told apart in every answer: the first know the native kinase
in each conformation, the second what its sampling reached, the third how the mutant was built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinscope.interpretation.crystals import crystal_question, state_findings
from kinscope.interpretation.findings import (
    finding,
    join,
    not_asked,
    of_region,
    region_label,
    state_label,
    summary,
    where,
)
from kinscope.interpretation.model import Measurements, MobilityFinding, MobilityQuestion
from kinscope.interpretation.stays import stay_findings
from kinscope.interpretation.thresholds import UNMOVED_ANGSTROM
from kinscope.results.flexibility import CrystalFlexibility
from kinscope.results.measured import ContactChange, PocketComparison
from kinscope.results.trajectories import StateMobility, TrajectoryComparison
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

_POLAR = ("hydrogen bond", "salt bridge")
_MOST_NAMED = 3


def neighbourhood_question(
    variant: Variant, measurements: Measurements, pack: TargetPack
) -> MobilityQuestion:
    """The substituted residue's contacts, state by state, then trajectory by trajectory."""
    changes = measurements.contact_changes
    findings = [
        _of_contacts([row for row in changes if row.state == state], state_label(pack, state))
        for state in dict.fromkeys(row.state for row in changes)
    ]
    findings += [
        _of_trajectories(system, pack)
        for system in measurements.trajectories
        if not system.ligand and any(row.of.isdigit() for row in system.contacts)
    ]
    residues = join([f"{part.wild_type}{part.position}" for part in variant.substitutions])
    return MobilityQuestion(
        id="neighbourhood",
        question=f"What does {residues} touch, and what does {variant.short}?",
        answer=_answer(findings) if findings else not_asked("no contacts were analysed"),
        findings=tuple(findings),
    )


def _answer(findings: Sequence[MobilityFinding]) -> str:
    """State by state, since numbers of contacts mean nothing without it."""
    sentences = []
    for method, head in (("models", "Contacts in the models"), ("md", "Along the trajectories")):
        own = [item for item in findings if item.method == method]
        samples = list(dict.fromkeys(item.sampling for item in own))
        sampled = f" ({samples[0]})" if method == "md" and len(samples) == 1 else ""
        said = "; ".join(f"{item.where}: {item.verdict}" for item in own)
        if said:
            sentences.append(f"{head}{sampled}, {said}.")
    return " ".join(sentences)


def _of_contacts(rows: Sequence[ContactChange], state: str) -> MobilityFinding:
    words = []
    for change in ("lost", "gained", "kept"):
        own = [row.contact for row in rows if row.change == change]
        if change == "kept":
            own = [contact for contact in own if contact.kind in _POLAR]
        if own:
            names = [f"{one.partner_name.capitalize()}{one.partner} ({one.kind})" for one in own]
            words.append(f"{change} {join(names)}")
    lost = sum(row.change == "lost" for row in rows)
    gained = sum(row.change == "gained" for row in rows)
    return MobilityFinding(
        method="models",
        where=state,
        result="; ".join(words) or "no polar contact, and every other is kept",
        verdict=f"{lost} lost, {gained} gained, {len(rows) - lost - gained} kept",
        sampling="the native model and the mutant's close alternatives; nothing moves",
    )


def _of_trajectories(system: TrajectoryComparison, pack: TargetPack) -> MobilityFinding:
    own = [row for row in system.contacts if row.of.isdigit()]
    changed = [row for row in own if row.difference.resolved]
    named = [
        f"{row.kind} with {row.partner_name}{row.partner} {_mean(row.native_percent):.0f} and "
        f"{_mean(row.mutant_percent):.0f} % of the frames"
        for row in (changed or own[:_MOST_NAMED])
    ]
    return MobilityFinding(
        method="md",
        where=where(system, pack),
        result="; ".join(named) + ("" if changed or len(own) <= _MOST_NAMED else "; more in the table"),
        verdict=f"resolved in {len(changed)} of {len(own)} interactions"
        if changed
        else f"not resolved in any of {len(own)} interactions",
        sampling=system.sampling,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


WINDOWS = ("paper_window", "activation_loop")
"""The first of these that the pack names is the stretch whose mobility is asked for."""


def mobility_questions(
    variant: Variant,
    measurements: Measurements,
    pack: TargetPack,
    flexibility: CrystalFlexibility | None = None,
) -> tuple[MobilityQuestion, ...]:
    """Every question, those that the study did not read with how to have them read."""
    return (
        _bound(measurements, pack),
        _states(measurements, pack, flexibility),
        *_window(variant, measurements, pack),
        *(_pocket(pocket.name, variant, measurements, pack) for pocket in pack.drug_pockets),
        crystal_question(variant, flexibility, pack),
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


def _states(
    measurements: Measurements, pack: TargetPack, flexibility: CrystalFlexibility | None
) -> MobilityQuestion:
    window = _window_name(pack)
    rows = [row for row in measurements.state_mobility if row.region in ("", window)]
    findings = state_findings(flexibility, window, pack) + tuple(_of_states(row, pack) for row in rows)
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
    found = finding(row.method, f"{who}, {what}: {second} against {first}", row.difference, side=second)
    # Two states do not change, they differ.
    return found.model_copy(update={"verdict": found.verdict.replace("no change of", "no difference of")})


def _window(variant: Variant, measurements: Measurements, pack: TargetPack) -> Iterator[MobilityQuestion]:
    name = _window_name(pack)
    if not name:
        return
    rows = [row for row in measurements.regions if row.region == name]
    findings = tuple(of_region(row, pack) for row in rows)
    yield MobilityQuestion(
        id="window",
        question=f"Does {variant.short} change how much {region_label(pack, name)} moves?",
        answer=summary(findings) if findings else not_asked("fluctuations were not compared"),
        findings=findings,
    )


def _window_name(pack: TargetPack) -> str:
    known = {region.name for region in pack.regions}
    return next((name for name in WINDOWS if name in known), "")


def _pocket(name: str, variant: Variant, measurements: Measurements, pack: TargetPack) -> MobilityQuestion:
    label = region_label(pack, name)
    findings: list[MobilityFinding] = []
    for pocket in measurements.pockets:
        if pocket.pocket == name:
            findings += _of_models(pocket, pack)
    rows = [row for row in measurements.regions if row.region == name]
    findings += [of_region(row, pack) for row in rows]
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
