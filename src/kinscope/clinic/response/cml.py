"""CML: haematological and cytogenetic response, and the milestones of treatment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kinscope.clinic.karyotype.model import KaryotypeError
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import KaryotypeReading, high_risk_changes, read_karyotype
from kinscope.clinic.measurements import (
    BlastPercent,
    BloodCounts,
    KaryotypeFinding,
    Measurement,
    MutationFinding,
    TranscriptLevel,
)
from kinscope.clinic.response.context import Said, Situation
from kinscope.clinic.response.criteria import (
    CmlCriteria,
    CytogeneticCriteria,
    LossRule,
    MilestoneRule,
    PhaseRule,
)
from kinscope.clinic.response.model import Axis, Category, ResponseCall
from kinscope.clinic.response.molecular import decisive_level, depth_log_of, judged, too_poor, unusable
from kinscope.core.errors import VariantError
from kinscope.targets import load_target
from kinscope.variants import parse_variant

GRAVITY: tuple[Category, ...] = ("cannot be called", "optimal", "between milestones", "warning", "failure")
ADEQUATE_LOG = 4.0
"""An undetectable level says something from MR4 on (Cross NCP et al. Leukemia 2015;29:999-1003)."""
INHERITED = ("K247R",)
"""Found in healthy people too (Crossman LC et al. Leukemia 2005;19:1859): no acquired mutation."""


def haematological_call(situation: Situation) -> ResponseCall | None:
    """Complete haematological response, its loss, or an advanced phase; None where nothing bears on it."""
    rules, evaluation = situation.criteria.haematological, situation.evaluation
    if not isinstance(rules, CmlCriteria):
        return None
    marrow, blood = evaluation.marrow_blasts(), evaluation.blood_blasts_percent()
    highest = max(marrow.percent if marrow else 0.0, blood or 0.0)
    said = _phase(situation, rules, highest)
    advanced = said is not None and said.rule is rules.blast_phase
    notes = [*_other_lines(rules.blast_phase, highest, "blast phase (WHO 2022, ICC 2022)")] * (not advanced)
    notes += [*_other_lines(rules.accelerated, highest, "accelerated phase (ICC 2022)")] * (said is None)
    if said is None and not evaluation.of(BloodCounts) and not blood:
        text = f"no complete haematological response: marrow blasts {highest:g} %"
        said = Said("active disease", rules.remission, text) if notes else None
    elif said is None:
        said = _chr(situation, rules)
    counted = [b for b in evaluation.of(BlastPercent) if b.material == "peripheral blood" or b is marrow]
    said = said and said._replace(text="; ".join((said.text, *notes)))
    return said and situation.says("haematological", said, (*counted, *evaluation.of(BloodCounts)))


def _phase(situation: Situation, rules: CmlCriteria, blasts: float) -> Said | None:
    """Blast or accelerated phase. Low platelets count before treatment only: the drug lowers them too."""
    evaluation, fast, last = situation.evaluation, rules.accelerated, rules.blast_phase
    if blasts >= last.blasts_from_percent:
        return Said("blast phase", last, f"blast phase: {blasts:g} % blasts")
    if evaluation.extramedullary():
        return Said("blast phase", last, "blast phase: extramedullary disease")
    if fast is None:
        return None
    counts = bool(evaluation.of(BloodCounts))
    basophils = evaluation.count("basophils_percent") if counts else None
    platelets = evaluation.count("platelets_giga_per_litre", min) if counts else None
    reasons = {
        f"{blasts:g} % blasts": blasts >= fast.blasts_from_percent,
        f"basophils {basophils or 0:g} %": (basophils or 0) >= fast.basophils_from_percent,
        f"platelets {platelets or 0:g} G/L": situation.before_treatment
        and platelets is not None
        and platelets < fast.platelets_below_giga_per_litre,
    }
    found = ", ".join(reason for reason, holds in reasons.items() if holds)
    return Said("accelerated phase", fast, f"accelerated phase: {found}") if found else None


def _other_lines(rule: PhaseRule | None, blasts: float, name: str) -> tuple[str, ...]:
    """That other classifications begin a phase at fewer blasts, where that decides."""
    begin = rule.others_from_percent if rule else None
    between = rule is not None and begin is not None and begin <= blasts < rule.blasts_from_percent
    return (f"from {begin:g} % blasts others call {name}",) if between else ()


def _chr(situation: Situation, rules: CmlCriteria) -> Said:
    """Complete haematological response by what of its definition is met, fails, and is not known."""
    rule, evaluation = rules.remission, situation.evaluation
    met: list[str] = []
    failed: list[str] = []
    missing: list[str] = []
    for name, field, limit, unit in (
        ("leucocyte count", "leucocytes_giga_per_litre", rule.leucocytes_below_giga_per_litre, "G/L"),
        ("platelet count", "platelets_giga_per_litre", rule.platelets_below_giga_per_litre, "G/L"),
        ("basophils", "basophils_percent", rule.basophils_below_percent, "%"),
        ("immature granulocytes", "immature_granulocytes", 1, ""),
        ("palpable spleen", "spleen_palpable", 1, ""),
    ):
        value = evaluation.count(field)
        if value is None:
            missing.append(name if unit else f"statement on {name}")
            continue
        shown = f"{name} {value:g} {unit}" if unit else f"{'' if value else 'no '}{name}"
        (met if value < limit else failed).append(shown)
    if blasts := evaluation.blood_blasts_percent():
        failed.append(f"blood blasts {blasts:g} %")
    if failed:
        lost = situation.history.remission
        words = "complete haematological response lost" if lost else "no complete haematological response"
        text = f"{words}: {', '.join(failed)}"
        return Said("loss of CHR" if lost else "active disease", rule, text, missing=tuple(missing))
    if missing:
        text = "CHR cannot be called: no " + " and no ".join(missing)
        return Said("cannot be called", rule, text, missing=tuple(missing))
    return Said("CHR", rule, f"complete haematological response: {', '.join(met)}")


def read_iscn(finding: KaryotypeFinding) -> KaryotypeReading | None:
    """What a karyotype says; None where it cannot be read."""
    try:
        return read_karyotype(parse_karyotype(finding.iscn))
    except KaryotypeError:
        return None


def _metaphases(situation: Situation) -> tuple[KaryotypeFinding, int, int] | str:
    """The karyotype with the largest share of Ph+ metaphases, their number and all; or why there is none."""
    shares: list[tuple[KaryotypeFinding, int, int]] = []
    reason = ""
    for finding in situation.evaluation.of(KaryotypeFinding):
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
    rules, karyotypes = situation.criteria.cytogenetic, situation.evaluation.of(KaryotypeFinding)
    if rules is None or not karyotypes or situation.before_treatment:
        return None
    found = _metaphases(situation)
    if isinstance(found, str):
        missing = ("number of metaphases in every clone",) * ("how many" in found)
        return situation.says("cytogenetic", Said("cannot be called", rules, found, "", missing), karyotypes)
    return situation.says("cytogenetic", _cytogenetic(situation, rules, *found[1:]), karyotypes, found[0])


def _cytogenetic(situation: Situation, rules: CytogeneticCriteria, positive: int, total: int) -> Said:
    share, history = 100.0 * positive / total, situation.history
    shown, level = f"{positive} of {total} metaphases Ph+", f"{share:.0f} %"
    if positive and history.complete_cytogenetic:
        return Said("loss of CCyR", rules, f"complete cytogenetic response lost: {shown}", level)
    if total < rules.minimum_metaphases:
        missing = (f"{rules.minimum_metaphases} metaphases (there are {total})",)
        return Said("cannot be called", rules, f"{shown}: too few metaphases", level, missing)
    if share > rules.partial_to_percent and history.partial_cytogenetic:
        return Said("loss of PCyR", rules, f"partial cytogenetic response lost: {shown}", level)
    bounds: tuple[tuple[float, Category], ...] = (
        (0, "CCyR"),
        (rules.partial_to_percent, "PCyR"),
        (rules.minor_to_percent, "minor CyR"),
        (rules.minimal_to_percent, "minimal CyR"),
    )
    category: Category = next((name for bound, name in bounds if share <= bound), "no CyR")
    return Said(category, rules, f"{category}: {shown}", level)


def milestone_calls(situation: Situation, made: Sequence[ResponseCall]) -> tuple[ResponseCall, ...]:
    """Optimal, warning or failure at this point of treatment, and what else is a warning or failure.

    ``made`` are the other calls of this evaluation. Off treatment only the loss of the response counts.
    """
    days, rule = situation.days_treated, situation.criteria.treatment_free
    if situation.off_treatment:
        lost = [call for call in made if call.category == "loss of MMR" and rule]
        return tuple(_of_call(situation, "failure of treatment-free remission", rule, call) for call in lost)
    calls = [call for rule in situation.criteria.losses for call in _losses(situation, rule, made)]
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
    if rule is None and situation.criteria.milestones and not rules:
        rule = situation.criteria.second_line[0]
        text = f"{situation.criteria.title} has no milestones for line {situation.line}"
        said = Said("cannot be called", rule, text)
        return situation.says("milestone", said, situation.evaluation.of(TranscriptLevel))
    if rule is None:
        return None
    found = [_by_level(situation, rule), _by_metaphases(situation, rule)]
    found.append(_by_blood(situation, rule, made) if near else None)
    verdicts = [verdict for verdict in found if verdict is not None]
    if not verdicts:
        return None
    if confirmed := next((r for r in rules if _is_confirmed(situation, r, days)), None):
        rule, verdicts = confirmed, [verdicts[0]._replace(category="failure")]
    worst = max(verdicts, key=lambda verdict: GRAVITY.index(verdict.category))
    category, level = worst.category, worst.level
    text = f"{'; '.join(v.text for v in verdicts)} on day {days} of treatment"
    text += ", which confirms the warning" * (confirmed is not None)
    if near is None and category in ("optimal", "warning"):
        category, text = "between milestones", f"{text}: past this milestone, before any next"
    evidence = [item for verdict in verdicts for item in verdict.evidence]
    return situation.says("milestone", Said(category, rule, f"{category}: {text}", level), evidence)


def _graded(value: float, optimal: float, failure: float | None, *, excludes: bool) -> Category:
    if failure is not None and value > failure:
        return "failure"
    return "optimal" if value < optimal or (value == optimal and not excludes) else "warning"


def _by_level(situation: Situation, rule: MilestoneRule) -> _Verdict | None:
    """By the level on the international scale; an undetectable one says something from MR4 on only."""
    level = decisive_level(situation)
    if level is None or (level.detected and level.percent is None):
        return None
    if (level.detected or level.on_international_scale) and unusable(situation, level):
        return None
    percent, limit = level.percent or 0.0, rule.optimal_at_most_percent
    shown = f"{percent:g} %" if level.detected else "not detected"
    category = _graded(percent, limit, rule.failure_above_percent, excludes=rule.optimal_excludes_limit)
    text, poor = shown, too_poor(level) if level.detected else (depth_log_of(level) or 0.0) < ADEQUATE_LOG
    if category == "optimal" and (poor or not judged(situation)):
        category = "cannot be called"
        text += ", in a sample too poor to tell" if poor else f", in {level.material}"
    return _Verdict(category, text, situation.evaluation.of(TranscriptLevel), shown)


def _by_metaphases(situation: Situation, rule: MilestoneRule) -> _Verdict | None:
    """By the share of Ph+ metaphases, where the rule has limits for it and enough were seen."""
    cytogenetic, limit = situation.criteria.cytogenetic, rule.ph_failure_above_percent
    found = _metaphases(situation)
    if limit is None or cytogenetic is None or isinstance(found, str):
        return None
    finding, positive, total = found
    share, optimal = 100.0 * positive / total, rule.ph_optimal_at_most_percent
    category = _graded(share, optimal or 0.0, limit, excludes=rule.ph_optimal_excludes_limit)
    if total < cytogenetic.minimum_metaphases or (optimal is None and category != "failure"):
        return None
    return _Verdict(category, f"{positive} of {total} metaphases Ph+", (finding,), f"{share:.0f} % Ph+")


def _by_blood(situation: Situation, rule: MilestoneRule, made: Sequence[ResponseCall]) -> _Verdict | None:
    bad = [c for c in made if c.axis == "haematological" and c.category not in ("CHR", "cannot be called")]
    if not rule.needs_chr or not bad:
        return None
    evaluation = situation.evaluation
    return _Verdict(
        "failure", bad[0].statement, evaluation.of(BloodCounts) or evaluation.of(BlastPercent), "no CHR"
    )


def _is_confirmed(situation: Situation, rule: MilestoneRule, days: int) -> bool:
    """Whether a visit, in the time that the rule sets after its date, confirms an earlier warning."""
    first, last, warned = rule.confirm_from_days, rule.confirm_to_days, situation.history.warned_day
    verdict = _by_level(situation, rule)
    if first is None or last is None or warned is None or verdict is None or verdict.category != "warning":
        return False
    date = (rule.from_day + (rule.to_day or rule.from_day)) // 2
    return first <= situation.evaluation.at.days - warned <= last and days >= date + first


def _of_call(
    situation: Situation, verdict: str, rule: object, call: ResponseCall, end: str = ""
) -> ResponseCall:
    """A warning or failure because of another call of the evaluation, on its evidence."""
    evaluation = situation.evaluation
    measured: dict[Axis, tuple[Measurement, ...]] = {
        "haematological": (*evaluation.of(BloodCounts), *evaluation.of(BlastPercent)),
        "molecular": evaluation.of(TranscriptLevel),
        "cytogenetic": evaluation.of(KaryotypeFinding),
    }
    category: Category = "warning" if verdict == "warning" else "failure"
    said = Said(category, rule, f"{verdict}: {call.statement}{end}", call.level)  # type: ignore[arg-type]
    return situation.says("milestone", said, measured[call.axis])


def _losses(situation: Situation, rule: LossRule, made: Sequence[ResponseCall]) -> list[ResponseCall]:
    """The losses of this evaluation that the rule counts, and the test that confirms one."""
    found = []
    for call in made if not rule.lines or situation.line in rule.lines else ():
        if _second_loss(situation, rule, call):
            found.append(_of_call(situation, rule.verdict, rule, call, ", which confirms the loss of MMR"))
        elif call.category in rule.categories and rule.confirmed_from_percent is not None:
            found.append(_of_call(situation, "warning", rule, call, ", not confirmed by a second test"))
        elif call.category in rule.categories:
            found.append(_of_call(situation, rule.verdict, rule, call))
    return found


def _second_loss(situation: Situation, rule: LossRule, call: ResponseCall) -> bool:
    lost, level = situation.history.lost_major, decisive_level(situation)
    if rule.confirmed_from_percent is None or lost is None or level is None or call.category != "no MMR":
        return False
    apart = situation.evaluation.at.days - lost[0] > situation.criteria.window_days
    return apart and max(lost[1], level.percent or 0.0) >= rule.confirmed_from_percent


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
    rule, early, calls = situation.criteria.high_risk_change, situation.before_treatment, []
    cited = situation.criteria.baseline_change if early else rule
    for finding in situation.evaluation.of(KaryotypeFinding):
        reading = read_iscn(finding)
        if rule is None or reading is None or cited is None:
            continue
        kind = ("major route" if early else "any") if rule.any_change else "high risk"
        new = [c for c in changes_of(reading)[kind] if known_as(c) not in situation.history.known]
        verdict: Category = "warning" if early else "failure"
        text = f"{verdict}: additional changes in Ph+ cells{' at diagnosis' * early}: {', '.join(new)}"
        said = Said(verdict, cited, text, "; ".join(map(known_as, new)))
        calls += [situation.says("milestone", said, (finding,))] * bool(new)
    return calls


def _mutations(situation: Situation) -> list[ResponseCall]:
    """A mutation that was not known before: failure where any is, else open until it is assessed."""
    rule, calls = situation.criteria.resistance_mutation, []
    for mutation in situation.evaluation.of(MutationFinding):
        if rule is None or not mutation.detected:
            continue
        name, shown = mutation_name(mutation), f"{mutation.gene} {mutation.expression}"
        if name in INHERITED or (name and name in situation.history.known):
            continue
        said = Said("failure", rule, f"failure: {shown} under treatment", name)
        if not rule.any_mutation or not name:
            text = f"{shown}: failure if it confers resistance to the drug in use"
            missing = ("an assessment of the mutation (kinscope assess)",)
            said = Said("cannot be called", rule, text, name, missing)
        calls.append(situation.says("milestone", said, (mutation,)))
    return calls


def mutation_name(mutation: MutationFinding) -> str:
    """The short form of a substitution of ABL1, e.g. ``T315I``; empty for what cannot be read as one."""
    pack = load_target("abl1")
    if mutation.gene.upper() not in {pack.gene.upper(), *(alias.upper() for alias in pack.aliases)}:
        return ""
    try:
        return parse_variant(mutation.expression, pack).short
    except VariantError:
        return ""
