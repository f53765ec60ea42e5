"""What the substituted residue touches: in the models, and along the trajectories."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.analysis.results import ContactChange
from kinscope.analysis.trajectory_results import TrajectoryComparison
from kinscope.interpretation.findings import not_asked, where
from kinscope.interpretation.model import Measurements, MobilityFinding, MobilityQuestion
from kinscope.interpretation.prose import join, state_label
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
        _of_models([row for row in changes if row.state == state], state_label(pack, state))
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


def _of_models(rows: Sequence[ContactChange], state: str) -> MobilityFinding:
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
