"""What in a case cannot be, is hard to believe, or is left open where it matters.

Every rule is general: it knows nothing of any one case. What it finds is listed; nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kinscope.clinic.case.model import Case, CaseMeasurement, Entry, StatedResponse, Treatment
from kinscope.clinic.case.schedule import (
    DAYS_PER_UNIT,
    SaidTime,
    Schedule,
    TimeConflict,
    parse_date,
    span_text,
)
from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.course.result import CaseResult, Comparison, Inconsistency, found
from kinscope.clinic.karyotype.model import KaryotypeError
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import read_karyotype
from kinscope.clinic.measurements import SAME_EVALUATION_DAYS
from kinscope.clinic.qpcr.levels import off_scale
from kinscope.clinic.response.visits import statement_of

LONGEST_UNTREATED_DAYS = 90
"""An overt relapse of acute leukaemia is treated within days to weeks; three months is generous."""
RELAPSES = frozenset({"relapse", "extramedullary relapse", "refractory"})
ORDER = {"contradiction": 0, "implausible": 1, "open": 2}


def check_case(result: CaseResult) -> tuple[Inconsistency, ...]:
    """Everything the general checks find, gravest first, then by time."""
    case, schedule = result.case, result.schedule
    found = [
        *_time_conflicts(case, schedule),
        *_untreated(result),
        *_treatments(case, schedule),
        *_stated(result),
        *_after_death(case, schedule),
        *_transcripts(case),
        *_control_genes(case),
        *_negatives(case),
        *_below_limit(case),
        *_blasts_against_transcript(result),
        *_counts(case),
        *_mutations(result),
        *_karyotypes(case),
        *_progression(result),
        *_doses(case),
        *_toxicities(case),
    ]
    return tuple(sorted(found, key=lambda item: (ORDER[item.severity], _day(item, schedule))))


def _day(item: Inconsistency, schedule: Schedule) -> int:
    days = [schedule.at(entry).drawn for entry in item.entries if schedule.has(entry)]
    return min(days, default=0)


def name_of(case: Case, entry: str) -> str:
    """An entry as a reader knows it: ``blasts 89 %``, ``Imatinib alone``, ``stated CMR``."""
    base, _, part = entry.partition(".")
    own = next((own for own in case.entries() if own.id == base), None)
    if isinstance(own, Treatment):
        tail = {"": "start of ", "stop": "end of "}.get(part, f"dose {part.removeprefix('dose')} of ")
        return f"{tail}{own.title}"
    if isinstance(own, CaseMeasurement):
        return statement_of(own.finding)
    if isinstance(own, StatedResponse):
        return f"stated {own.category}"
    return str(getattr(own, "label", getattr(own, "term", entry)))


def _time_conflicts(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    for conflict in schedule.conflicts:
        entry = conflict.statement.entry
        others = tuple(dict.fromkeys(said.entry for said in conflict.against))
        sources = [conflict.statement.source, *(said.source for said in conflict.against)]
        yield Inconsistency(
            rule="times that cannot all be true",
            severity="open" if conflict.open_reading else "contradiction",
            title=_conflict_title(case, conflict),
            detail=_conflict_detail(case, conflict, schedule),
            entries=tuple(dict.fromkeys((entry, *others))),
            sources=tuple(dict.fromkeys(source for source in sources if source)),
        )


def _conflict_title(case: Case, conflict: TimeConflict) -> str:
    apart = f"at least {span_text(conflict.gap_days)}"
    name = name_of(case, conflict.statement.entry)
    if conflict.open_reading:
        return (
            f"{name}: what the interval is counted from decides whether it can hold ({apart} apart otherwise)"
        )
    if conflict.statement.text.startswith("at least "):
        began = name_of(case, conflict.counted_from)
        return f"{began}: the time it is stated to have lasted does not fit before {name} ({apart} too long)"
    return f"{name}: the times stated for it are {apart} apart"


def _conflict_detail(case: Case, conflict: TimeConflict, schedule: Schedule) -> str:
    said = conflict.statement
    if said.text.startswith("at least "):
        lasted = said.text.removeprefix("at least ").split(" after ")[0]
        began, ended = name_of(case, conflict.counted_from), name_of(case, said.entry)
        text = f"{_source(said)} lets {began} last {lasted}, and nothing was seen after {ended}. "
    else:
        text = f"{_source(said)} puts {name_of(case, said.entry)} {_in_words(case, said, schedule)}. "
    against = "; ".join(
        f"{_source(other)} puts {name_of(case, other.entry)} {_in_words(case, other, schedule)}"
        for other in conflict.against
    )
    text += f"That cannot be true together with: {against}. " if against else ""
    text += _allowed(case, conflict, schedule)
    if conflict.would_hold_from:
        names = " or ".join(
            f"{name_of(case, entry)} ({schedule.window(entry)})" for entry in conflict.would_hold_from
        )
        text += f" Counted from {names} it would hold."
    return text


def _allowed(case: Case, conflict: TimeConflict, schedule: Schedule) -> str:
    low, high = conflict.allowed_low_days, conflict.allowed_high_days
    if conflict.counted_from == "the calendar":
        first = schedule.label(low) if low is not None else "any time"
        last = schedule.label(high) if high is not None else "any time"
        return f"The other statements allow {first} to {last}."
    least = "nothing" if low is None else span_text(max(low, 0.0))
    most = "any time" if high is None else span_text(high)
    return f"The other statements allow {least} to {most} after {name_of(case, conflict.counted_from)}."


def _source(said: SaidTime) -> str:
    return f"‘{said.source}’" if said.source else "The case"


def _in_words(case: Case, said: SaidTime, schedule: Schedule) -> str:
    """The statement with names of entries instead of their ids."""
    words = [name_of(case, word) if schedule.has(word) else word for word in said.text.split(" ")]
    return " ".join(words if words[0] in ("at", "after", "before") else ["at", *words])


def _untreated(result: CaseResult) -> Iterator[Inconsistency]:
    """A relapse, and the next line of therapy only months later."""
    case, schedule = result.case, result.schedule
    starts = {line.line: line.start.days for line in result.lines if line.start}
    for line in result.lines:
        active = [call for call in line.calls if call.category in RELAPSES]
        after = [(day, number) for number, day in starts.items() if number > line.line]
        if not active or not after:
            continue
        first = min(active, key=lambda call: call.at.days)
        here = [m for m in case.measurements if schedule.at(m.id).drawn == first.at.days]
        evidence = sorted(here, key=lambda m: m.finding.kind != "blasts")[:1]  # what the call rests on
        members = [treatment for treatment in case.treatments if treatment.line == min(after)[1]]
        following = min(members, key=lambda member: schedule.at(member.id).drawn)
        last = max((schedule.at(entry.id).latest for entry in evidence), default=first.at.days)
        low = schedule.at(following.id).earliest - last
        if low <= LONGEST_UNTREATED_DAYS:
            continue
        when = schedule.window(evidence[0].id) if evidence else first.at.label()
        yield found(
            "relapse left untreated",
            (*evidence, following),
            gap=span_text(low),
            call=first,
            statement=f"{first.statement[:1].upper()}{first.statement[1:]}",
            when=when,
            following=following,
            window=schedule.window(following.id),
        )


def _treatments(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    """Ends that were not stated, and lines that run into each other."""
    lines = sorted({treatment.line for treatment in case.treatments})
    unknown = [
        treatment
        for treatment in case.treatments
        if not treatment.stop and any(line > treatment.line for line in lines)
    ]
    if unknown:
        titles = ", ".join(treatment.title for treatment in unknown)
        yield found("end of treatment not stated", unknown, treatments=titles)
    for treatment in case.treatments:
        if not treatment.stop:
            continue
        for other in case.treatments:
            if other.line <= treatment.line:
                continue
            overlap = schedule.at(f"{treatment.id}.stop").earliest - schedule.at(other.id).latest
            if overlap > 0:
                ends = {"end": schedule.window(f"{treatment.id}.stop"), "begin": schedule.window(other.id)}
                yield found(
                    "lines of therapy overlap", (treatment, other), overlap=span_text(overlap), **ends
                )


def _stated(result: CaseResult) -> Iterator[Inconsistency]:
    """Stated responses that the measurements contradict or cannot confirm; equal ones together."""
    groups: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for comparison in result.comparisons:
        if comparison.agreement not in ("agrees", "not computable"):
            key = (comparison.stated, comparison.computed, comparison.agreement, comparison.reason)
            groups.setdefault(key, []).append(comparison)
    for (stated, computed, agreement, reason), group in groups.items():
        times = f" ({len(group)} times)" if len(group) > 1 else ""
        differs = agreement == "differs"
        yield Inconsistency(
            rule="response stated against measured",
            severity="contradiction" if differs else "open",
            title=f"Stated {stated}{times}, but the measurements give {computed}"
            if differs
            else f"Stated {stated}{times}; the measurements carry only {computed}",
            detail=f"{reason[:1].upper()}{reason[1:]}.",
            entries=tuple(comparison.entry for comparison in group),
            sources=tuple(dict.fromkeys(c.source for c in group if c.source)),
        )


def _after_death(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    deaths = [event.id for event in case.events if event.kind == "death"]
    deaths += [toxicity.id for toxicity in case.toxicities if toxicity.ctcae_grade == 5]
    last = min((schedule.at(name).latest for name in deaths), default=None)
    if last is None:
        return
    clinical: tuple[Entry, ...] = (*case.treatments, *case.measurements, *case.responses)
    late = [entry for entry in clinical if schedule.at(entry.id).earliest > last]
    if late:
        told = "; ".join(f"{name_of(case, entry.id)}, {schedule.window(entry.id)}" for entry in late[:6])
        yield found("entries after death", late, count=len(late), late=told)


def check_age(case: Case, schedule: Schedule) -> tuple[Inconsistency, ...]:
    """An age that the birth date contradicts; for the case as read, which still has the birth date.

    Nothing of the birth date but the age enters the finding, and no entry is named.
    """
    subject = case.subject
    if not subject.birth_date or subject.age_years is None or schedule.clock != "calendar":
        return ()
    first, last = parse_date(subject.birth_date)
    place, year = schedule.onset(case), DAYS_PER_UNIT["y"]
    lowest, highest = (place.earliest - last) / year, (place.latest - first) / year
    if lowest - 1 < subject.age_years < highest + 1:
        return ()
    ages = {"stated": subject.age_years, "lowest": int(lowest), "highest": int(highest)}
    return (found("age and birth date", (), **ages),)


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


def _below_limit(case: Case) -> Iterator[Inconsistency]:
    for kind, value, limit in (
        ("flow-mrd", "level_percent", "sensitivity_percent"),
        ("mutation", "share_percent", "limit_percent"),
    ):
        for entry, one in _of_kind(case, kind):
            level, least = getattr(one, value), getattr(one, limit)
            if level and least and level < least:
                yield found("detected below its own limit", [entry], level=level, least=least)


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
