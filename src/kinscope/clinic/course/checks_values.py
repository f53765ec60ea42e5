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
ELN_2020 = "Hochhaus A et al. Leukemia 2020;34:966-984 (doi:10.1038/s41375-020-0776-2)"
COUNTS = (
    ("haemoglobin_gram_per_litre", "haemoglobin", 20.0, 220.0, "g/L (1 g/dL = 10 g/L; 1 mmol/L = 16.1 g/L)"),
    ("leucocytes_giga_per_litre", "leucocytes", 0.0, 1500.0, "G/L (1,000/µL = 1 G/L)"),
    ("platelets_giga_per_litre", "platelets", 0.0, 6000.0, "G/L (1,000/µL = 1 G/L)"),
    ("neutrophils_giga_per_litre", "neutrophils", 0.0, 1500.0, "G/L (1,000/µL = 1 G/L)"),
)
"""Field, name, lowest and highest believable value, unit: beyond, the unit is the likely culprit."""
SEVERITY_GRADE = {"mild": 1, "moderate": 2, "severe": 3, "life-threatening": 4}
CTCAE = "Common Terminology Criteria for Adverse Events v5.0, US National Cancer Institute, 2017"


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
            yield found(
                "international scale and transcript",
                "contradiction",
                f"An international-scale value for {kind}",
                f"The international scale is {reason}: it is for p210 (e13a2, e14a2) only.",
                [entry],
                ELN_2020,
            )
        if level.transcript and case.transcript and level.transcript.lower() != case.transcript.lower():
            yield found(
                "transcript changed",
                "implausible",
                f"Transcript {level.transcript}, but the case has {case.transcript}",
                "A fusion keeps its breakpoint: another transcript is another assay, clone or a slip.",
                [entry],
            )


def _control_genes(case: Case) -> Iterator[Inconsistency]:
    unnamed = [
        e for e, level in _levels(case) if level.percent is not None and level.control_gene == "not stated"
    ]
    if unnamed:
        values = ", ".join(f"{e.finding.percent:g} %" for e in unnamed if e.finding.kind == "transcript")
        yield found(
            "level without its control gene",
            "open",
            f"A transcript level in per cent of an unnamed control gene ({values})",
            "Levels over ABL1, GUSB and BCR differ by their own expression; without the gene they cannot be "
            "set beside another level.",
            unnamed,
        )
    genes = {level.control_gene for _, level in _levels(case) if level.control_gene != "not stated"}
    if len(genes) > 1:
        yield found(
            "control genes mixed",
            "open",
            f"Levels over different control genes: {', '.join(sorted(genes))}",
            "They lie on different scales; a rise or fall between them is not a rise or fall of the disease.",
            [e for e, level in _levels(case) if level.control_gene in genes],
        )


def _negatives(case: Case) -> Iterator[Inconsistency]:
    bare = [
        entry
        for entry, level in _levels(case)
        if not level.detected and level.sensitivity_log is None and level.control_copies is None
    ]
    if bare:
        yield found(
            "negative without a sensitivity",
            "open",
            f"{_count(len(bare), 'negative transcript result', 'negative transcript results')} without "
            "sensitivity or control copies",
            "'Negative' means 'not detected at some depth'; without it a complete molecular remission cannot "
            "be told from a shallow sample.",
            bare,
            "Cross NCP et al. Leukemia 2015;29:999-1003",
        )


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
                    "implausible",
                    f"{blasts.percent:g} % blasts, but BCR::ABL1{gene} only {level.percent:g} %",
                    "A marrow full of Philadelphia-positive blasts gives levels of the order of tens of per "
                    "cent or more; up to 1 % goes with no Philadelphia metaphase at all (shown for CML on "
                    "the international scale). A lost decimal factor, a ratio printed as per cent, another "
                    "sample, or "
                    "blasts without the fusion would each explain it.",
                    (other, entry),
                    ELN_2020,
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
                    "implausible",
                    f"{name} {value:g} is hardly in this unit",
                    f"Expected {low:g} to {high:g} {unit}.",
                    [entry],
                )
        white, neutrophils = counts.leucocytes_giga_per_litre, counts.neutrophils_giga_per_litre
        if white is not None and neutrophils is not None and neutrophils > white:
            yield found(
                "part larger than the whole",
                "contradiction",
                f"Neutrophils {neutrophils:g} G/L among {white:g} G/L leucocytes",
                "Neutrophils are a part of the leucocytes.",
                [entry],
            )


def _mutations(result: CaseResult) -> Iterator[Inconsistency]:
    by_id = {entry.id: entry for entry in result.case.measurements}
    for variant in result.variants:
        if variant.problem:
            yield found(
                "variant that cannot be read",
                "contradiction",
                "A variant contradicts the transcript or itself",
                variant.problem,
                [by_id[variant.entry]],
            )
    negative = [
        entry
        for entry in result.case.measurements
        if entry.finding.kind == "mutation"
        and not entry.finding.detected
        and entry.finding.limit_percent is None
    ]
    if negative:
        yield found(
            "negative without a limit of detection",
            "open",
            "No mutation found, but neither coverage nor limit of detection is given",
            "Sanger sequencing misses clones below some 10 to 20 % of transcripts; 'none above x % in codons "
            "a-b' could be compared with a later finding, 'negative' cannot.",
            negative,
            "Soverini S et al. Blood 2011;118:1208-1215",
        )


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
            yield found(
                "karyotype that cannot be read", "open", "A karyotype cannot be read", str(error), [entry]
            )
            continue
        if remarks := read_karyotype(karyotype).notes:
            yield found(
                "karyotype with remarks",
                "open",
                "The karyotype leaves questions",
                "; ".join(remarks) + ".",
                [entry],
            )
        own = {clone.sex for clone in karyotype.clones if clone.sex and not clone.donor}
        other = {"female": "Y", "male": "XX"}.get(case.subject.sex)
        if other and any(other in sex for sex in own):
            yield found(
                "karyotype and sex",
                "contradiction",
                f"Karyotype with {', '.join(sorted(own))} in a {case.subject.sex} patient",
                "A sample of another person, unmarked donor cells, or a constitutional finding.",
                [entry],
            )


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
            yield found(
                "progression without a rise",
                "open",
                f"Progression is stated, but the blasts went from {before:g} % to {now:g} %",
                "By the numbers the disease did not respond; that it grew they do not show.",
                (stated, until[-1]),
            )


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
                if dose.amount < known.lowest or top > known.highest:
                    yield found(
                        "dose outside the label",
                        "implausible",
                        f"{agent.drug} {dose.text} lies outside what its label knows",
                        f"Its label runs from {known.lowest:g} to {known.highest:g} {known.unit}.",
                        [given],
                        known.source,
                    )
                elif usual and top < usual[0] and not dose.reason:
                    yield found(
                        "dose below the usual",
                        "open",
                        f"{agent.drug} {dose.text} lies below the usual {usual[0]:g} {known.unit}",
                        "No reason for the reduction is given.",
                        [given],
                        known.source,
                    )
            if known and known.most_cycles and treatment.cycles and treatment.cycles > known.most_cycles:
                yield found(
                    "more cycles than the label",
                    "implausible",
                    f"{treatment.cycles} cycles of {agent.drug}; its label ends at {known.most_cycles}",
                    "The label gives a largest number of cycles.",
                    [treatment],
                    known.source,
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
                "contradiction",
                f"{toxicity.term}: grade {toxicity.ctcae_grade}, but called {toxicity.severity}",
                f"CTCAE calls grade {expected} {toxicity.severity}.",
                [toxicity],
                CTCAE,
            )
    if ungraded:
        names = [
            f"{t.term} ({t.severity}; CTCAE's word for grade {SEVERITY_GRADE[t.severity]})"
            if t.severity in SEVERITY_GRADE
            else t.term
            for t in ungraded
        ]
        yield found(
            "toxicity without a grade",
            "open",
            f"No CTCAE grade is given for {_count(len(ungraded), 'toxicity', 'toxicities')}",
            "; ".join(names) + ". A word is shown as a word, not turned into a grade.",
            ungraded,
            CTCAE,
        )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _is_marrow(entry: CaseMeasurement) -> bool:
    return entry.finding.kind == "blasts" and entry.finding.material == "bone marrow"
