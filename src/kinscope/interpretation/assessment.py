"""The whole interpretation of one variant.

What this run's verdicts add to the treatment options on either side. Never a prescription.

What this assessment cannot know, said once and plainly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinscope.analysis.regions import time_words
from kinscope.analysis.sampling import SHORTEST_NS
from kinscope.analysis.trajectory_compare import lengths_differ
from kinscope.evidence.model import EvidenceSummary, TreatmentOption
from kinscope.interpretation import thresholds
from kinscope.interpretation.answer import write_answer
from kinscope.interpretation.findings import in_prose, structural_finding
from kinscope.interpretation.model import Assessment, DrugVerdict, Measurements, Predicted
from kinscope.interpretation.motion import motion_questions
from kinscope.interpretation.verdicts import assessed_drugs, judge, next_steps
from kinscope.results.flexibility import CrystalFlexibility
from kinscope.results.user_structure import USER_STATE
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def weigh_options(
    options: Sequence[TreatmentOption], verdicts: Sequence[DrugVerdict], pack: TargetPack
) -> tuple[TreatmentOption, ...]:
    """The options, with computed findings on their drugs marked as computed.

    Published evidence is in the options already; a verdict that rests on it adds nothing here.
    """
    by_drug = {verdict.drug: verdict for verdict in verdicts}
    return tuple(_weigh(option, by_drug, pack) for option in options)


def _weigh(option: TreatmentOption, verdicts: dict[str, DrugVerdict], pack: TargetPack) -> TreatmentOption:
    speaks_for, speaks_against = list(option.speaks_for), list(option.speaks_against)
    for identifier in option.drugs:
        verdict = verdicts.get(identifier)
        if verdict is None:
            continue
        name = in_prose(pack.drug(identifier))
        computed_against = any(
            r.tier == "computed" and r.weight != "weak" for r in verdict.reasons_against_binding
        )
        if verdict.verdict == "no loss of binding detected":
            speaks_for.append(
                f"Computed: no loss of {name} binding detected ({verdict.confidence} confidence)."
            )
        elif verdict.verdict == "not resolved":
            speaks_against.append(f"Whether {name} still acts on this variant is not resolved.")
        elif verdict.verdict == "reduced binding expected" and computed_against:
            speaks_against.append(
                f"Computed: {name} binds less well in the mutant model ({verdict.mechanism})."
            )
    return option.model_copy(
        update={"speaks_for": tuple(speaks_for), "speaks_against": tuple(speaks_against)}
    )


def limits_of(variant: Variant, measurements: Measurements, evidence: EvidenceSummary) -> tuple[str, ...]:
    """The limits that hold for this run, the general ones last."""
    limits: list[str] = []
    exact = [hit.item for hit in evidence.hits if hit.relation == "exact"]
    if any(item.kind == "case report" for item in exact):
        limits.append(
            "A case report is one patient: it shows that disease progressed while the change was present, "
            "not that the change caused it."
        )
    if len(variant.substitutions) > 1:
        limits.append(
            "The substitutions are taken to be on one molecule; sequencing of a mixed sample cannot tell "
            "that from two clones."
        )
    limits += _of_your_structure(variant, measurements)
    limits += _of_motion(measurements)
    if measurements.relaxed:
        limits.append(
            "Relaxed complexes compare interaction energies in implicit solvent: bound water and entropy are "
            "missing, and their scale is steeper than that of affinities."
        )
    limits += [
        "Docking scores compare poses in one conformation of the protein; differences below "
        f"{thresholds.MEANINGFUL_SCORE_KCAL_PER_MOL} kcal/mol are not counted, and a shift between "
        "conformations, the way M244V of ABL1 escapes asciminib, does not show in them.",
        "Affinity for ATP, catalytic activity, protein stability, drug exposure and mechanisms of resistance "
        f"outside {variant.gene} were not computed.",
        "The evidence tables hold what was curated from the sources listed, not everything published; "
        "absence from them is not absence.",
        "This is research: it describes binding and evidence, and recommends no treatment.",
    ]
    return tuple(limits)


def _of_your_structure(variant: Variant, measurements: Measurements) -> list[str]:
    """Of a state that was prepared from the user's file."""
    limits = []
    native = [model for model in measurements.models if model.variant == "native"]
    given = next((model for model in native if model.state == USER_STATE), None)
    if given is not None:
        filled = sum(origin.origin in ("grafted", "built") for origin in given.origins)
        limits.append(
            "The state of your structure is as good as the file it was prepared from"
            + (f", and {filled} of its residues are not in that file" if filled else "")
            + "; the methods list what was added, changed and left out."
        )
        here = [
            item
            for item in given.origins
            if item.origin == "substituted" and item.residue in variant.positions
        ]
        if here:
            limits.append(
                "Your structure has another residue than the target where the variant is ("
                + "; ".join(item.note for item in here)
                + "): native and mutant both stand on a model in which that was set back, not on the file as "
                "it was."
            )
    return limits


def _of_motion(measurements: Measurements) -> list[str]:
    """Of dynamics."""
    limits = []
    lengths = [run.length_ns for run in measurements.simulations if run.status == "finished"]
    failed = sum(run.status == "failed" for run in measurements.simulations)
    if lengths:
        told = "" if min(lengths) >= SHORTEST_NS else ": too short for any sentence, so that none is made"
        limits.append(f"Dynamics sampled {time_words(min(lengths))} per replica{told}.")
    if failed:
        limits.append(f"{failed} of {len(measurements.simulations)} replicas failed and are left out.")
    systems: dict[str, list[float]] = {}
    for run in measurements.simulations:
        if run.status == "finished":
            systems.setdefault(f"{run.state} {run.ligand}".strip(), []).append(run.length_ns)
    limits += [
        f"Dynamics of {system} is not compared: its replicas are {time_words(min(lengths))} to "
        f"{time_words(max(lengths))} long, and what lasts longer shows more."
        for system, lengths in systems.items()
        if lengths_differ(lengths)
    ]
    return limits


def assess(
    variant: Variant,
    measurements: Measurements,
    evidence: EvidenceSummary,
    pack: TargetPack,
    flexibility: CrystalFlexibility | None = None,
    predicted: Mapping[str, Predicted] | None = None,
) -> Assessment:
    """Weigh what was computed against what is published, drug by drug.

    ``measurements``: everything this run computed; any part may be empty, and then less is said.
    ``flexibility``: of the native kinase in its crystals, where the target ships a table. ``predicted``:
    changes of affinity by drug id.

    Returns verdicts in the order of the pack's drugs, each with reasons on both sides and their tiers kept
    apart.
    """
    judged = tuple(
        judge(variant, drug, measurements, evidence, (predicted or {}).get(drug.id))
        for drug in assessed_drugs(pack, measurements, evidence)
    )
    verdicts = tuple(judgement.verdict for judgement in judged)
    return Assessment(
        answer=write_answer(variant, judged, evidence, pack),
        verdicts=verdicts,
        finding=structural_finding(variant, measurements.contact_changes),
        questions=motion_questions(variant, measurements, pack, flexibility),
        limits=limits_of(variant, measurements, evidence),
        options=weigh_options(evidence.options, verdicts, pack),
        next_steps=next_steps(variant, verdicts, evidence),
    )
