"""From measurements to responses by a published set of definitions, and when mutation testing was due."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.clinic.measurements import (
    KaryotypeFinding,
    Measurement,
    MutationFinding,
    TimePoint,
    TranscriptLevel,
)
from kinscope.clinic.response import cml, leukaemia
from kinscope.clinic.response.context import History, Situation
from kinscope.clinic.response.criteria import CriteriaSet, TestingTrigger, testing_rules
from kinscope.clinic.response.leukaemia import flow_call
from kinscope.clinic.response.model import Criterion, Disease, ResponseCall, TestingDue
from kinscope.clinic.response.molecular import molecular_call
from kinscope.clinic.response.visits import check_one_clock, evaluations, evidence_of
from kinscope.core.records import Record

SAME_OCCASION_DAYS = 31
"""Calls this close ask for one test by the same trigger, not for two."""


def mutation_testing_due(
    calls: Sequence[ResponseCall], measurements: Sequence[Measurement] = (), disease: Disease = "ph-all"
) -> tuple[TestingDue, ...]:
    """The moments at which mutation testing is due by each trigger, oldest first.

    Calls (:func:`assess_line`) and measurements are of the whole course; a screening counts as done for a
    moment from ``days_before`` it to ``days_after`` it, as the rules of testing state.

    Raises BadInputError if calendar dates and relative days are mixed.
    """
    screenings = [m for m in measurements if isinstance(m, MutationFinding)]
    check_one_clock([*(call.at for call in calls), *(m.at for m in screenings)])
    latest: dict[str, int] = {}
    moments: list[tuple[ResponseCall, TestingTrigger]] = []
    for call in sorted(calls, key=lambda c: c.at.days):
        for trigger in testing_rules().triggers:
            asked = trigger.disease == disease and call.category in trigger.categories
            spared = {c.at.days for c in calls if c.criterion.id in trigger.not_for}
            if (
                asked
                and call.at.days not in spared
                and call.at.days - latest.get(trigger.id, -99_999) > SAME_OCCASION_DAYS
            ):
                latest[trigger.id] = call.at.days
                moments.append((call, trigger))
    return tuple(_due(call, trigger, screenings) for call, trigger in moments)


def _due(call: ResponseCall, trigger: TestingTrigger, screenings: Sequence[MutationFinding]) -> TestingDue:
    rules = testing_rules()
    near = [m for m in screenings if -rules.days_before <= m.at.days - call.at.days <= rules.days_after]
    cited = trigger.model_dump(include={"id", "text", "citation", "identifier", "line", "standing"})
    return TestingDue(
        at=call.at,
        reason=call.statement,
        criterion=Criterion(criteria_set="mutation-testing", **cited),
        done=tuple(evidence_of(m) for m in near),
        days_before=rules.days_before,
        days_after=rules.days_after,
    )


class Line(Record):
    """One line of treatment, its first day, the day it was given up, and the calls of earlier lines."""

    number: int = 1
    start: TimePoint | None = None
    end: TimePoint | None = None
    previous: tuple[ResponseCall, ...] = ()


def assess_line(
    measurements: Sequence[Measurement], criteria: CriteriaSet, line: Line
) -> tuple[ResponseCall, ...]:
    """Call the response at each evaluation of one line of treatment, oldest first.

    ``measurements``: of this line, in any order. Those close in time form one evaluation (``window_days`` of
    the set). ``line``: without its start refractoriness and milestones cannot be called; what earlier calls
    reached can be lost; disease on the day it was given up is refractory, however short it was; after that
    CML is in treatment-free remission, or not. Per evaluation the calls are in the order of the axes.

    Raises BadInputError if calendar dates and relative days are mixed.
    """
    bounds = [point for point in (line.start, line.end) if point is not None]
    check_one_clock([*(m.at for m in measurements), *bounds, *(call.at for call in line.previous)])
    history = History().after(sorted(line.previous, key=lambda call: call.at.days))
    calls: list[ResponseCall] = []
    for evaluation in evaluations(measurements, criteria.window_days):
        situation = Situation(
            evaluation=evaluation,
            criteria=criteria,
            history=history,
            line=line.number,
            treatment_start=line.start,
            treatment_end=line.end,
        )
        made = _calls(situation)
        history = _remember(history.after(made), situation, made)
        calls += made
    return tuple(calls)


def _calls(situation: Situation) -> list[ResponseCall]:
    blood = leukaemia if situation.criteria.disease == "ph-all" else cml
    haematological = blood.haematological_call(situation)
    found = [
        haematological,
        flow_call(situation, haematological),
        molecular_call(situation, haematological),
        cml.cytogenetic_call(situation),
    ]
    made = [call for call in found if call is not None]
    return [*made, *cml.milestone_calls(situation, made)]


def _remember(history: History, situation: Situation, made: Sequence[ResponseCall]) -> History:
    """What the calls alone do not keep, of this line only.

    The lowest transcript level (zero says nothing about a later factor of rise), the first warning that a
    rule lets a later test confirm, an unconfirmed loss of MMR, and the changes seen before treatment.
    """
    evaluation, criteria = situation.evaluation, situation.criteria
    levels = [t.percent for t in evaluation.of(TranscriptLevel) if t.percent]
    lowest = min([*levels, *([history.lowest_percent] if history.lowest_percent else [])], default=None)
    updates: dict[str, object] = {"lowest_percent": lowest}
    confirmable = {rule.id for rule in criteria.milestones_of(situation.line) if rule.confirm_from_days}
    for call in made:
        if call.criterion.id in confirmable and (call.category == "optimal" or history.warned_day is None):
            updates["warned_day"] = evaluation.at.days if call.category == "warning" else None
        if call.category == "loss of MMR" or (call.category == "no MMR" and history.lost_major):
            first = history.lost_major[0] if history.lost_major else evaluation.at.days
            updates["lost_major"] = (first, max(levels, default=0.0))
    if situation.before_treatment:
        read = [cml.read_iscn(finding) for finding in evaluation.of(KaryotypeFinding)]
        found = [name for one in read if one for names in cml.changes_of(one).values() for name in names]
        updates["known"] = history.known | set(map(cml.known_as, found))
    return history.model_copy(update=updates)
