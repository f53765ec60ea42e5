"""Response of ALL: remission, its incomplete forms, refractoriness, relapse, residual disease by flow."""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.measurements import BlastPercent, FlowMrd, Measurement, ReportedResponse
from kinscope.clinic.response.context import ACTIVE, AT_LEAST, Findings, Situation, ordinal
from kinscope.clinic.response.criteria import FlowCriteria, LeukaemiaCriteria, Rule
from kinscope.clinic.response.model import Basis, Category, ResponseCall
from kinscope.core.records import Record

CLEAR = ("CR", "CRh", "CRi", "CHR")
STATED_ACTIVE = ("relapse", "refractory", "progression")
BETTER = ("MLFS", "CRi", "CRh", "CR")
Recovery = Literal["full", "partial", "incomplete", "none", "unknown"]

_SAID: dict[str, Recovery] = {"CR": "full", "CHR": "full", "CRh": "partial", "CRi": "incomplete"}


class Marrow(Record):
    """How full the marrow is: a percentage, or an upper bound, and where that comes from."""

    percent: float
    evidence: Measurement
    note: str = ""


def marrow_of(situation: Situation) -> Marrow | None:
    """Blasts of the marrow; where nobody counted, an upper bound from the flow MRD of a marrow.

    A flow MRD result counts leukaemic cells among all cells; blasts above 5 % with hardly any
    leukaemic cell among them are regenerating ones, so the bound serves for the 5 % criterion.
    """
    counted = situation.evaluation.marrow_blasts()
    if counted is not None:
        return _counted(counted)
    flow = _worst_flow(situation, only_marrow=True)
    if flow is None:
        return None
    bound = flow.level_percent if flow.detected else (flow.sensitivity_percent or 0.0)
    note = "no marrow morphology; the flow MRD bounds the leukaemic cells"
    return None if bound is None else Marrow(percent=bound, evidence=flow, note=note)


def _counted(blasts: BlastPercent) -> Marrow:
    by_eye = blasts.method == "morphology"
    note = "" if by_eye else f"blasts by {_method(blasts.method)}, not by morphology"
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

    found = [f for f in situation.evaluation.flow if not only_marrow or f.material == "bone marrow"]
    return max(found, key=weight, default=None)


def _method(method: str) -> str:
    return "a method not stated" if method == "not stated" else method


def haematological_call(situation: Situation) -> ResponseCall | None:
    """The haematological call of one evaluation, or None where nothing bears on it."""
    rules = situation.criteria.haematological
    if not isinstance(rules, LeukaemiaCriteria):
        return None
    marrow = marrow_of(situation)
    blood = situation.evaluation.blood_blasts_percent()
    outside = situation.evaluation.extramedullary()
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
    before = situation.evaluation.marrow_before()
    if before is None or before.percent >= rules.remission.marrow_blasts_below_percent:
        return None
    call = _remission(situation, rules, _counted(before)) if situation.evaluation.counts else None
    if call is None or call.category not in BETTER[1:]:
        return None
    last = situation.history.haematological
    return call if last not in BETTER or BETTER.index(call.category) > BETTER.index(last) else None


def _disease(
    situation: Situation, rules: LeukaemiaCriteria, marrow: Marrow | None, *, only_outside: bool
) -> ResponseCall:
    evaluation = situation.evaluation
    seen: list[Measurement] = [marrow.evidence] if marrow else []
    seen += [c for c in evaluation.counts if c.blood_blasts_percent or c.extramedullary_disease]
    seen += [b for b in evaluation.blasts if b.material != "bone marrow" and b.percent > 0]
    notes = [marrow.note] if marrow and marrow.note else []
    notes += _discordance(situation, marrow)
    missing = [] if marrow else ["marrow blasts"]
    amount = f"{marrow.percent:g} % marrow blasts" if marrow else "blasts in the blood"
    if only_outside:
        amount = "disease outside the marrow"
    findings = Findings(evidence=tuple(seen), notes=tuple(notes), missing=tuple(missing))
    if situation.history.remission:
        number = ordinal(situation.history.remissions)
        kind: Category = "extramedullary relapse" if only_outside else "relapse"
        text = f"{number} relapse: {amount} after {_before(situation, number)}"
        return situation.call(kind, "haematological", rules.relapse, text, findings, f"{number} relapse")
    treated = situation.days_treated
    if treated is None or treated <= 0:
        text = f"active disease: {amount}"
        return situation.call("active disease", "haematological", rules.remission, text, findings)
    if treated >= rules.refractory.after_days or situation.at_treatment_end:
        text = f"refractory: {amount} on day {treated} of this treatment, no remission"
        return situation.call("refractory", "haematological", rules.refractory, text, findings)
    text = (
        f"active disease: {amount} on day {treated} of this treatment; refractory is called from day "
        f"{rules.refractory.after_days} or when the treatment is given up"
    )
    return situation.call("active disease", "haematological", rules.refractory, text, findings)


def _before(situation: Situation, number: str) -> str:
    if situation.history.remission_proven:
        return f"the {number} remission"
    return f"a leukaemia-free marrow (the {number}), whose blood counts are not known"


def _remission(situation: Situation, rules: LeukaemiaCriteria, marrow: Marrow) -> ResponseCall:
    recovery, missing = _recovery(situation, rules)
    missing += _unsaid(situation)
    if marrow.evidence.kind == "flow-mrd":
        missing.append("marrow morphology")
    stated = _stated(situation, CLEAR)
    evidence: list[Measurement] = [marrow.evidence, *situation.evaluation.blood_counts()]
    notes = [marrow.note] if marrow.note else []
    basis: Basis = "measured"
    residual = _residual(situation, rules)
    if residual is None and recovery in ("unknown", "none") and stated is not None:
        # A stated remission stands in for counts that were not given, never for counts that contradict it.
        if recovery == "unknown":
            evidence.append(stated)
            basis = "measured and reported"
            recovery = _SAID[stated.category]
        else:
            notes.append(f"the treating centre states {stated.category}; the counts given do not show it")
    findings = Findings(evidence=tuple(evidence), missing=tuple(missing), notes=tuple(notes), basis=basis)
    above = situation.history.remission and marrow.percent >= rules.remission.marrow_blasts_below_percent
    if residual is not None or above:
        return _not_cleared(situation, rules, marrow, residual, findings)
    if recovery in ("unknown", "none"):
        return _no_remission_yet(situation, rules, recovery, findings)
    number = ordinal(situation.history.remissions + (not situation.history.remission))
    category, rule, words = _recovered(rules, recovery)
    return situation.call(
        category, "haematological", rule, f"{words} ({number})", findings, f"{number} remission"
    )


def _residual(situation: Situation, rules: LeukaemiaCriteria) -> FlowMrd | None:
    """A flow MRD of the marrow, here or in the window before, that this set lets no remission have."""
    limit = rules.remission.residual_below_percent
    before = [f for f in situation.evaluation.before if isinstance(f, FlowMrd)][-1:]
    found = [f for f in (*situation.evaluation.flow, *before) if f.material == "bone marrow"]
    high = [f for f in found if limit is not None and (f.level_percent or 0.0) >= limit]
    return max(high, key=lambda f: f.level_percent or 0.0, default=None)


def _not_cleared(
    situation: Situation,
    rules: LeukaemiaCriteria,
    marrow: Marrow,
    residual: FlowMrd | None,
    findings: Findings,
) -> ResponseCall:
    """Too much for a remission and too little for a relapse; without a remission before it is the failure."""
    text = f"{marrow.percent:g} % marrow blasts: too many for a remission, too few for a relapse"
    if residual is not None:
        findings = findings.model_copy(update={"evidence": (*findings.evidence, residual)})
        limit = rules.remission.residual_below_percent
        text = f"flow MRD of {residual.level_percent:g} % is not below {limit:g} %: no remission"
    treated = situation.days_treated
    if situation.history.remission:
        return situation.call("cannot be called", "haematological", rules.remission, text, findings)
    late = treated is not None and treated > 0
    late = late and (treated >= rules.refractory.after_days or situation.at_treatment_end)
    category: Category = "refractory" if late else "active disease"
    rule = rules.refractory if late else rules.remission
    return situation.call(category, "haematological", rule, text, findings)


def _no_remission_yet(
    situation: Situation, rules: LeukaemiaCriteria, recovery: Recovery, findings: Findings
) -> ResponseCall:
    unknown = recovery == "unknown"
    counts = [item for item in findings.missing if item.endswith("count")]
    reason = (
        "CR cannot be called: no " + " and no ".join(counts) if unknown else "the counts are too low for CR"
    )
    level = AT_LEAST if unknown else ""
    if rules.leukaemia_free is None:
        text = f"fewer than {rules.remission.marrow_blasts_below_percent:g} % blasts; {reason}"
        return situation.call("cannot be called", "haematological", rules.remission, text, findings, level)
    text = f"{'at least a ' if unknown else ''}leukaemia-free marrow; {reason}"
    return situation.call("MLFS", "haematological", rules.leukaemia_free, text, findings, level)


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
    missing = []
    if neutrophils is None:
        missing.append("neutrophil count")
    if platelets is None:
        missing.append("platelet count")
    if neutrophils is None or platelets is None:
        return "unknown", missing
    full = (
        neutrophils > rules.remission.neutrophils_above_giga_per_litre,
        platelets > rules.remission.platelets_above_giga_per_litre,
    )
    if all(full):
        return "full", missing
    partial = rules.partial
    if (
        partial is not None
        and neutrophils > partial.neutrophils_above_giga_per_litre
        and platelets > partial.platelets_above_giga_per_litre
    ):
        return "partial", missing
    return ("incomplete" if any(full) else "none"), missing


def _unsaid(situation: Situation) -> list[str]:
    unsaid = []
    if situation.evaluation.extramedullary() is None:
        unsaid.append("statement on extramedullary disease")
    if situation.evaluation.blood_blasts_percent() is None:
        unsaid.append("blasts in the differential")
    return unsaid


def _discordance(situation: Situation, marrow: Marrow | None) -> list[str]:
    """Two methods that differ by more than a hundredfold deserve a look before anything else."""
    percents = [t.percent for t in situation.evaluation.transcripts if t.percent is not None]
    if marrow is None or not percents or marrow.percent < 100 * max(percents):
        return []
    return [
        f"{marrow.percent:g} % blasts stand beside a transcript level of {max(percents):g} %: "
        "more than a hundredfold apart; check material, date and control gene"
    ]


def _stated(situation: Situation, categories: tuple[str, ...]) -> ReportedResponse | None:
    found = [r for r in situation.evaluation.reported if r.category in categories]
    return found[-1] if found else None


def _reported(situation: Situation, rules: LeukaemiaCriteria) -> ResponseCall | None:
    """Only the treating centre's word: a call of that standing, or none."""
    everything = ("marrow blasts", "neutrophil count", "platelet count")
    stated = _stated(situation, CLEAR)
    if stated is not None:
        number = ordinal(situation.history.remissions + (not situation.history.remission))
        category, rule, _ = _recovered(rules, _SAID[stated.category])
        text = f"the treating centre states {stated.category} ({number} remission); no numbers given"
        findings = Findings(evidence=(stated,), missing=everything, basis="reported")
        return situation.call(category, "haematological", rule, text, findings, f"{number} remission")
    stated = _stated(situation, STATED_ACTIVE)
    if stated is None:
        return None
    again = situation.history.remission
    return situation.call(
        "relapse" if again else "active disease",
        "haematological",
        rules.relapse,
        f"the treating centre states {stated.category}; no numbers given",
        Findings(evidence=(stated,), missing=everything, basis="reported"),
        f"{ordinal(situation.history.remissions)} relapse" if again else "",
    )


def flow_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The flow MRD call of one evaluation, or None where none was measured."""
    rules = situation.criteria.flow
    if rules is None:
        return None
    if not situation.evaluation.flow:
        return _reported_residual(situation, rules)
    active = haematological is not None and haematological.category in ACTIVE
    flow = _worst_flow(situation)
    assert flow is not None
    findings = Findings(evidence=situation.evaluation.flow)
    if not flow.detected:
        return _negative(situation, rules, flow, findings, active=active)
    level = flow.level_percent
    if level is None:
        text = "residual disease detected by flow cytometry; no level given"
        lacking = findings.lacking("level of residual disease")
        return situation.call("MRD positive", "flow MRD", rules.positive, text, lacking)
    limit = flow.quantitative_limit_percent
    if limit is not None and level < limit:
        text = f"residual disease detected at {level:g} %, below the quantitative limit of {limit:g} %"
        return situation.call("MRD positive, not quantifiable", "flow MRD", rules.positive, text, findings)
    if level < rules.positive.from_percent:
        text = f"residual disease of {level:g} %, below {rules.positive.from_percent:g} %"
        return situation.call("MRD positive", "flow MRD", rules.positive, text, findings, f"{level:g} %")
    if situation.history.flow_negative and not active and level >= rules.relapse.from_percent:
        text = (
            f"residual disease again: {level:g} % after a negative result, without a haematological relapse"
        )
        return situation.call("MRD relapse", "flow MRD", rules.relapse, text, findings, f"{level:g} %")
    text = f"residual disease of {level:g} %"
    return situation.call("MRD positive", "flow MRD", rules.positive, text, findings, f"{level:g} %")


def _negative(
    situation: Situation, rules: FlowCriteria, flow: FlowMrd, findings: Findings, *, active: bool
) -> ResponseCall:
    needed = rules.negative.sensitivity_percent
    reached = flow.sensitivity_percent
    category: Category = "MRD negative"
    level = ""
    if active:
        category, text = (
            "cannot be called",
            "not detected beside active disease: a response needs the remission",
        )
    elif flow.material != rules.compartment:
        category, findings = "cannot be called", findings.lacking(f"a sample of {rules.compartment}")
        text = f"not detected in {flow.material}; the response is judged in {rules.compartment}"
    elif reached is None:
        findings = findings.lacking(f"sensitivity of the flow assay ({needed:g} %)")
        text = f"no residual disease by flow cytometry; sensitivity not stated, {needed:g} % is asked for"
        level = "sensitivity not stated"
    elif reached > needed:
        category, findings = "cannot be called", findings.lacking(f"a flow assay that reaches {needed:g} %")
        text = f"not detected, but at a sensitivity of {reached:g} % only; {needed:g} % is asked for"
    else:
        text = f"no residual disease by flow cytometry at a sensitivity of {reached:g} %"
        level = f"not detected at {reached:g} %"
    return situation.call(category, "flow MRD", rules.negative, text, findings, level)


def _reported_residual(situation: Situation, rules: FlowCriteria) -> ResponseCall | None:
    stated = [r for r in situation.evaluation.reported if r.category == "MRD negative"]
    if not stated:
        return None
    return situation.call(
        "MRD negative",
        "flow MRD",
        rules.negative,
        "the treating centre states MRD negative; neither method nor sensitivity is given",
        Findings(evidence=(stated[-1],), missing=("flow MRD result", "sensitivity"), basis="reported"),
        "sensitivity not stated",
    )
