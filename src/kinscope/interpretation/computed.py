"""What this run computed of one drug: measurements that speak for and against binding, and a mechanism."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kinscope.analysis.calls import call
from kinscope.interpretation import thresholds
from kinscope.interpretation.model import BindingCall, Measurements, Reason
from kinscope.interpretation.words.say import statement
from kinscope.interpretation.words.statistics import KEPT_MEANS
from kinscope.results.measured import Difference, DockingComparison, ModelGeometry
from kinscope.targets.pack import DrugDefinition
from kinscope.variants.model import Variant

Decision = Literal["lost", "kept", "unresolved"]


@dataclass(frozen=True)
class BindingOpinion:
    """The calls of one drug's states and what they come to together."""

    decision: Decision
    """``unresolved`` also where states contradict each other."""
    deciding: BindingCall
    """The call that the decision rests on, or the one to show where nothing is decided."""
    calls: tuple[BindingCall, ...]
    contradictory: bool


def binding_opinion(drug: DrugDefinition, measurements: Measurements) -> BindingOpinion | None:
    """The opinion on one drug; None where no complex of it was relaxed, since the variant is out of reach."""
    calls = binding_calls(drug, measurements)
    if not calls:
        return None
    decided = [item for item in calls if item.call.word in ("lost", "kept")]
    contradictory = len({item.call.word for item in decided}) > 1
    if not decided or contradictory:
        return BindingOpinion("unresolved", calls[0], calls, contradictory)
    return BindingOpinion("lost" if decided[0].call.word == "lost" else "kept", decided[0], calls, False)


def binding_calls(drug: DrugDefinition, measurements: Measurements) -> tuple[BindingCall, ...]:
    """A call per state, the drug's own state first (the rule: :mod:`kinscope.analysis.calls`)."""
    relaxed = sorted(
        (item for item in measurements.relaxed if item.drug == drug.id),
        key=lambda item: (item.state != drug.state, item.state),
    )
    found = []
    for item in relaxed:
        rigid = next((d for d in measurements.docking if (d.drug, d.state) == (drug.id, item.state)), None)
        found.append(
            BindingCall(
                state=item.state,
                difference_kcal_per_mol=item.difference_kcal_per_mol,
                call=call(
                    rigid.difference_kcal_per_mol if rigid else None,
                    item,
                    mode_kept=None
                    if rigid is None
                    else rigid.mutant_rmsd_to_reference_angstrom <= thresholds.SAME_POSE_ANGSTROM,
                    distance_angstrom=item.distance_to_variant_angstrom,
                    reach_angstrom=item.settings.surroundings_angstrom,
                    known_to_crystal_angstrom=item.reference_to_crystal_angstrom,
                ),
            )
        )
    return tuple(found)


ComputedVerdict = Literal["reduced binding expected", "no loss of binding detected", "not resolved"]
POLAR = ("hydrogen bond", "salt bridge")
DOCKING = "docking of this run"
"""The source of reasons from rigid docking; of those for binding only a pose found again by search counts."""
_GEOMETRY, _POCKETS = "state geometry of this run", "pockets of this run"
_RELAXED = "relaxed complexes of this run"
_Told = tuple[Literal["for", "against"], Reason]
"""A reason and its side."""
_Said = tuple[ComputedVerdict, Literal["moderate", "low"], str]
"""A verdict, how sure it is, and why."""
SHIFT, CLASH, LOST, NONE_SEEN, NOT_RESOLVED = (
    "shift towards the active conformation", "steric clash", "lost contact", "none seen", "not resolved",
)  # fmt: skip


@dataclass(frozen=True)
class ComputedOpinion:
    """The verdict of this run's computation on one drug."""

    verdict: ComputedVerdict
    confidence: Literal["moderate", "low"]
    mechanism: str
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    explanation: str
    """Why the verdict is what it is, in one sentence."""
    distance_angstrom: float | None
    """Between the drug and the substituted residue; None where no pose of it is known."""
    binding: tuple[BindingCall, ...] = ()
    """Relaxed complexes by state; where there are any they decide."""


@dataclass(frozen=True)
class _Signs:
    """What one docking comparison shows."""

    trusted: bool
    worse_score: bool
    large_loss: bool
    bounded: bool
    """The interval excludes a loss that counts."""
    displaced: bool
    invalid: bool
    direct: bool
    remote: bool
    polar_lost: bool

    @property
    def reduced(self) -> bool:
        return self.worse_score or self.displaced or self.invalid


def computed_opinion(variant: Variant, drug: DrugDefinition, measurements: Measurements) -> ComputedOpinion:
    """Judge one drug on docking, relaxed complexes, geometry and pockets; few signs, little said."""
    chosen = main_comparison(drug, measurements.docking)
    shifted = state_shift(drug, variant, measurements.geometries)
    shift_reasons = tuple(_computed(text, _GEOMETRY, "moderate") for text in shifted)
    if chosen is None:
        away = next((one.distance_angstrom for one in measurements.reach if one.drug == drug.id), None)
        return ComputedOpinion(
            verdict="not resolved",
            confidence="low",
            mechanism=SHIFT if shifted else NOT_RESOLVED,
            reasons_for=(),
            reasons_against=shift_reasons,
            explanation=f"{drug.name} was not docked in this run.",
            distance_angstrom=away,
        )
    signs = _signs(chosen)
    relaxed = binding_opinion(drug, measurements)
    told = [
        *_relaxed_reasons(relaxed),
        *_docking_reasons(chosen, signs, relaxed),
        *_pocket_reasons(drug, measurements),
    ]
    verdict, confidence, explanation = (
        _verdict(drug, chosen, signs) if relaxed is None else _relaxed_verdict(drug, relaxed, signs)
    )
    return ComputedOpinion(
        verdict=verdict,
        confidence=confidence,
        mechanism=_mechanism(variant, signs, verdict, bool(shifted), relaxed),
        reasons_for=tuple(reason for side, reason in told if side == "for"),
        reasons_against=(*(reason for side, reason in told if side == "against"), *shift_reasons),
        explanation=explanation,
        distance_angstrom=chosen.distance_to_variant_angstrom,
        binding=relaxed.calls if relaxed else (),
    )


def main_comparison(drug: DrugDefinition, docking: Sequence[DockingComparison]) -> DockingComparison | None:
    """The comparison that decides: in the state the drug binds, from its known pose where there is one."""
    of_drug = [comparison for comparison in docking if comparison.drug == drug.id]
    if not of_drug:
        return None
    return min(of_drug, key=lambda c: (c.state != drug.state, c.mode != "from known pose"))


def binds_inactive_state(drug: DrugDefinition) -> bool:
    """Whether a drug needs an inactive conformation (type II, allosteric), which a mutant may disfavour."""
    return drug.binding_type == "type II" or drug.binding_type.startswith("allosteric")


def state_shift(drug: DrugDefinition, variant: Variant, geometries: Sequence[ModelGeometry]) -> list[str]:
    """Changes of the mutant's lowest model towards the active state, in the state the drug binds."""
    if not binds_inactive_state(drug):
        return []
    of_state = [g for g in geometries if g.state == drug.state and g.alternative == 0]
    native = next((g.geometry for g in of_state if g.variant == "native"), None)
    mutant = next((g.geometry for g in of_state if g.variant == variant.short), None)
    if native is None or mutant is None:
        return []
    texts = []
    if native.dfg == "out" and mutant.dfg in ("in", "inter"):
        texts.append(f"The mutant model of {drug.state} leaves DFG-out for DFG-{mutant.dfg}.")
    if native.helix_c == "out" and mutant.helix_c == "in":
        texts.append(f"Helix C of the mutant model of {drug.state} moves in.")
    if native.activation_loop == "folded" and mutant.activation_loop == "extended":
        texts.append(f"The activation loop of the mutant model of {drug.state} extends.")
    return texts


def _signs(comparison: DockingComparison) -> _Signs:
    change = comparison.difference_kcal_per_mol
    resolved_loss = change.value if change.resolved and change.value is not None else 0.0
    native_kept = comparison.native_rmsd_to_reference_angstrom <= thresholds.SAME_POSE_ANGSTROM
    distance = comparison.distance_to_variant_angstrom
    return _Signs(
        trusted=native_kept,
        worse_score=resolved_loss >= thresholds.MEANINGFUL_SCORE_KCAL_PER_MOL,
        large_loss=resolved_loss >= thresholds.LARGE_SCORE_KCAL_PER_MOL,
        bounded=change.high is not None and change.high < thresholds.MEANINGFUL_SCORE_KCAL_PER_MOL,
        displaced=native_kept
        and comparison.mutant_rmsd_to_reference_angstrom > thresholds.SAME_POSE_ANGSTROM,
        invalid=not comparison.pose_valid,
        direct=distance <= thresholds.DIRECT_CONTACT_ANGSTROM,
        remote=distance > thresholds.REMOTE_ANGSTROM,
        polar_lost=any(kind in contact for contact in comparison.contacts_lost for kind in POLAR),
    )


def _verdict(drug: DrugDefinition, comparison: DockingComparison, signs: _Signs) -> _Said:
    if not signs.trusted:
        return "not resolved", "low", (
            f"The known pose of {drug.name} was not kept in the native model "
            f"({comparison.native_rmsd_to_reference_angstrom:.1f} Å), so its scores are not interpreted."
        )  # fmt: skip
    if signs.reduced:
        several = sum((signs.worse_score, signs.displaced or signs.invalid, signs.polar_lost)) >= 2
        why = f"Docking finds {drug.name} bound less well in the mutant."
        return "reduced binding expected", "moderate" if signs.direct and several else "low", why
    # Around its known pose nothing is searched for that could be another one.
    posed = "keeps its pose" if comparison.mode == "global" else "was docked in its known pose"
    if signs.bounded and not (signs.direct and signs.polar_lost):
        return "no loss of binding detected", "low", (
            f"{drug.name} {posed}, and the interval of the score difference excludes a loss of "
            f"{thresholds.MEANINGFUL_SCORE_KCAL_PER_MOL} kcal/mol."
        )  # fmt: skip
    if signs.remote:
        return "no loss of binding detected", "low", (
            f"{drug.name} {posed} {comparison.distance_to_variant_angstrom:.0f} Å from the substituted"
            " residue; docking does not see effects that work through the protein's motion."
        )  # fmt: skip
    why = f"{drug.name} {posed}, but the score difference is too uncertain to exclude or show a loss."
    return "not resolved", "low", why


def _relaxed_verdict(drug: DrugDefinition, relaxed: BindingOpinion, signs: _Signs) -> _Said:
    """Where drug and surroundings were relaxed together, that decides, and rigid docking stands beside it."""
    together = f"{drug.name}, relaxed together with its surroundings,"
    if relaxed.decision == "lost":
        why = f"{together} loses interaction energy in the mutant."
        sure = signs.direct and not relaxed.deciding.call.disagreement
        return "reduced binding expected", "moderate" if sure else "low", why
    if relaxed.decision == "kept":
        why = f"{together} keeps its interaction energy in the mutant: {KEPT_MEANS}."
        return "no loss of binding detected", "low", why
    measured = difference_words(relaxed.deciding.difference_kcal_per_mol)
    why = f"{together} gives {measured}, which neither shows nor excludes a tenfold loss."
    if relaxed.contradictory:
        why = f"Relaxed complexes of {drug.name} contradict each other between states."
    return "not resolved", "low", why


def difference_words(item: Difference) -> str:
    """E.g. ``+5.6 [+3.0, +8.2] kcal/mol``."""
    if item.value is None:
        return "nothing measured"
    interval = "" if item.low is None or item.high is None else f" [{item.low:+.1f}, {item.high:+.1f}]"
    return f"{item.value:+.1f}{interval} kcal/mol"


def _mechanism(
    variant: Variant, signs: _Signs, verdict: ComputedVerdict, shifted: bool, relaxed: BindingOpinion | None
) -> str:
    """The paper's three mechanisms, only where measurements carry them (Lewandowski et al. 2025)."""
    if relaxed is not None and relaxed.decision != "lost":
        # What a rigid model calls a clash or a loss was taken over, or not shown, once the pocket could move.
        return SHIFT if shifted else NONE_SEEN if relaxed.decision == "kept" else NOT_RESOLVED
    if not signs.trusted:
        return SHIFT if shifted else NOT_RESOLVED
    if signs.direct and (signs.displaced or signs.invalid or signs.large_loss) and _grows(variant):
        return CLASH
    if signs.direct and (signs.reduced or signs.polar_lost or relaxed is not None):
        return LOST
    if shifted:
        return SHIFT
    return NONE_SEEN if verdict == "no loss of binding detected" else NOT_RESOLVED


def _grows(variant: Variant) -> bool:
    """Whether any substitution puts a larger residue in."""
    volume = thresholds.RESIDUE_VOLUME_CUBIC_ANGSTROM
    return any(volume[sub.mutant] > volume[sub.wild_type] for sub in variant.substitutions)


def _relaxed_reasons(relaxed: BindingOpinion | None) -> Iterator[_Told]:
    """Decided calls of relaxed complexes, each on its side."""
    for item in relaxed.calls if relaxed else ():
        state = f" in {item.state}" if relaxed and len(relaxed.calls) > 1 else ""
        words = difference_words(item.difference_kcal_per_mol)
        text = f"Drug and surroundings relaxed together{state}: {words}"
        if item.call.word == "lost":
            yield "against", _computed(f"{text}.", _RELAXED, "moderate")
        elif item.call.word == "kept":
            yield "for", _computed(f"{text}: {KEPT_MEANS}.", _RELAXED, "weak")


def _docking_reasons(
    comparison: DockingComparison, signs: _Signs, relaxed: BindingOpinion | None
) -> Iterator[_Told]:
    """What one comparison says; a difference counts only if it is resolved and large enough to matter."""
    away = f"{comparison.distance_to_variant_angstrom:.1f} Å"
    if signs.remote:
        text = f"The substituted residue lies {away} from the drug: no direct contact."
        yield "for", _computed(text, DOCKING, "moderate")
    elif not signs.direct:
        text = f"The substituted residue lies {away} from the drug, outside direct contact."
        yield "for", _computed(text, DOCKING, "weak")
    else:
        yield "against", _computed(f"The substituted residue touches the drug ({away}).", DOCKING, "weak")
    if not signs.trusted:
        return
    moved = f"{comparison.mutant_rmsd_to_reference_angstrom:.1f} Å from the known one"
    if signs.displaced:
        yield "against", _computed(f"The best pose in the mutant is {moved}.", DOCKING, "moderate")
    elif comparison.mode == "global" and not signs.invalid:
        yield "for", _computed(f"The binding pose is kept in the mutant ({moved}).", DOCKING, "weak")
    if signs.invalid:
        text = "The pose in the mutant fails the checks of its geometry."
        yield "against", _computed(text, DOCKING, "moderate")
    score = statement(comparison.difference_kcal_per_mol)
    if signs.worse_score:
        weight = "moderate" if signs.large_loss and signs.direct and relaxed is None else "weak"
        text = f"Docking score{' (rigid protein)' if relaxed else ''}: {score}"
        yield "against", _computed(text, DOCKING, weight)
    elif signs.bounded:
        yield "for", _computed(f"Docking score: {score}", DOCKING, "weak")
    if comparison.contacts_lost:
        weight = "moderate" if signs.polar_lost and signs.direct else "weak"
        text = f"Contacts lost in the mutant: {', '.join(comparison.contacts_lost)}."
        yield "against", _computed(text, DOCKING, weight)


def _pocket_reasons(drug: DrugDefinition, measurements: Measurements) -> Iterator[_Told]:
    """The myristate pocket unchanged speaks for a drug that binds there."""
    for pocket in measurements.pockets:
        if not pocket.pocket.startswith(drug.site) or pocket.state != drug.state:
            continue
        # A pocket that the build did not touch cannot tell, and a large change of one model is no keeping.
        change = pocket.volume_difference_cubic_angstrom
        kept = not change.resolved and not 0.0 < change.smallest_meaningful <= abs(change.value or 0.0)
        if kept and pocket.side_chain_rmsd_angstrom >= thresholds.UNMOVED_ANGSTROM:
            text = (
                f"Its pocket keeps its shape in the mutant: backbone {pocket.backbone_rmsd_angstrom:.2f} Å, "
                f"volume {pocket.mutant_volume_cubic_angstrom:.0f} against "
                f"{pocket.native_volume_cubic_angstrom:.0f} Å³, no change resolved."
            )
            yield "for", _computed(text, _POCKETS, "weak")


def _computed(text: str, source: str, weight: str) -> Reason:
    return Reason.model_validate({"tier": "computed", "text": text, "source": source, "weight": weight})
