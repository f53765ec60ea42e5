"""From a case as entered to its course: times, lines, computed responses, variants, inconsistencies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinscope import __version__
from kinscope.clinic.case.model import Case, StatedResponse
from kinscope.clinic.case.schedule import Schedule
from kinscope.clinic.case.terms import as_given, of_target
from kinscope.clinic.case.timing import schedule_case
from kinscope.clinic.course.checks import check_age, check_case
from kinscope.clinic.course.result import CaseResult, Comparison, LineCalls, VariantFound
from kinscope.clinic.measurements import Measurement, ReportedResponse
from kinscope.clinic.privacy import pseudonym as privacy
from kinscope.clinic.privacy.redaction import redacted
from kinscope.clinic.response.assess import Line, assess_line, mutation_testing_due
from kinscope.clinic.response.context import AT_LEAST, REMISSIONS, count_in
from kinscope.clinic.response.criteria import CriteriaSet, criteria_for
from kinscope.clinic.response.model import ResponseCall
from kinscope.core.errors import BadInputError, VariantError
from kinscope.core.plain_yaml import read_yaml
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant

DEFAULT_CRITERIA = {"ph-all": "eln-all-2024", "cml": "eln-cml-2020"}
MEANS: dict[str, dict[str, Any]] = read_yaml(Path(__file__).parent / "stated.yaml")
"""By stated category the axis it speaks of, the computed ones that say the same, and those nearly."""


def study_case(
    case: Case,
    pack: TargetPack,
    *,
    criteria: str = "",
    salt: bytes | None = None,
    redact: bool = False,
    relative_dates: bool = False,
) -> CaseResult:
    """Compute the course of a case.

    Responses are computed from the measurements alone; what the treating centre stated is compared with
    them afterwards and never enters.

    ``case``, ``pack``: as read, and the target whose variants are read. The case's name, numbers, birth date
    and institution are taken out before anything is computed. ``criteria``: a set of response definitions or
    the path of one; by default ELN 2024 for ALL, ELN 2020 for CML. ``salt``: the laboratory's secret for
    stable pseudonyms; without it the patient is ``P1``. ``redact``, ``relative_dates``: leave out every free
    text too (implies relative dates); give times as days from the diagnosis.

    Raises BadInputError if the case has no usable time, or the criteria are unknown or of another disease.
    """
    rules = _rules(case, criteria)
    age_findings = check_age(case, schedule_case(case))
    pseudonym = privacy.pseudonym_of(case, salt)
    case = _without_names(case, pseudonym, pack, redact=redact, relative_dates=relative_dates)
    schedule = schedule_case(case)
    findings = [finding for _, finding in placed_findings(case, schedule)]
    lines = _lines(case, schedule, findings, rules)
    with_stated = _lines(case, schedule, [*findings, *_stated_remissions(case, schedule)], rules)
    calls = [call for line in lines for call in line.calls]
    result = CaseResult(
        kinscope_version=__version__,
        pseudonym=pseudonym,
        redacted=redact,
        criteria=rules.id if rules else "none",
        criteria_title=rules.title if rules else "no response is computed in this disease",
        criteria_citation=rules.citation if rules else "definitions are for Ph+ ALL and CML",
        case=case,
        schedule=schedule,
        lines=lines,
        lines_with_statements=with_stated if case.responses else (),
        comparisons=tuple(_compare(one, schedule, calls, rules) for one in case.responses),
        testing=() if case.disease == "other" else mutation_testing_due(calls, findings, case.disease),
        variants=_variants(case, schedule, pack),
        inconsistencies=(),
    )
    return result.model_copy(update={"inconsistencies": (*age_findings, *check_case(result))})


def _rules(case: Case, criteria: str) -> CriteriaSet | None:
    """The definitions of response; None in a disease that has none here."""
    if case.disease != "other":
        return criteria_for(case.disease, criteria or DEFAULT_CRITERIA[case.disease])
    if criteria:
        raise BadInputError(
            "Definitions of response are for Ph+ ALL and CML, and this case is of another disease.",
            where="--criteria",
            remedy="Leave it out, or give the case the disease 'ph-all' or 'cml'.",
        )
    return None


def _without_names(
    case: Case, pseudonym: str, pack: TargetPack, *, redact: bool, relative_dates: bool
) -> Case:
    case = privacy.pseudonymised(case, pseudonym, privacy.age_at(case, schedule_case(case)))
    if redact:
        return redacted(case, schedule_case(case), pack)
    if relative_dates:
        return privacy.with_relative_days(case, schedule_case(case))
    return case


def placed_findings(case: Case, schedule: Schedule) -> list[tuple[str, Measurement]]:
    """Every measurement with its id, dated on the schedule's clock, oldest first."""
    placed: list[tuple[str, Measurement]] = []
    for entry in case.measurements:
        update: dict[str, Any] = {"at": schedule.point(entry.id)}
        if entry.finding.kind == "transcript" and not entry.finding.transcript:
            update["transcript"] = case.transcript
        placed.append((entry.id, entry.finding.model_copy(update=update)))
    return sorted(placed, key=lambda pair: pair[1].at.days)


def line_starts(case: Case, schedule: Schedule) -> dict[int, int]:
    """First drawn day of each line of therapy, by its number."""
    starts: dict[int, int] = {}
    for treatment in case.treatments:
        day = schedule.at(treatment.id).drawn
        starts[treatment.line] = min(day, starts.get(treatment.line, day))
    return dict(sorted(starts.items()))


def _lines(
    case: Case, schedule: Schedule, findings: Sequence[Measurement], criteria: CriteriaSet | None
) -> tuple[LineCalls, ...]:
    """Calls line by line. A measurement belongs to the last line begun before its day."""
    starts = line_starts(case, schedule)
    numbers = list(starts) or [1]
    _check_order(starts, case)
    groups: dict[int, list[Measurement]] = {number: [] for number in numbers}
    for finding in findings:
        begun = [number for number in numbers if number in starts and starts[number] < finding.at.days]
        groups[begun[-1] if begun else numbers[0]].append(finding)
    lines: list[LineCalls] = []
    previous: list[ResponseCall] = []
    for number in numbers:
        members = [treatment for treatment in case.treatments if treatment.line == number]
        first = min(members, key=lambda member: schedule.at(member.id).drawn, default=None)
        start = schedule.point(first.id) if first else None
        ends = [schedule.point(f"{member.id}.stop") for member in members if member.stop]
        end = max(ends, key=lambda point: point.days) if ends and len(ends) == len(members) else None
        calls: tuple[ResponseCall, ...] = ()
        if criteria is not None:
            line = Line(number=numbers.index(number) + 1, start=start, end=end, previous=tuple(previous))
            calls = assess_line(groups[number], criteria, line)
        previous += calls
        titles = list(dict.fromkeys(member.title for member in members)) or ["no treatment entered"]
        lines.append(LineCalls(line=number, title=titles[0], last_title=titles[-1], start=start, calls=calls))
    return tuple(lines)


def _stated_remissions(case: Case, schedule: Schedule) -> list[Measurement]:
    """What the centre called a remission, as something that may stand in for counts that were not given."""
    return [
        ReportedResponse(at=schedule.point(stated.id), category=stated.category)
        for stated in case.responses
        if stated.category in REMISSIONS
    ]


def _check_order(starts: dict[int, int], case: Case) -> None:
    days = list(starts.values())
    if days != sorted(days):
        raise BadInputError(
            "A later line of therapy begins before an earlier one.",
            where=", ".join(f"{case.place_of(entry.id)} (line {entry.line})" for entry in case.treatments),
            remedy="Number the lines in the order in which they began.",
        )


def _compare(
    stated: StatedResponse, schedule: Schedule, calls: Sequence[ResponseCall], rules: CriteriaSet | None
) -> Comparison:
    means = MEANS[stated.category]
    at = schedule.point(stated.id)
    window_days = rules.window_days if rules else 0
    near = [c for c in calls if c.axis == means["axis"] and abs(c.at.days - at.days) <= window_days]
    label = f"{_ordinal_text(stated.ordinal)}{stated.category}"
    call = min(near, key=lambda c: abs(c.at.days - at.days), default=None)
    common = {"entry": stated.id, "stated": label, "at": at, "source": stated.source}
    if call is None or call.category == "cannot be called":
        reason = (
            call.statement
            if call
            else f"nothing was measured then that speaks of the {means['axis']} response"
        )
        computed = "cannot be called" if call else "–"
        return Comparison(**common, computed=computed, agreement="not computable", reason=reason)
    count = count_in(call.level)
    least = "at least " if call.level == AT_LEAST else ""
    computed = f"{least}{_ordinal_text(count)}{call.category}"
    if call.category in means["same"]:
        if stated.ordinal and count and stated.ordinal != count:
            reason = f"the measurements make it number {count}, not number {stated.ordinal}"
            return Comparison(**common, computed=computed, agreement="agrees in part", reason=reason)
        return Comparison(**common, computed=computed, agreement="agrees", reason=call.statement)
    agreement = "agrees in part" if call.category in means["nearly"] else "differs"
    missing = f"; missing: {', '.join(call.missing)}" if call.missing else ""
    return Comparison(**common, computed=computed, agreement=agreement, reason=call.statement + missing)


def _ordinal_text(number: int | None) -> str:
    if not number:
        return ""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number if number < 20 else 0, "th")
    return f"{number}{suffix} "


def _variants(case: Case, schedule: Schedule, pack: TargetPack) -> tuple[VariantFound, ...]:
    """Every variant found, read and checked against the transcript, oldest first."""
    found = []
    for entry in case.measurements:
        finding = entry.finding
        if finding.kind != "mutation" or not finding.detected:
            continue
        where: dict[str, Any] = {"entry": entry.id, "at": schedule.point(entry.id)}
        try:
            if not of_target(finding.gene, pack):
                raise VariantError(f"This is a variant of another gene than {pack.gene}.")
            variant = parse_variant(finding.expression, pack)
        except VariantError as error:
            found.append(VariantFound(**where, expression=finding.expression, problem=error.what))
            continue
        given, text = as_given(variant)
        found.append(
            VariantFound(
                **where,
                expression=text,
                short=variant.short,
                hgvs_c="; ".join(given),
                hgvs_p=variant.hgvs_p,
                command=f'kinscope assess "{text}"',
                notes=variant.notes,
            )
        )
    return tuple(sorted(found, key=lambda item: item.at.days))
