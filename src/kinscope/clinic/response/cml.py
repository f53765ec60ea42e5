"""CML: haematological and cytogenetic response, and the milestones of treatment."""

from __future__ import annotations

from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import high_risk_changes, read_karyotype
from kinscope.clinic.measurements import KaryotypeFinding, TranscriptLevel
from kinscope.clinic.response.context import Findings, Situation
from kinscope.clinic.response.criteria import CmlCriteria, CytogeneticCriteria, MilestoneRule
from kinscope.clinic.response.model import Category, ResponseCall
from kinscope.core.errors import BadInputError


def haematological_call(situation: Situation) -> ResponseCall | None:
    """Complete haematological response, its loss, or blast phase; None where nothing bears on it."""
    rules = situation.criteria.haematological
    if not isinstance(rules, CmlCriteria):
        return None
    evaluation = situation.evaluation
    marrow = evaluation.marrow_blasts()
    blasts = [
        b for b in (marrow.percent if marrow else None, evaluation.blood_blasts_percent()) if b is not None
    ]
    seen = (*((marrow,) if marrow else ()), *evaluation.counts)
    if blasts and max(blasts) >= rules.blast_phase.blasts_from_percent:
        text = f"blast phase: {max(blasts):g} % blasts"
        return situation.call(
            "blast phase", "haematological", rules.blast_phase, text, Findings(evidence=seen)
        )
    if not evaluation.counts:
        return None
    met, failed, missing = _chr_items(situation, rules)
    findings = Findings(evidence=seen, missing=tuple(missing))
    if failed:
        lost = situation.history.remission
        category: Category = "loss of CHR" if lost else "active disease"
        words = "complete haematological response lost" if lost else "no complete haematological response"
        return situation.call(
            category, "haematological", rules.remission, f"{words}: {', '.join(failed)}", findings
        )
    if missing:
        text = "CHR cannot be called: no " + " and no ".join(missing)
        return situation.call("cannot be called", "haematological", rules.remission, text, findings)
    text = f"complete haematological response: {', '.join(met)}"
    return situation.call("CHR", "haematological", rules.remission, text, findings)


def _chr_items(situation: Situation, rules: CmlCriteria) -> tuple[list[str], list[str], list[str]]:
    """What of the definition is met, what fails, and what is not known."""
    rule, evaluation = rules.remission, situation.evaluation
    met: list[str] = []
    failed: list[str] = []
    missing: list[str] = []
    numbers = (
        ("leucocyte count", "leucocytes_giga_per_litre", rule.leucocytes_below_giga_per_litre, "G/L"),
        ("platelet count", "platelets_giga_per_litre", rule.platelets_below_giga_per_litre, "G/L"),
        ("basophils", "basophils_percent", rule.basophils_below_percent, "%"),
    )
    for name, field, limit, unit in numbers:
        value = evaluation.count(field)
        if value is None:
            missing.append(name)
        else:
            (met if value < limit else failed).append(f"{name} {value:g} {unit}")
    for name, field in (
        ("immature granulocytes", "immature_granulocytes"),
        ("palpable spleen", "spleen_palpable"),
    ):
        flag = evaluation.flag(field)
        if flag is None:
            missing.append(f"statement on {name}")
        else:
            (failed if flag else met).append(name if flag else f"no {name}")
    return met, failed, missing


def cytogenetic_call(situation: Situation) -> ResponseCall | None:
    """Cytogenetic response from the share of Ph+ metaphases; None without a karyotype."""
    rules = situation.criteria.cytogenetic
    if rules is None or not situation.evaluation.karyotypes or situation.before_treatment:
        return None
    finding = situation.evaluation.karyotypes[-1]
    findings = Findings(evidence=(finding,))
    try:
        reading = read_karyotype(parse_karyotype(finding.iscn))
    except BadInputError as error:
        text = f"the karyotype cannot be read: {error.what}"
        return situation.call("cannot be called", "cytogenetic", rules, text, findings)
    positive, total = reading.philadelphia_cells, reading.cells
    if positive == 0 and (reading.philadelphia == "open" or reading.bcr_abl1_by_fish):
        text = "no metaphase is Ph+, but FISH shows the fusion or what was not read may hold it"
        return situation.call("cannot be called", "cytogenetic", rules, text, findings)
    if positive is None or not total:
        lacking = findings.lacking("number of metaphases in every clone")
        text = "the karyotype does not say how many metaphases are Ph+"
        return situation.call("cannot be called", "cytogenetic", rules, text, lacking)
    return _cytogenetic(situation, rules, findings, positive, total)


def _cytogenetic(
    situation: Situation, rules: CytogeneticCriteria, findings: Findings, positive: int, total: int
) -> ResponseCall:
    share = 100.0 * positive / total
    shown = f"{positive} of {total} metaphases Ph+"
    if positive and situation.history.complete_cytogenetic:
        text = f"complete cytogenetic response lost: {shown}"
        return situation.call("loss of CCyR", "cytogenetic", rules, text, findings, f"{share:.0f} %")
    if total < rules.minimum_metaphases:
        short = findings.lacking(f"{rules.minimum_metaphases} metaphases (there are {total})")
        text = f"{shown}: too few metaphases"
        return situation.call("cannot be called", "cytogenetic", rules, text, short, f"{share:.0f} %")
    bounds: tuple[tuple[float, Category], ...] = (
        (0, "CCyR"),
        (rules.partial_to_percent, "PCyR"),
        (rules.minor_to_percent, "minor CyR"),
        (rules.minimal_to_percent, "minimal CyR"),
    )
    category: Category = next((name for bound, name in bounds if share <= bound), "no CyR")
    return situation.call(category, "cytogenetic", rules, f"{category}: {shown}", findings, f"{share:.0f} %")


def milestone_calls(situation: Situation) -> tuple[ResponseCall, ...]:
    """Optimal, warning or failure at this point of treatment, and what else makes a failure."""
    days = situation.days_treated
    if days is None or days <= 0:
        return ()
    calls = [_milestone(situation, level, days) for level in situation.evaluation.transcripts[-1:]]
    calls += [_change(situation, finding) for finding in situation.evaluation.karyotypes[-1:]]
    calls += _mutations(situation)
    return tuple(call for call in calls if call is not None)


def _milestone(situation: Situation, level: TranscriptLevel, days: int) -> ResponseCall | None:
    rule = _rule_at(situation, days)
    percent = level.percent if level.detected else 0.0
    if rule is None or percent is None or not (level.on_international_scale or not level.detected):
        return None
    findings = Findings(evidence=(level,))
    shown = f"{percent:g} %" if level.detected else "not detected"
    text = f"{shown} on day {days} of treatment"
    failure = rule.failure_above_percent
    if (failure is not None and percent > failure) or _confirmed(situation, rule, percent):
        return situation.call("failure", "milestone", rule, f"failure: {text}", findings, shown)
    limit = rule.optimal_at_most_percent
    if percent < limit or (percent == limit and not rule.optimal_excludes_limit):
        return situation.call("optimal", "milestone", rule, f"optimal: {text}", findings, shown)
    return situation.call("warning", "milestone", rule, f"warning: {text}", findings, shown)


def _rule_at(situation: Situation, days: int) -> MilestoneRule | None:
    for rule in situation.criteria.milestones:
        if days >= rule.from_day and (rule.to_day is None or days <= rule.to_day):
            return rule
    return None


def _confirmed(situation: Situation, rule: MilestoneRule, percent: float) -> bool:
    """Whether an earlier warning of the same treatment is confirmed in the time the rule sets."""
    warned = situation.history.warned_day
    if warned is None or rule.confirm_from_days is None or rule.confirm_to_days is None:
        return False
    gap = situation.evaluation.at.days - warned
    inside = rule.confirm_from_days <= gap <= rule.confirm_to_days
    return inside and percent > rule.optimal_at_most_percent


def _change(situation: Situation, finding: KaryotypeFinding) -> ResponseCall | None:
    rule = situation.criteria.high_risk_change
    if rule is None:
        return None
    try:
        reading = read_karyotype(parse_karyotype(finding.iscn))
    except BadInputError:
        return None
    beside = tuple(s.name for s in reading.changes if s.beside_philadelphia and s.clonal is not False)
    found = beside if rule.any_change else high_risk_changes(reading)
    if not found:
        return None
    text = f"additional chromosome abnormalities in Ph+ cells: {', '.join(found)}"
    return situation.call("failure", "milestone", rule, text, Findings(evidence=(finding,)))


def _mutations(situation: Situation) -> list[ResponseCall | None]:
    rule = situation.criteria.resistance_mutation
    found = [m for m in situation.evaluation.mutations if m.detected]
    if rule is None:
        return []
    return [
        situation.call(
            "cannot be called",
            "milestone",
            rule,
            f"{mutation.gene} {mutation.expression}: failure if it confers resistance to the drug in use",
            Findings(evidence=(mutation,), missing=("an assessment of the mutation (kinscope assess)",)),
        )
        for mutation in found
    ]
