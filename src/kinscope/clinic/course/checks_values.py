"""Checks of what was measured and given: units, scales, limits, doses, grades, the karyotype's sex."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kinscope.clinic.case.model import Case, CaseMeasurement
from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.course.result import CaseResult, Inconsistency, found
from kinscope.clinic.measurements import SAME_EVALUATION_DAYS
from kinscope.clinic.qpcr.levels import off_scale

MANY_BLASTS_PERCENT = 20.0
LITTLE_TRANSCRIPT_PERCENT = 1.0
"""In CML up to 1 % on the international scale goes with a complete cytogenetic response, no Philadelphia
metaphase left (ELN 2020, Hochhaus et al., Leukemia 2020;34:966-984): far from a marrow full of blasts."""
COUNTS = (
    ("haemoglobin_gram_per_litre", "haemoglobin", 20.0, 220.0, "g/L (1 g/dL = 10 g/L; 1 mmol/L = 16.1 g/L)"),
    ("leucocytes_giga_per_litre", "leucocytes", 0.0, 1500.0, "G/L (1,000/µL = 1 G/L)"),
    ("platelets_giga_per_litre", "platelets", 0.0, 6000.0, "G/L (1,000/µL = 1 G/L)"),
    ("neutrophils_giga_per_litre", "neutrophils", 0.0, 1500.0, "G/L (1,000/µL = 1 G/L)"),
)
"""Field, name, lowest and highest believable value, unit: beyond, the unit is the likely culprit."""
SEVERITY_GRADE = {"mild": 1, "moderate": 2, "severe": 3, "life-threatening": 4}


def check_values(result: CaseResult) -> Iterator[Inconsistency]:
    """All findings of this module."""
    case = result.case
    yield from _transcripts(case)
    yield from _control_genes(case)
    yield from _negatives(case)
    yield from _blasts_against_transcript(result)
    yield from _counts(case)
    yield from _mutations(result)
    yield from _karyotypes(case)
    yield from _progression(result)
    yield from _doses(case)
    yield from _toxicities(case)


def _of_kind(case: Case, kind: str) -> list[tuple[CaseMeasurement, Any]]:
    return [(entry, entry.finding) for entry in case.measurements if entry.finding.kind == kind]


def _transcripts(case: Case) -> Iterator[Inconsistency]:
    for entry, level in _of_kind(case, "transcript"):
        kind = level.transcript or case.transcript
        if level.on_international_scale and (reason := off_scale(kind)):
            yield found("international scale and transcript", [entry], transcript=kind, reason=reason)
        if level.transcript and case.transcript and level.transcript.lower() != case.transcript.lower():
            yield found("transcript changed", [entry], of_case=case.transcript)


def _control_genes(case: Case) -> Iterator[Inconsistency]:
    levels = _of_kind(case, "transcript")
    unnamed = [e for e, one in levels if one.percent is not None and one.control_gene == "not stated"]
    if unnamed:
        values = ", ".join(f"{level.percent:g} %" for e, level in levels if e in unnamed)
        yield found("level without its control gene", unnamed, values=values)
    genes = {level.control_gene for _, level in levels} - {"not stated"}
    if len(genes) > 1:
        named = [e for e, level in levels if level.control_gene in genes]
        yield found("control genes mixed", named, genes=", ".join(sorted(genes)))


def _negatives(case: Case) -> Iterator[Inconsistency]:
    bare = [
        entry
        for entry, level in _of_kind(case, "transcript")
        if not level.detected and level.sensitivity_log is None and level.control_copies is None
    ]
    if bare:
        count = _count(len(bare), "negative transcript result", "negative transcript results")
        yield found("negative without a sensitivity", bare, count=count)


def _blasts_against_transcript(result: CaseResult) -> Iterator[Inconsistency]:
    case, schedule = result.case, result.schedule
    for entry, level in _of_kind(case, "transcript"):
        if level.percent is None or level.percent >= LITTLE_TRANSCRIPT_PERCENT:
            continue
        gene = "" if level.control_gene == "not stated" else f"/{level.control_gene}"
        for other, blasts in _of_kind(case, "blasts"):
            apart = abs(schedule.at(other.id).drawn - schedule.at(entry.id).drawn)
            full = _is_marrow(other) and blasts.percent >= MANY_BLASTS_PERCENT
            if full and apart <= SAME_EVALUATION_DAYS:
                yield found("blasts against transcript level", (other, entry), gene=gene)


def _counts(case: Case) -> Iterator[Inconsistency]:
    for entry, counts in _of_kind(case, "counts"):
        for field, name, low, high, unit in COUNTS:
            value = getattr(counts, field)
            if value is not None and not low <= value <= high:
                told = {"name": name, "value": value, "low": low, "high": high, "unit": unit}
                yield found("value outside what can be", [entry], **told)
        white, neutrophils = counts.leucocytes_giga_per_litre, counts.neutrophils_giga_per_litre
        if white is not None and neutrophils is not None and neutrophils > white:
            yield found("part larger than the whole", [entry])


def _mutations(result: CaseResult) -> Iterator[Inconsistency]:
    by_id = {entry.id: entry for entry in result.case.measurements}
    for variant in result.variants:
        if variant.problem:
            yield found("variant that cannot be read", [by_id[variant.entry]], problem=variant.problem)
    screenings = _of_kind(result.case, "mutation")
    negative = [entry for entry, one in screenings if not one.detected and one.limit_percent is None]
    if negative:
        yield found("negative without a limit of detection", negative)


def _karyotypes(case: Case) -> Iterator[Inconsistency]:
    """What cannot be read, what the reading remarks, and sex chromosomes that are not the patient's."""
    from kinscope.clinic.karyotype.model import KaryotypeError
    from kinscope.clinic.karyotype.parse import parse_karyotype
    from kinscope.clinic.karyotype.reading import read_karyotype

    for entry, finding in _of_kind(case, "karyotype"):
        try:
            karyotype = parse_karyotype(finding.iscn)
        except KaryotypeError as error:
            yield found("karyotype that cannot be read", [entry], error=error)
            continue
        if remarks := read_karyotype(karyotype).notes:
            yield found("karyotype with remarks", [entry], remarks="; ".join(remarks))
        own = {clone.sex for clone in karyotype.clones if clone.sex and not clone.donor}
        other = {"female": "Y", "male": "XX"}.get(case.subject.sex)
        if other and any(other in sex for sex in own):
            chromosomes = ", ".join(sorted(own))
            yield found("karyotype and sex", [entry], chromosomes=chromosomes, sex=case.subject.sex)


def _progression(result: CaseResult) -> Iterator[Inconsistency]:
    """A progression is stated, but the blasts did not rise since they were last counted."""
    schedule, marrows = result.schedule, filter(_is_marrow, result.case.measurements)
    counted = sorted(marrows, key=lambda entry: schedule.at(entry.id).drawn)
    for stated in result.case.responses:
        last = schedule.at(stated.id).drawn + SAME_EVALUATION_DAYS
        until = [entry for entry in counted if schedule.at(entry.id).drawn <= last]
        if stated.category != "progression" or len(until) < 2:
            continue
        before, now = (getattr(entry.finding, "percent", 0.0) for entry in until[-2:])
        if now <= before:
            yield found("progression without a rise", (stated, until[-1]), before=before, now=now)


def _doses(case: Case) -> Iterator[Inconsistency]:
    silent = []
    for treatment, agent in ((one, agent) for one in case.treatments for agent in one.agents):
        known = find_drug(agent.drug)
        if not agent.doses:
            silent.append(f"{agent.drug} ({treatment.title})")
        for dose in agent.doses:
            if known is None or known.lowest is None or known.highest is None or dose.unit != known.unit:
                continue
            given = treatment.model_copy(update={"source": dose.source or treatment.source})
            top, usual = dose.up_to or dose.amount, known.usual.get(case.disease)
            told = {"agent": agent, "dose": dose, "known": known}
            if dose.amount < known.lowest or top > known.highest:
                yield found("dose outside the label", [given], **told)
            elif usual and top < usual[0] and not dose.reason:
                yield found("dose below the usual", [given], **told, usual=usual[0])
        if known and known.most_cycles and treatment.cycles and treatment.cycles > known.most_cycles:
            yield found("more cycles than the label", [treatment], agent=agent, known=known)
    if silent:
        yield Inconsistency(
            rule="no dose given",
            severity="open",
            title=f"No dose is given in {_count(len(silent), 'place', 'places')}",
            detail="; ".join(silent) + ".",
            entries=tuple(t.id for t in case.treatments if any(not agent.doses for agent in t.agents)),
        )


def _toxicities(case: Case) -> Iterator[Inconsistency]:
    for toxicity in case.toxicities:
        expected = SEVERITY_GRADE.get(toxicity.severity)
        if toxicity.ctcae_grade and expected and expected != toxicity.ctcae_grade:
            yield found("grade and severity", [toxicity], expected=expected)
    ungraded = [toxicity for toxicity in case.toxicities if toxicity.ctcae_grade is None]
    if ungraded:
        names = [
            f"{t.term} ({t.severity}; CTCAE's word for grade {SEVERITY_GRADE[t.severity]})"
            if t.severity in SEVERITY_GRADE
            else t.term
            for t in ungraded
        ]
        count = _count(len(ungraded), "toxicity", "toxicities")
        yield found("toxicity without a grade", ungraded, count=count, names="; ".join(names))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _is_marrow(entry: CaseMeasurement) -> bool:
    return entry.finding.kind == "blasts" and entry.finding.material == "bone marrow"
