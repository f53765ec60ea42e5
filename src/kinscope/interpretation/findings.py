"""One reading in words: result, verdict, sampling; and many readings in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kinscope.core.residues import three_letter
from kinscope.interpretation.model import MobilityFinding
from kinscope.interpretation.words.say import outcome_words
from kinscope.results.measured import ContactChange, Difference, Outcome, RegionComparison
from kinscope.results.trajectories import TrajectoryComparison
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants.model import Variant

Method = Literal["md", "network", "models"]
_TOO_FEW = ": too few independent replicas or models"
_WHY: dict[Outcome, str] = {
    "too-short": ": sampled for less than a nanosecond",
    "parts-differ": ": parts of the trajectories do not show the same",
    "unresolved-corrected": " once corrected for all comparisons",
    "copies": _TOO_FEW,
}


def finding(
    method: Method, words: str, change: Difference, *, side: str = "the mutant", result: str = ""
) -> MobilityFinding:
    """A difference as a reading; ``side`` is whose values are higher or lower."""
    return MobilityFinding(
        method=method,
        where=words,
        result=f"{result + ', ' if result else ''}{with_interval(change)}",
        verdict=verdict_of(change, side),
        sampling=change.sampling,
    )


def of_two(method: Method, words: str, change: Difference, side: str, *, result: str = "") -> MobilityFinding:
    """A difference between two states or conformations, which do not change: they differ."""
    found = finding(method, words, change, side=side, result=result)
    return found.model_copy(update={"verdict": found.verdict.replace("no change of", "no difference of")})


def of_region(row: RegionComparison, pack: TargetPack) -> MobilityFinding:
    """A region's fluctuation as a reading."""
    digits = 2 if row.native_rmsf_angstrom >= 0.1 else 3
    result = f"{row.native_rmsf_angstrom:.{digits}f} and {row.mutant_rmsf_angstrom:.{digits}f} Å"
    words = f"RMSF of {region_label(pack, row.region)}, {state_label(pack, row.state)}"
    return finding(row.method, words, row.difference_angstrom, result=result)


def where(system: TrajectoryComparison, pack: TargetPack) -> str:
    """A simulated system in words."""
    bound = next((drug for drug in pack.drugs if drug.id == system.ligand), None)
    return state_label(pack, system.state) + (f" with {in_prose(bound)}" if bound else "")


def with_interval(change: Difference) -> str:
    """``+0.012 Å (95 % interval -0.003 to +0.027; Hedges' g +1.4, -0.4 to +3.1)``."""
    if change.value is None:
        return "not computed"
    text = _signed(change.value, change.unit)
    inside = []
    if change.low is not None and change.high is not None:
        inside.append(
            f"{100 * change.confidence:g} % interval {_signed(change.low, '')} to {_signed(change.high, '')}"
        )
    if change.effect_size is not None:
        low, high = change.effect_size_low, change.effect_size_high
        ends = "" if low is None or high is None else f", {_g(low)} to {_g(high)}"
        inside.append(f"Hedges' g {_g(change.effect_size)}{ends}")
    return f"{text} ({'; '.join(inside)})" if inside else text


def verdict_of(change: Difference, side: str = "the mutant") -> str:
    """``resolved: higher in the mutant``, ``no change of 0.05 Å or more``, or ``not resolved`` and why.

    A change that the test tells from zero, but that is too small to count, is not called the same as none.
    """
    words = outcome_words(change, side)
    if change.resolved:
        return f"resolved: {words}"
    if change.decided:
        return f"{words}, though not zero" if change.outcome == "no-change" and _not_zero(change) else words
    return words + _WHY.get(change.outcome, _TOO_FEW if change.low is None else "")


def _not_zero(change: Difference) -> bool:
    p_value = change.adjusted_p_value if change.adjusted_p_value is not None else change.p_value
    return p_value is not None and p_value < 1.0 - change.confidence


def _g(value: float) -> str:
    return f"{value:+.1f}" if round(value, 1) else "0.0"


def _signed(value: float, unit: str) -> str:
    digits = 1 if abs(value) >= 10 else (2 if abs(value) >= 0.095 else 3)
    rounded = round(value, digits)
    text = f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"
    return f"{text} {unit}".rstrip()


_POLAR = ("salt bridge", "hydrogen bond")


def structural_finding(variant: Variant, changes: Sequence[ContactChange]) -> str:
    """The one change of the residue's surroundings that every modelled state shows; empty where none does.

    Lost before gained, salt bridges before hydrogen bonds: what the native loses was seen in crystals, what
    the mutant gains is a model's. What is lost may be another partner's in the lesser part of the states.
    """
    states = {change.state for change in changes}
    for way, verb in (("lost", "loses its {} to"), ("gained", "gains its {} with")):
        found: dict[tuple[str, int], dict[str, dict[str, str]]] = {}
        for change in changes:
            contact = change.contact
            if change.change == way and contact.kind in _POLAR and change.fraction_of_alternatives >= 0.5:
                partner = f"{contact.partner_name.capitalize()}{contact.partner}"
                by_state = found.setdefault((contact.kind, contact.residue), {}).setdefault(partner, {})
                by_state.setdefault(change.state, contact.atoms.partition(" - ")[2])
        for (kind, residue), partners in sorted(found.items(), key=lambda item: _POLAR.index(item[0][0])):
            partner, seen = min(partners.items(), key=lambda item: (-len(item[1]), item[0]))
            always, mostly = set().union(*partners.values()) == states, 2 * len(seen) > len(states)
            if seen.keys() != states and not (way == "lost" and always and mostly):
                continue
            own = next(s for s in variant.substitutions if s.position == residue)
            who = f"{three_letter(own.wild_type if way == 'lost' else own.mutant).capitalize()}{residue}"
            to = f"{partner} {seen[min(seen)]}".strip()
            whole = f"in every modelled state ({len(states)})" if len(states) > 1 else "in the modelled state"
            if seen.keys() == states:
                return f"{who} {verb.format(kind)} {to} {whole}."
            return f"{who} loses a {kind} {whole}, in {len(seen)} of them to {to}."
    return ""


def join(names: Sequence[str]) -> str:
    """Names as a list in prose, each once: ``a``, ``a and b``, ``a, b and c``."""
    unique = list(dict.fromkeys(names))
    if len(unique) < 2:
        return "".join(unique)
    return f"{', '.join(unique[:-1])} and {unique[-1]}"


def state_label(pack: TargetPack, identifier: str) -> str:
    """The state in words; its id for a structure the user brought."""
    return next((state.label for state in pack.states if state.id == identifier), identifier)


def region_label(pack: TargetPack, name: str) -> str:
    """The region in words; its name if the pack does not know it."""
    return next((region.label for region in pack.regions if region.name == name), name.replace("_", " "))


def in_prose(drug: DrugDefinition) -> str:
    """The drug's name within a sentence: generic names in lower case, codes (PD166326, ATP) as they are."""
    coded = drug.name.isupper() or any(character.isdigit() for character in drug.name)
    return drug.name if coded else drug.name.lower()


def left_out(reason: str, pack: TargetPack) -> str:
    """``atp: it binds ...`` as a sentence with the drug's name."""
    identifier, colon, rest = reason.partition(":")
    known = next((drug for drug in pack.drugs if drug.id == identifier), None)
    return f"Left out: {in_prose(known) if known else identifier}{colon}{rest}."
