"""CML: haematological and cytogenetic response, and the milestones of treatment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kinscope.clinic.karyotype.model import KaryotypeError
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import KaryotypeReading, high_risk_changes, read_karyotype
from kinscope.clinic.measurements import KaryotypeFinding, Measurement, MutationFinding
from kinscope.clinic.response.context import Findings, Situation
from kinscope.clinic.response.criteria import (
    CmlCriteria,
    CytogeneticCriteria,
    LossRule,
    MilestoneRule,
    PhaseRule,
)
from kinscope.clinic.response.model import Category, ResponseCall
from kinscope.clinic.response.molecular import (
    decisive_level,
    depth_log_of,
    in_compartment,
    too_poor,
    unusable,
)
from kinscope.core.errors import VariantError

GRAVITY: tuple[Category, ...] = ("cannot be called", "optimal", "between milestones", "warning", "failure")
ADEQUATE_LOG = 4.0
"""An undetectable level says something from MR4 on (Cross NCP et al. Leukemia 2015;29:999-1003)."""


def haematological_call(situation: Situation) -> ResponseCall | None:
    """Complete haematological response, its loss, or an advanced phase; None where nothing bears on it."""
    rules = situation.criteria.haematological
    if not isinstance(rules, CmlCriteria):
        return None
    evaluation = situation.evaluation
    marrow = evaluation.marrow_blasts()
    counted = [b for b in evaluation.blasts if b.material == "peripheral blood" or b is marrow]
    findings = Findings(evidence=(*counted, *evaluation.counts))
    blood = evaluation.blood_blasts_percent()
    highest = max(marrow.percent if marrow else 0.0, blood or 0.0)
    found = _phase(situation, rules, highest)
    if found is not None:
        category, rule, text = found
        notes = _other_lines(rule, highest) if rule is rules.accelerated else ()
        noted = findings.model_copy(update={"notes": (*notes, *_other_lines(rules.blast_phase, highest))})
        return situation.call(category, "haematological", rule, f"{category}: {text}", noted)
    notes = _other_lines(rules.accelerated, highest)
    if not evaluation.counts and not blood and not notes:
        return None
    met, failed, missing = _chr_items(situation, rules)
    if not evaluation.counts and not blood:
        failed = [f"marrow blasts {highest:g} %"]
    findings = findings.model_copy(update={"missing": tuple(missing), "notes": notes})
    if failed:
        lost = situation.history.remission and bool(evaluation.counts or blood)
        category = "loss of CHR" if lost else "active disease"
        words = "complete haematological response lost" if lost else "no complete haematological response"
        return situation.call(
            category, "haematological", rules.remission, f"{words}: {', '.join(failed)}", findings
        )
    if missing:
        text = "CHR cannot be called: no " + " and no ".join(missing)
        return situation.call("cannot be called", "haematological", rules.remission, text, findings)
    text = f"complete haematological response: {', '.join(met)}"
    return situation.call("CHR", "haematological", rules.remission, text, findings)


def _phase(situation: Situation, rules: CmlCriteria, blasts: float) -> tuple[Category, PhaseRule, str] | None:
    """Blast or accelerated phase. Low platelets count before treatment only: the drug lowers them too."""
    evaluation, fast = situation.evaluation, rules.accelerated
    if blasts >= rules.blast_phase.blasts_from_percent:
        return "blast phase", rules.blast_phase, f"{blasts:g} % blasts"
    if evaluation.extramedullary():
        return "blast phase", rules.blast_phase, "extramedullary disease"
    if fast is None:
        return None
    if blasts >= fast.blasts_from_percent:
        return "accelerated phase", fast, f"{blasts:g} % blasts"
    basophils = evaluation.count("basophils_percent") if evaluation.counts else None
    if basophils is not None and basophils >= fast.basophils_from_percent:
        return "accelerated phase", fast, f"basophils {basophils:g} %"
    platelets = evaluation.count("platelets_giga_per_litre", min) if evaluation.counts else None
    low = platelets is not None and platelets < fast.platelets_below_giga_per_litre
    return (
        ("accelerated phase", fast, f"platelets {platelets:g} G/L")
        if low and situation.before_treatment
        else None
    )


def _other_lines(rule: PhaseRule | None, blasts: float) -> tuple[str, ...]:
    """That other classifications begin a phase at fewer blasts, where that decides."""
    if rule is None or rule.others_from_percent is None:
        return ()
    between = rule.others_from_percent <= blasts < rule.blasts_from_percent
    name = "blast phase (WHO 2022, ICC 2022)" if "blast" in rule.id else "accelerated phase (ICC 2022)"
    return (f"from {rule.others_from_percent:g} % blasts others call {name}",) if between else ()


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
        flag = evaluation.count(field)
        if flag is None:
            missing.append(f"statement on {name}")
        else:
            (failed if flag else met).append(name if flag else f"no {name}")
    if blasts := evaluation.blood_blasts_percent():
        failed.append(f"blood blasts {blasts:g} %")
    return met, failed, missing


def read_iscn(finding: KaryotypeFinding) -> KaryotypeReading | None:
    """What a karyotype says; None where it cannot be read."""
    try:
        return read_karyotype(parse_karyotype(finding.iscn))
    except KaryotypeError:
        return None


def _metaphases(situation: Situation) -> tuple[KaryotypeFinding, int, int] | str | None:
    """The karyotype with the largest share of Ph+ metaphases, their number and all; or why there is none."""
    shares: list[tuple[KaryotypeFinding, int, int]] = []
    reason: str | None = None
    for finding in situation.evaluation.karyotypes:
        reading = read_iscn(finding)
        if reading is None:
            reason = "the karyotype cannot be read"
            continue
        positive, total = reading.philadelphia_cells, reading.cells
        if positive == 0 and (reading.philadelphia == "open" or reading.bcr_abl1_by_fish):
            reason = "no metaphase is Ph+, but FISH shows the fusion or what was not read may hold it"
        elif positive is None or not total:
            reason = "the karyotype does not say how many metaphases are Ph+"
        else:
            shares.append((finding, positive, total))
    return max(shares, key=lambda share: share[1] / share[2]) if shares else reason


def cytogenetic_call(situation: Situation) -> ResponseCall | None:
    """Cytogenetic response from the share of Ph+ metaphases; None without a karyotype."""
    rules = situation.criteria.cytogenetic
    found = None if rules is None or situation.before_treatment else _metaphases(situation)
    if rules is None or found is None:
        return None
    findings = Findings(evidence=situation.evaluation.karyotypes)
    if isinstance(found, str):
        lacking = findings.lacking("number of metaphases in every clone") if "how many" in found else findings
        return situation.call("cannot be called", "cytogenetic", rules, found, lacking)
    return _cytogenetic(situation, rules, findings, found[1], found[2])


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
    if share > rules.partial_to_percent and situation.history.partial_cytogenetic:
        text = f"partial cytogenetic response lost: {shown}"
        return situation.call("loss of PCyR", "cytogenetic", rules, text, findings, f"{share:.0f} %")
    bounds: tuple[tuple[float, Category], ...] = (
        (0, "CCyR"),
        (rules.partial_to_percent, "PCyR"),
        (rules.minor_to_percent, "minor CyR"),
        (rules.minimal_to_percent, "minimal CyR"),
    )
    category: Category = next((name for bound, name in bounds if share <= bound), "no CyR")
    return situation.call(category, "cytogenetic", rules, f"{category}: {shown}", findings, f"{share:.0f} %")


def milestone_calls(situation: Situation, made: Sequence[ResponseCall]) -> tuple[ResponseCall, ...]:
    """Optimal, warning or failure at this point of treatment, and what else is a warning or failure.

    ``made`` are the other calls of this evaluation. Off treatment only the loss of the response counts.
    """
    days = situation.days_treated
    lost = [call for call in made if call.category == "loss of MMR"]
    if situation.off_treatment:
        rule = situation.criteria.treatment_free
        if rule is None or not lost:
            return ()
        text = f"failure of treatment-free remission: {lost[0].statement}"
        seen = Findings(evidence=situation.evaluation.transcripts)
        return (situation.call("failure", "milestone", rule, text, seen, lost[0].level),)
    calls = [call for rule in situation.criteria.losses for call in _loss(situation, rule, made)]
    if days is not None and days > 0:
        grave = max((GRAVITY.index(call.category) for call in calls), default=-1)
        own = _milestone(situation, days, made)
        calls += [own] if own is not None and GRAVITY.index(own.category) > grave else []
        calls += _mutations(situation)
    return (*calls, *(_changes(situation) if days is not None else ()))


class _Verdict(NamedTuple):
    category: Category
    text: str
    evidence: tuple[Measurement, ...]
    level: str


def _milestone(situation: Situation, days: int, made: Sequence[ResponseCall]) -> ResponseCall | None:
    """The worst that levels, metaphases and blood say at a milestone, or past one and before the next."""
    rules = situation.criteria.milestones_of(situation.line)
    near = next((r for r in rules if r.from_day <= days and (r.to_day is None or days <= r.to_day)), None)
    rule = near or next((r for r in reversed(rules) if r.to_day is not None and r.to_day < days), None)
    if rule is None:
        return _no_table(situation) if situation.criteria.milestones and not rules else None
    found = [_by_level(situation, rule, days), _by_metaphases(situation, rule, days)]
    found.append(_by_blood(situation, rule, days, made) if near else None)
    said = [verdict for verdict in found if verdict is not None]
    if not said:
        return None
    if confirmed := _confirmed(situation, rules, days):
        rule, said = confirmed
    worst = max(said, key=lambda verdict: GRAVITY.index(verdict.category))
    category, text = worst.category, "; ".join(verdict.text for verdict in said)
    if near is None and category in ("optimal", "warning"):
        category, text = "between milestones", f"{text}: past this milestone, before any next"
    evidence = tuple(item for verdict in said for item in verdict.evidence)
    return situation.call(
        category, "milestone", rule, f"{category}: {text}", Findings(evidence=evidence), worst.level
    )


def _no_table(situation: Situation) -> ResponseCall:
    text = f"{situation.criteria.title} has no milestones for line {situation.line}"
    seen = Findings(evidence=situation.evaluation.transcripts)
    return situation.call("cannot be called", "milestone", situation.criteria.second_line[0], text, seen)


def _graded(value: float, optimal: float, failure: float | None, *, excludes: bool) -> Category:
    if failure is not None and value > failure:
        return "failure"
    return "optimal" if value < optimal or (value == optimal and not excludes) else "warning"


def _by_level(situation: Situation, rule: MilestoneRule, days: int) -> _Verdict | None:
    """By the level on the international scale; an undetectable one says something from MR4 on only."""
    found = decisive_level(situation)
    if found is None:
        return None
    level, percent = found[0], found[0].percent or 0.0
    shown = f"{percent:g} %" if level.detected else "not detected"
    text = f"{shown} on day {days} of treatment"
    if level.detected and (level.percent is None or unusable(situation, level)):
        return None
    category = _graded(
        percent,
        rule.optimal_at_most_percent,
        rule.failure_above_percent,
        excludes=rule.optimal_excludes_limit,
    )
    poor = too_poor(level) if level.detected else (depth_log_of(level) or 0.0) < ADEQUATE_LOG
    if category == "optimal" and poor:
        category, text = "cannot be called", f"{text}, in a sample too poor to tell"
    elif category == "optimal" and not in_compartment(situation, level):
        category, text = "cannot be called", f"{text}, in {level.material}"
    return _Verdict(category, text, found[1].evidence, shown)


def _by_metaphases(situation: Situation, rule: MilestoneRule, days: int) -> _Verdict | None:
    """By the share of Ph+ metaphases, where the rule has limits for it and enough were seen."""
    cytogenetic, found = situation.criteria.cytogenetic, _metaphases(situation)
    if rule.ph_failure_above_percent is None or not isinstance(found, tuple) or cytogenetic is None:
        return None
    finding, positive, total = found
    if total < cytogenetic.minimum_metaphases:
        return None
    share, optimal = 100.0 * positive / total, rule.ph_optimal_at_most_percent
    category = _graded(
        share, optimal or 0.0, rule.ph_failure_above_percent, excludes=rule.ph_optimal_excludes_limit
    )
    if optimal is None and category != "failure":
        return None
    text = f"{positive} of {total} metaphases Ph+ on day {days} of treatment"
    return _Verdict(category, text, (finding,), f"{share:.0f} % Ph+")


def _by_blood(
    situation: Situation, rule: MilestoneRule, days: int, made: Sequence[ResponseCall]
) -> _Verdict | None:
    bad = [c for c in made if c.axis == "haematological" and c.category not in ("CHR", "cannot be called")]
    if not rule.needs_chr or not bad:
        return None
    text = f"{bad[0].statement}, on day {days} of treatment"
    return _Verdict("failure", text, situation.evaluation.counts or situation.evaluation.blasts, "no CHR")


def _confirmed(
    situation: Situation, rules: Iterable[MilestoneRule], days: int
) -> tuple[MilestoneRule, list[_Verdict]] | None:
    """The milestone whose warning a later visit, in the time that the rule sets after its date, confirms."""
    warned = situation.history.warned_day
    for rule in rules:
        if rule.confirm_from_days is None or rule.confirm_to_days is None or warned is None:
            continue
        verdict = _by_level(situation, rule, days)
        date = (rule.from_day + (rule.to_day or rule.from_day)) // 2
        gap = situation.evaluation.at.days - warned
        inside = (
            rule.confirm_from_days <= gap <= rule.confirm_to_days and days >= date + rule.confirm_from_days
        )
        if inside and verdict is not None and verdict.category == "warning":
            return rule, [verdict._replace(category="failure", text=f"{verdict.text} confirms the warning")]
    return None


def _loss(situation: Situation, rule: LossRule, made: Sequence[ResponseCall]) -> list[ResponseCall]:
    """The losses of this evaluation that the rule counts, and the test that confirms one."""
    if rule.lines and situation.line not in rule.lines:
        return []
    evaluation = situation.evaluation
    seen: dict[str, tuple[Measurement, ...]] = {
        "haematological": (*evaluation.counts, *evaluation.blasts),
        "molecular": evaluation.transcripts,
        "cytogenetic": evaluation.karyotypes,
    }
    found = []
    for call in made:
        confirmed = _second_loss(situation, rule, call)
        if call.category not in rule.categories and not confirmed:
            continue
        unsure = rule.confirmed_from_percent is not None and not confirmed
        verdict: Category = "warning" if unsure else rule.verdict
        text = f"{verdict}: {call.statement}{', not confirmed by a second test' if unsure else ''}"
        text += ", which confirms the loss of MMR" * confirmed
        evidence = Findings(evidence=seen[call.axis])
        found.append(situation.call(verdict, "milestone", rule, text, evidence, call.level))
    return found


def _second_loss(situation: Situation, rule: LossRule, call: ResponseCall) -> bool:
    lost, found = situation.history.lost_major, decisive_level(situation)
    if rule.confirmed_from_percent is None or lost is None or found is None or call.category != "no MMR":
        return False
    apart = situation.evaluation.at.days - lost[0] > situation.criteria.window_days
    return apart and max(lost[1], found[0].percent or 0.0) >= rule.confirmed_from_percent


def changes_of(reading: KaryotypeReading) -> dict[str, tuple[str, ...]]:
    """Clonal changes in Ph+ cells by the name of a rule: ``any``, ``high risk`` and ``major route``."""
    clonal = [s for s in reading.changes if s.clonal is not False]
    return {
        "any": tuple(s.name for s in clonal if s.beside_philadelphia),
        "high risk": high_risk_changes(reading),
        "major route": tuple(s.name for s in clonal if s.major_route),
    }


def known_as(change: str) -> str:
    """A change without the group it belongs to: ``+8`` of ``+8 (trisomy 8)``."""
    return change if change.startswith("complex") else change.partition(" (")[0]


def _changes(situation: Situation) -> list[ResponseCall]:
    """New changes are failure; those at diagnosis are a warning then, and nothing new later."""
    rule, baseline = situation.criteria.high_risk_change, situation.criteria.baseline_change
    calls = []
    for finding in situation.evaluation.karyotypes:
        reading, cited = read_iscn(finding), baseline if situation.before_treatment else rule
        if rule is None or reading is None or cited is None:
            continue
        early = "major route" if rule.any_change else "high risk"
        late = "any" if rule.any_change else "high risk"
        found = changes_of(reading)[early if situation.before_treatment else late]
        new = [change for change in found if known_as(change) not in situation.history.known]
        if not new:
            continue
        verdict: Category = "warning" if situation.before_treatment else "failure"
        text = f"{verdict}: additional chromosome abnormalities in Ph+ cells: {', '.join(new)}"
        text += " at diagnosis" * situation.before_treatment
        level = "; ".join(map(known_as, new))
        calls.append(situation.call(verdict, "milestone", cited, text, Findings(evidence=(finding,)), level))
    return calls


def _mutations(situation: Situation) -> list[ResponseCall]:
    """A mutation that was not known before: failure where any is, else open until it is assessed."""
    rule = situation.criteria.resistance_mutation
    calls = []
    for mutation in situation.evaluation.mutations:
        if rule is None or not mutation.detected:
            continue
        name = mutation_name(mutation)
        if name in INHERITED or (name and name in situation.history.known):
            continue
        findings = Findings(evidence=(mutation,))
        shown = f"{mutation.gene} {mutation.expression}"
        if rule.any_mutation and name:
            text = f"failure: {shown} under treatment"
            calls.append(situation.call("failure", "milestone", rule, text, findings, name))
            continue
        text = f"{shown}: failure if it confers resistance to the drug in use"
        lacking = findings.lacking("an assessment of the mutation (kinscope assess)")
        calls.append(situation.call("cannot be called", "milestone", rule, text, lacking, name))
    return calls


INHERITED = ("K247R",)
"""Found in healthy people too (Crossman LC et al. Leukemia 2005;19:1859): no acquired mutation."""


def mutation_name(mutation: MutationFinding) -> str:
    """The short form of a substitution of ABL1, e.g. ``T315I``; empty for what cannot be read as one."""
    from kinscope.targets import load_target
    from kinscope.variants import parse_variant

    pack = load_target("abl1")
    if mutation.gene.upper() not in {pack.gene.upper(), *(alias.upper() for alias in pack.aliases)}:
        return ""
    try:
        return parse_variant(mutation.expression, pack).short
    except VariantError:
        return ""
