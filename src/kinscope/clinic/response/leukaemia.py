"""Response of ALL: remission, its incomplete forms, refractoriness, relapse, residual disease by flow."""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.measurements import BlastPercent, BloodCounts, FlowMrd, Measurement, ReportedResponse
from kinscope.clinic.response.context import ACTIVE, AT_LEAST, Said, Situation, ordinal, worded
from kinscope.clinic.response.criteria import FlowCriteria, LeukaemiaCriteria, RecoveryRule, Rule
from kinscope.clinic.response.model import Basis, Category, ResponseCall
from kinscope.core.records import Record

BETTER = ("MLFS", "CRi", "CRh", "CR")
Recovery = Literal["full", "partial", "incomplete", "none", "unknown"]

_SAID: dict[str, Recovery] = {"CR": "full", "CHR": "full", "CRh": "partial", "CRi": "incomplete"}


class Marrow(Record):
    """How full the marrow is: a percentage, or an upper bound, and where that comes from."""

    percent: float
    evidence: Measurement
    note: str = ""


def marrow_of(situation: Situation) -> Marrow | None:
    """Blasts of the marrow; where nobody counted within the window, a bound from the flow MRD of a marrow.

    A flow MRD result counts leukaemic cells among all cells; blasts above 5 % with hardly any
    leukaemic cell among them are regenerating ones, so the bound serves for the 5 % criterion.
    """
    counted = situation.evaluation.marrow_blasts()
    if counted is not None:
        return _counted(counted)
    flow = _worst_flow(situation, only_marrow=True)
    if flow is None or situation.evaluation.marrow_before() is not None:
        return None
    bound = flow.level_percent if flow.detected else (flow.sensitivity_percent or 0.0)
    note = "no marrow morphology; the flow MRD bounds the leukaemic cells"
    return None if bound is None else Marrow(percent=bound, evidence=flow, note=note)


def _counted(blasts: BlastPercent) -> Marrow:
    method = "a method not stated" if blasts.method == "not stated" else blasts.method
    note = "" if method == "morphology" else f"blasts by {method}, not by morphology"
    return Marrow(percent=blasts.percent, evidence=blasts, note=note)


def _worst_flow(situation: Situation, *, only_marrow: bool = False) -> FlowMrd | None:
    """The flow MRD that decides: a positive before a negative, the higher before the lower.

    Of two negative ones that of the material which the rules name, then the more sensitive.
    """
    rules = situation.criteria.flow
    named = rules.compartment if rules else "bone marrow"

    def weight(flow: FlowMrd) -> tuple[bool, bool, float]:
        if flow.detected:
            return True, flow.level_percent is not None, flow.level_percent or 0.0
        sensitivity = 100.0 if flow.sensitivity_percent is None else flow.sensitivity_percent
        return False, flow.material == named, -sensitivity

    found = [f for f in situation.evaluation.of(FlowMrd) if not only_marrow or f.material == "bone marrow"]
    return max(found, key=weight, default=None)


def haematological_call(situation: Situation) -> ResponseCall | None:
    """The haematological call of one evaluation, or None where nothing bears on it."""
    rules, evaluation = situation.criteria.haematological, situation.evaluation
    if not isinstance(rules, LeukaemiaCriteria):
        return None
    marrow, blood = marrow_of(situation), evaluation.blood_blasts_percent()
    outside = evaluation.extramedullary()
    limit = rules.remission.marrow_blasts_below_percent
    if situation.history.remission:
        limit = rules.relapse.marrow_blasts_from_percent
    full = marrow is not None and marrow.percent >= limit
    if full or blood or outside:
        return _disease(situation, rules, marrow, only_outside=not (full or blood))
    if marrow is None:
        return _recovered_since(situation, rules) or _reported(situation, rules)
    return _remission(situation, rules, marrow)


def _recovered_since(situation: Situation, rules: LeukaemiaCriteria) -> ResponseCall | None:
    """A remission by counts that came within the window after a cleared marrow, if a better one."""
    before, last = situation.evaluation.marrow_before(), situation.history.haematological
    if before is None or before.percent >= rules.remission.marrow_blasts_below_percent:
        return None
    call = _remission(situation, rules, _counted(before)) if situation.evaluation.of(BloodCounts) else None
    if call is None or call.category not in BETTER[1:]:
        return None
    return call if last not in BETTER or BETTER.index(call.category) > BETTER.index(last) else None


def _disease(
    situation: Situation, rules: LeukaemiaCriteria, marrow: Marrow | None, *, only_outside: bool
) -> ResponseCall:
    evaluation = situation.evaluation
    seen: list[Measurement] = [marrow.evidence] if marrow else []
    seen += [c for c in evaluation.of(BloodCounts) if c.blood_blasts_percent or c.extramedullary_disease]
    seen += [b for b in evaluation.of(BlastPercent) if b.material != "bone marrow" and b.percent > 0]
    amount = f"{marrow.percent:g} % marrow blasts" if marrow else "blasts in the blood"
    amount = "disease outside the marrow" if only_outside else amount
    said = _unremitted(situation, rules, amount)
    if situation.history.remission:
        number = ordinal(situation.history.remissions)
        before = f"a leukaemia-free marrow (the {number}), whose blood counts are not known"
        before = f"the {number} remission" if situation.history.remission_proven else before
        kind: Category = "extramedullary relapse" if only_outside else "relapse"
        text = f"{number} relapse: {amount} after {before}"
        said = Said(kind, rules.relapse, text, f"{number} relapse")
    notes = (marrow.note,) if marrow and marrow.note else ()
    said = said._replace(missing=() if marrow else ("marrow blasts",), notes=notes)
    return situation.says("haematological", said, seen)


def _unremitted(situation: Situation, rules: LeukaemiaCriteria, amount: str) -> Said:
    """Disease that no remission preceded: active, or refractory once the treatment had its time."""
    treated = situation.days_treated
    if treated is None or treated <= 0:
        return worded("active before treatment", rules.remission, amount=amount)
    late = treated >= rules.refractory.after_days or situation.at_treatment_end
    name = "refractory" if late else "active under treatment"
    return worded(name, rules.refractory, amount=amount, day=treated)


def _remission(situation: Situation, rules: LeukaemiaCriteria, marrow: Marrow) -> ResponseCall:
    recovery, missing = _recovery(situation, rules)
    missing += _unsaid(situation)
    if marrow.evidence.kind == "flow-mrd":
        missing.append("marrow morphology")
    stated, residual = _stated(situation), _residual(situation, rules)
    evidence: list[Measurement] = [marrow.evidence, *situation.evaluation.blood_counts()]
    notes = [marrow.note] if marrow.note else []
    basis: Basis = "measured"
    above = situation.history.remission and marrow.percent >= rules.remission.marrow_blasts_below_percent
    if residual is not None or above:
        said = _not_cleared(situation, rules, marrow, residual)
        evidence += [residual] if residual else []
    else:
        # A stated remission stands in for counts that were not given, never for counts that contradict it.
        if stated is not None and recovery == "none":
            notes.append(f"the treating centre states {stated.category}; the counts given do not show it")
        elif stated is not None and recovery == "unknown":
            evidence.append(stated)
            basis, recovery = "measured and reported", _SAID[stated.category]
        said = _cleared(situation, rules, recovery, missing)
    said = said._replace(missing=tuple(missing), notes=tuple(notes))
    return situation.says("haematological", said, evidence, basis=basis)


def _cleared(situation: Situation, rules: LeukaemiaCriteria, recovery: Recovery, missing: list[str]) -> Said:
    """A remission by how far the counts have come back, or what it is without them."""
    if recovery not in ("unknown", "none"):
        number = ordinal(situation.history.remissions + (not situation.history.remission))
        category, rule, words = _recovered(rules, recovery)
        return Said(category, rule, f"{words} ({number})", f"{number} remission")
    level, reason = "", "the counts are too low for CR"
    if recovery == "unknown":
        counts = [item for item in missing if item.endswith("count")]
        level, reason = AT_LEAST, "CR cannot be called: no " + " and no ".join(counts)
    if rules.leukaemia_free is None:
        text = f"fewer than {rules.remission.marrow_blasts_below_percent:g} % blasts; {reason}"
        return Said("cannot be called", rules.remission, text, level)
    text = f"{'at least a ' if level else ''}leukaemia-free marrow; {reason}"
    return Said("MLFS", rules.leukaemia_free, text, level)


def _residual(situation: Situation, rules: LeukaemiaCriteria) -> FlowMrd | None:
    """A flow MRD of the marrow, here or in the window before, that this set lets no remission have."""
    limit = rules.remission.residual_below_percent
    before = [f for f in situation.evaluation.before if isinstance(f, FlowMrd)][-1:]
    found = [f for f in (*situation.evaluation.of(FlowMrd), *before) if f.material == "bone marrow"]
    high = [f for f in found if limit is not None and (f.level_percent or 0.0) >= limit]
    return max(high, key=lambda f: f.level_percent or 0.0, default=None)


def _not_cleared(
    situation: Situation, rules: LeukaemiaCriteria, marrow: Marrow, residual: FlowMrd | None
) -> Said:
    """Too much for a remission and too little for a relapse; without a remission before it is the failure."""
    amount = f"{marrow.percent:g} % marrow blasts"
    if residual is not None:
        limit = rules.remission.residual_below_percent
        amount = f"flow MRD of {residual.level_percent:g} %, which is not below {limit:g} %"
    if not situation.history.remission:
        return _unremitted(situation, rules, amount)
    return Said("cannot be called", rules.remission, f"{amount}: neither a remission nor a relapse")


def _recovered(rules: LeukaemiaCriteria, recovery: Recovery) -> tuple[Category, Rule, str]:
    if recovery == "full":
        return "CR", rules.remission, "complete remission"
    if recovery == "partial" and rules.partial is not None:
        return "CRh", rules.partial, "complete remission with partial recovery of the counts"
    return "CRi", rules.incomplete, "complete remission with incomplete recovery of the counts"


def _recovery(situation: Situation, rules: LeukaemiaCriteria) -> tuple[Recovery, list[str]]:
    """How far neutrophils and platelets have come back, and which of them is not known."""
    neutrophils = situation.evaluation.count("neutrophils_giga_per_litre", min)
    platelets = situation.evaluation.count("platelets_giga_per_litre", min)
    if neutrophils is None or platelets is None:
        counts = {"neutrophil count": neutrophils, "platelet count": platelets}
        return "unknown", [name for name, value in counts.items() if value is None]

    def above(rule: RecoveryRule) -> list[bool]:
        limits = rule.neutrophils_above_giga_per_litre, rule.platelets_above_giga_per_litre
        return [neutrophils > limits[0], platelets > limits[1]]

    if all(above(rules.remission)):
        return "full", []
    if rules.partial is not None and all(above(rules.partial)):
        return "partial", []
    return ("incomplete" if any(above(rules.remission)) else "none"), []


def _unsaid(situation: Situation) -> list[str]:
    said = {
        "statement on extramedullary disease": situation.evaluation.extramedullary(),
        "blasts in the differential": situation.evaluation.blood_blasts_percent(),
    }
    return [what for what, value in said.items() if value is None]


def _stated(situation: Situation) -> ReportedResponse | None:
    return next((r for r in reversed(situation.evaluation.of(ReportedResponse)) if r.category in _SAID), None)


def _reported(situation: Situation, rules: LeukaemiaCriteria) -> ResponseCall | None:
    """Only the treating centre's word that it is a remission: a call of that standing, or none."""
    stated, history = _stated(situation), situation.history
    if stated is None:
        return None
    number = ordinal(history.remissions + (not history.remission))
    category, rule, _ = _recovered(rules, _SAID[stated.category])
    text = f"the treating centre states {stated.category} ({number} remission); no numbers given"
    missing = ("marrow blasts", "neutrophil count", "platelet count")
    said = Said(category, rule, text, f"{number} remission", missing)
    return situation.says("haematological", said, (stated,), basis="reported")


def flow_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The flow MRD call of one evaluation, or None where none was measured."""
    rules, flow = situation.criteria.flow, _worst_flow(situation)
    if rules is None or flow is None:
        return None
    active = haematological is not None and haematological.category in ACTIVE
    said = _positive(situation, rules, flow, active) if flow.detected else _negative(rules, flow, active)
    return situation.says("flow MRD", said, situation.evaluation.of(FlowMrd), flow)


def _positive(situation: Situation, rules: FlowCriteria, flow: FlowMrd, active: bool) -> Said:
    level, limit = flow.level_percent, flow.quantitative_limit_percent
    if level is None:
        return worded("flow without a level", rules.positive)
    if limit is not None and level < limit:
        return worded("flow not quantifiable", rules.positive, flow=flow)
    if situation.history.flow_negative and not active and level >= rules.relapse.from_percent:
        return worded("flow again", rules.relapse, flow=flow)
    name = "flow below the limit" if level < rules.positive.from_percent else "flow positive"
    return worded(name, rules.positive, flow=flow)


def _negative(rules: FlowCriteria, flow: FlowMrd, active: bool) -> Said:
    rule, reached = rules.negative, flow.sensitivity_percent
    if active:
        return worded("flow beside active disease", rule)
    if flow.material != rules.compartment:
        return worded("flow elsewhere", rule, flow=flow, compartment=rules.compartment)
    if reached is None:
        return worded("flow without sensitivity", rule)
    name = "flow too shallow" if reached > rule.sensitivity_percent else "flow negative"
    return worded(name, rule, flow=flow)
