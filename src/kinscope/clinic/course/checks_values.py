"""Checks of what was measured and given: units, scales, limits, doses, grades, the karyotype's sex."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.course.result import Inconsistency, found
from kinscope.clinic.measurements import SAME_EVALUATION_DAYS
from kinscope.clinic.qpcr.levels import off_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinscope.clinic.case.model import Case, CaseMeasurement
    from kinscope.clinic.course.result import CaseResult
    from kinscope.clinic.measurements import TranscriptLevel

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


def _levels(case: Case) -> list[tuple[CaseMeasurement, TranscriptLevel]]:
    return [(entry, entry.finding) for entry in case.measurements if entry.finding.kind == "transcript"]


def _transcripts(case: Case) -> Iterator[Inconsistency]:
    for entry, level in _levels(case):
        kind = level.transcript or case.transcript
        if level.on_international_scale and (reason := off_scale(kind)):
            yield found("international scale and transcript", [entry], transcript=kind, reason=reason)
        if level.transcript and case.transcript and level.transcript.lower() != case.transcript.lower():
            yield found("transcript changed", [entry], transcript=level.transcript, of_case=case.transcript)


def _control_genes(case: Case) -> Iterator[Inconsistency]:
    unnamed = [
        e for e, level in _levels(case) if level.percent is not None and level.control_gene == "not stated"
    ]
    if unnamed:
        values = ", ".join(f"{e.finding.percent:g} %" for e in unnamed if e.finding.kind == "transcript")
        yield found("level without its control gene", unnamed, values=values)
    genes = {level.control_gene for _, level in _levels(case) if level.control_gene != "not stated"}
    if len(genes) > 1:
        named = [e for e, level in _levels(case) if level.control_gene in genes]
        yield found("control genes mixed", named, genes=", ".join(sorted(genes)))


def _negatives(case: Case) -> Iterator[Inconsistency]:
    bare = [
        entry
        for entry, level in _levels(case)
        if not level.detected and level.sensitivity_log is None and level.control_copies is None
    ]
    if bare:
        count = _count(len(bare), "negative transcript result", "negative transcript results")
        yield found("negative without a sensitivity", bare, count=count)


def _blasts_against_transcript(result: CaseResult) -> Iterator[Inconsistency]:
    case, schedule = result.case, result.schedule
    for entry, level in _levels(case):
        if level.percent is None:
            continue
        day = schedule.at(entry.id).drawn
        for other in case.measurements:
            blasts = other.finding
            near = abs(schedule.at(other.id).drawn - day) <= SAME_EVALUATION_DAYS
            if not near or not _is_marrow(other) or blasts.kind != "blasts":
                continue
            if blasts.percent >= MANY_BLASTS_PERCENT and level.percent < LITTLE_TRANSCRIPT_PERCENT:
                gene = "" if level.control_gene == "not stated" else f"/{level.control_gene}"
                yield found(
                    "blasts against transcript level",
                    (other, entry),
                    blasts=blasts.percent,
                    gene=gene,
                    level=level.percent,
                )


def _counts(case: Case) -> Iterator[Inconsistency]:
    for entry in case.measurements:
        counts = entry.finding
        if counts.kind != "counts":
            continue
        for field, name, low, high, unit in COUNTS:
            value = getattr(counts, field)
            if value is not None and not low <= value <= high:
                yield found(
                    "value outside what can be",
                    [entry],
                    name=name,
                    value=value,
                    low=low,
                    high=high,
                    unit=unit,
                )
        white, neutrophils = counts.leucocytes_giga_per_litre, counts.neutrophils_giga_per_litre
        if white is not None and neutrophils is not None and neutrophils > white:
            yield found("part larger than the whole", [entry], neutrophils=neutrophils, white=white)


def _mutations(result: CaseResult) -> Iterator[Inconsistency]:
    by_id = {entry.id: entry for entry in result.case.measurements}
    for variant in result.variants:
        if variant.problem:
            yield found("variant that cannot be read", [by_id[variant.entry]], problem=variant.problem)
    negative = [
        entry
        for entry in result.case.measurements
        if entry.finding.kind == "mutation"
        and not entry.finding.detected
        and entry.finding.limit_percent is None
    ]
    if negative:
        yield found("negative without a limit of detection", negative)


def _karyotypes(case: Case) -> Iterator[Inconsistency]:
    """What cannot be read, what the reading remarks, and sex chromosomes that are not the patient's."""
    from kinscope.clinic.karyotype.model import KaryotypeError
    from kinscope.clinic.karyotype.parse import parse_karyotype
    from kinscope.clinic.karyotype.reading import read_karyotype

    for entry in case.measurements:
        if entry.finding.kind != "karyotype":
            continue
        try:
            karyotype = parse_karyotype(entry.finding.iscn)
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
    case, schedule = result.case, result.schedule
    counted = sorted(
        ((schedule.at(m.id).drawn, m) for m in case.measurements if _is_marrow(m)), key=lambda pair: pair[0]
    )
    for stated in case.responses:
        if stated.category != "progression":
            continue
        day = schedule.at(stated.id).drawn
        until = [m for when, m in counted if when <= day + SAME_EVALUATION_DAYS]
        if len(until) < 2:
            continue
        before, now = (m.finding.percent if m.finding.kind == "blasts" else 0.0 for m in until[-2:])
        if now <= before:
            yield found("progression without a rise", (stated, until[-1]), before=before, now=now)


def _doses(case: Case) -> Iterator[Inconsistency]:
    silent = []
    for treatment in case.treatments:
        for agent in treatment.agents:
            known = find_drug(agent.drug)
            if not agent.doses:
                silent.append(f"{agent.drug} ({treatment.title})")
            for dose in agent.doses:
                if known is None or known.lowest is None or known.highest is None or dose.unit != known.unit:
                    continue
                given = treatment.model_copy(update={"source": dose.source or treatment.source})
                top, usual = dose.up_to or dose.amount, known.usual.get(case.disease)
                told = {"drug": agent.drug, "dose": dose.text, "unit": known.unit, "label": known.source}
                if dose.amount < known.lowest or top > known.highest:
                    ends = {"lowest": known.lowest, "highest": known.highest}
                    yield found("dose outside the label", [given], **told, **ends)
                elif usual and top < usual[0] and not dose.reason:
                    yield found("dose below the usual", [given], **told, usual=usual[0])
            if known and known.most_cycles and treatment.cycles and treatment.cycles > known.most_cycles:
                yield found(
                    "more cycles than the label",
                    [treatment],
                    cycles=treatment.cycles,
                    drug=agent.drug,
                    most=known.most_cycles,
                    label=known.source,
                )
    if silent:
        yield Inconsistency(
            rule="no dose given",
            severity="open",
            title=f"No dose is given in {_count(len(silent), 'place', 'places')}",
            detail="; ".join(silent) + ".",
            entries=tuple(t.id for t in case.treatments if any(not agent.doses for agent in t.agents)),
        )


def _toxicities(case: Case) -> Iterator[Inconsistency]:
    ungraded = [toxicity for toxicity in case.toxicities if toxicity.ctcae_grade is None]
    for toxicity in case.toxicities:
        expected = SEVERITY_GRADE.get(toxicity.severity)
        if toxicity.ctcae_grade and expected and expected != toxicity.ctcae_grade:
            yield found(
                "grade and severity",
                [toxicity],
                term=toxicity.term,
                grade=toxicity.ctcae_grade,
                called=toxicity.severity,
                expected=expected,
            )
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
