"""What this assessment cannot know, said once and plainly."""

from __future__ import annotations

from kinscope.analysis.regions import time_words
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation import thresholds
from kinscope.interpretation.model import Measurements
from kinscope.structures.user_records import USER_STATE
from kinscope.variants.model import Variant


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
    """Of dynamics and normal modes."""
    limits = []
    lengths = [run.length_ns for run in measurements.simulations if run.status == "finished"]
    failed = sum(run.status == "failed" for run in measurements.simulations)
    if lengths:
        limits.append(
            f"Dynamics sampled {time_words(min(lengths))} per replica; slower motions, a turn of the DFG "
            "motif above all, are out of its reach."
        )
    else:
        limits.append("No dynamics finished in this run.")
    if failed:
        limits.append(f"{failed} of {len(measurements.simulations)} replicas failed and are left out.")
    if any(row.method == "normal_modes" for row in measurements.regions):
        limits.append(
            "Normal modes describe small motions around one conformation, not a change between states."
        )
    return limits
