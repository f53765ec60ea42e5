"""Response of ALL: remission, its incomplete forms, refractoriness, relapse, residual disease by flow."""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.measurements import FlowMrd, Measurement, ReportedResponse
from kinscope.clinic.response.context import AT_LEAST, Findings, Situation, ordinal
from kinscope.clinic.response.criteria import FlowCriteria, LeukaemiaCriteria, Rule
from kinscope.clinic.response.model import Basis, Category, ResponseCall
from kinscope.core.records import Record

CLEAR = ("CR", "CRh", "CRi", "CHR")
ACTIVE = ("relapse", "refractory", "progression")
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
    evaluation = situation.evaluation
    counted = evaluation.marrow_blasts()
    if counted is not None:
        note = (
            ""
            if counted.method == "morphology"
            else f"blasts by {_method(counted.method)}, not by morphology"
        )
        return Marrow(percent=counted.percent, evidence=counted, note=note)
    for flow in reversed(evaluation.flow):
        if flow.material != "bone marrow":
            continue
        bound = flow.level_percent if flow.detected else (flow.sensitivity_percent or 0.0)
        if bound is not None:
            note = "no marrow morphology; the flow MRD bounds the leukaemic cells"
            return Marrow(percent=bound, evidence=flow, note=note)
    return None


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
    full = marrow is not None and marrow.percent >= rules.relapse.marrow_blasts_from_percent
    if full or blood or outside:
        return _disease(situation, rules, marrow, only_outside=not (full or blood))
    if marrow is None:
        return _reported(situation, rules)
    return _remission(situation, rules, marrow)


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
    evidence: list[Measurement] = [marrow.evidence, *situation.evaluation.counts]
    notes = [marrow.note] if marrow.note else []
    notes += _residual_note(situation, rules)
    basis: Basis = "measured"
    if recovery in ("unknown", "none") and stated is not None:
        # A stated remission stands in for counts that were not given, never for counts that contradict it.
        if recovery == "unknown":
            evidence.append(stated)
            basis = "measured and reported"
            recovery = _SAID[stated.category]
        else:
            notes.append(f"the treating centre states {stated.category}; the counts given do not show it")
    findings = Findings(evidence=tuple(evidence), missing=tuple(missing), notes=tuple(notes), basis=basis)
    if recovery in ("unknown", "none"):
        return _no_remission_yet(situation, rules, recovery, findings)
    number = ordinal(situation.history.remissions + (not situation.history.remission))
    category, rule, words = _recovered(rules, recovery)
    return situation.call(
        category, "haematological", rule, f"{words} ({number})", findings, f"{number} remission"
    )


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
        text = f"fewer than 5 % blasts; {reason}"
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
    neutrophils = situation.evaluation.count("neutrophils_giga_per_litre")
    platelets = situation.evaluation.count("platelets_giga_per_litre")
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


def _residual_note(situation: Situation, rules: LeukaemiaCriteria) -> list[str]:
    limit = rules.remission.residual_below_percent
    levels = [f.level_percent for f in situation.evaluation.flow if f.level_percent is not None]
    if limit is None or not levels or levels[-1] < limit:
        return []
    return [f"flow MRD of {levels[-1]:g} % is not below {limit:g} %, which this set asks for in a remission"]


def _discordance(situation: Situation, marrow: Marrow | None) -> list[str]:
    """Two methods that differ by more than a hundredfold deserve a look before anything else."""
    percents = [t.percent for t in situation.evaluation.transcripts if t.percent is not None]
    if marrow is None or not percents or marrow.percent < 100 * percents[-1]:
        return []
    return [
        f"{marrow.percent:g} % blasts stand beside a transcript level of {percents[-1]:g} %: "
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
    stated = _stated(situation, ACTIVE)
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


ACTIVE_DISEASE = ("relapse", "extramedullary relapse", "refractory", "active disease")


def flow_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The flow MRD call of one evaluation, or None where none was measured."""
    rules = situation.criteria.flow
    if rules is None:
        return None
    if not situation.evaluation.flow:
        return _reported_residual(situation, rules)
    flow = situation.evaluation.flow[-1]
    if not flow.detected:
        return _negative(situation, rules, flow)
    level = flow.level_percent
    findings = Findings(evidence=(flow,))
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
    active = haematological is not None and haematological.category in ACTIVE_DISEASE
    if situation.history.flow_negative and not active and level >= rules.relapse.from_percent:
        text = (
            f"residual disease again: {level:g} % after a negative result, without a haematological relapse"
        )
        return situation.call("MRD relapse", "flow MRD", rules.relapse, text, findings, f"{level:g} %")
    text = f"residual disease of {level:g} %"
    return situation.call("MRD positive", "flow MRD", rules.positive, text, findings, f"{level:g} %")


def _negative(situation: Situation, rules: FlowCriteria, flow: FlowMrd) -> ResponseCall:
    needed = rules.negative.sensitivity_percent
    reached = flow.sensitivity_percent
    findings = Findings(evidence=(flow,))
    category: Category = "MRD negative"
    if reached is None:
        findings = findings.lacking(f"sensitivity of the flow assay ({needed:g} %)")
        text = f"no residual disease by flow cytometry; sensitivity not stated, {needed:g} % is asked for"
        level = "sensitivity not stated"
    elif reached > needed:
        category, findings = "cannot be called", findings.lacking(f"a flow assay that reaches {needed:g} %")
        text = f"not detected, but at a sensitivity of {reached:g} % only; {needed:g} % is asked for"
        level = ""
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
