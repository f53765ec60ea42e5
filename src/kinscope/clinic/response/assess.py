"""From measurements to responses by a published set of definitions, and when mutation testing was due."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinscope.clinic.measurements import Measurement, MutationFinding, TimePoint
from kinscope.clinic.response import cml, leukaemia
from kinscope.clinic.response.context import History, Situation, history_of
from kinscope.clinic.response.criteria import (
    CriteriaSet,
    TestingTrigger,
    available_criteria,
    load_criteria,
    testing_triggers,
)
from kinscope.clinic.response.leukaemia import flow_call
from kinscope.clinic.response.model import Criterion, Disease, ResponseCall, TestingDue
from kinscope.clinic.response.molecular import molecular_call
from kinscope.clinic.response.visits import Evaluation, check_one_clock, evaluations, evidence_of
from kinscope.core.errors import BadInputError

SAME_OCCASION_DAYS = 31
"""Calls this close ask for one test, not for two."""


def mutation_testing_due(
    calls: Sequence[ResponseCall],
    measurements: Sequence[Measurement] = (),
    disease: Disease = "ph-all",
    near_days: int = 60,
) -> tuple[TestingDue, ...]:
    """The moments at which mutation testing is due, oldest first.

    Calls (:func:`assess_response`) and measurements are of the whole course; a screening within
    ``near_days`` of a moment counts as done for it.

    Raises BadInputError if calendar dates and relative days are mixed.
    """
    screenings = [m for m in measurements if isinstance(m, MutationFinding)]
    check_one_clock([*(call.at for call in calls), *(m.at for m in screenings)])
    moments: list[tuple[ResponseCall, TestingTrigger]] = []
    for call in sorted(calls, key=lambda c: c.at.days):
        trigger = _trigger(call, disease)
        if trigger is None:
            continue
        if moments and call.at.days - moments[-1][0].at.days <= SAME_OCCASION_DAYS:
            continue
        moments.append((call, trigger))
    return tuple(_due(call, trigger, screenings, near_days) for call, trigger in moments)


def _trigger(call: ResponseCall, disease: Disease) -> TestingTrigger | None:
    for trigger in testing_triggers():
        if trigger.disease == disease and call.category in trigger.categories:
            return trigger
    return None


def _due(
    call: ResponseCall, trigger: TestingTrigger, screenings: Sequence[MutationFinding], near_days: int
) -> TestingDue:
    near = [m for m in screenings if abs(m.at.days - call.at.days) <= near_days]
    return TestingDue(
        at=call.at,
        reason=call.statement,
        criterion=Criterion(
            id=trigger.id,
            criteria_set="mutation-testing",
            text=trigger.text,
            citation=trigger.citation,
            identifier=trigger.identifier,
            standing=trigger.standing,
        ),
        done=tuple(evidence_of(m) for m in near),
    )


__all__ = [
    "CriteriaSet",
    "Evaluation",
    "assess_response",
    "available_criteria",
    "evaluations",
    "load_criteria",
    "mutation_testing_due",
]


def assess_response(
    measurements: Sequence[Measurement],
    disease: Disease,
    criteria: str | Path | CriteriaSet,
    treatment_start: TimePoint | None = None,
    previous: Sequence[ResponseCall] = (),
    treatment_end: TimePoint | None = None,
) -> tuple[ResponseCall, ...]:
    """Call the response at each evaluation of one line of treatment, oldest first.

    ``measurements``: of this line, in any order. Those close in time form one evaluation (``window_days`` of
    the set). ``disease``: ``ph-all`` or ``cml``. ``criteria``: the identifier of a shipped set
    (:func:`available_criteria`), a YAML file, or a set. ``treatment_start``: first day of this line; without
    it refractoriness and milestones cannot be called. ``previous``: calls of earlier lines: what has been
    reached can be lost. ``treatment_end``: day on which this line was given up: disease found then is
    refractory, however short the line was.

    Returns
    -------
    tuple of ResponseCall
        In order of time; per evaluation haematological, flow MRD, molecular, cytogenetic, milestone.

    Raises BadInputError if the criteria are unknown or of the other disease, or calendar dates and relative
    days are mixed.
    """
    chosen = criteria if isinstance(criteria, CriteriaSet) else load_criteria(criteria)
    if chosen.disease != disease:
        raise BadInputError(
            f"The criteria {chosen.id} are for {chosen.disease}, not for {disease}.",
            where="criteria",
            remedy="Choose from: " + ", ".join(s.id for s in available_criteria() if s.disease == disease),
        )
    bounds = [point for point in (treatment_start, treatment_end) if point is not None]
    check_one_clock([*(m.at for m in measurements), *bounds, *(call.at for call in previous)])
    history = history_of(previous)
    calls: list[ResponseCall] = []
    for evaluation in evaluations(measurements, chosen.window_days):
        situation = Situation(
            evaluation=evaluation,
            criteria=chosen,
            history=history,
            treatment_start=treatment_start,
            treatment_end=treatment_end,
        )
        made = _calls(situation)
        history = _remember(history.after(made), evaluation)
        calls += made
    return tuple(calls)


def _calls(situation: Situation) -> list[ResponseCall]:
    lymphoblastic = situation.criteria.disease == "ph-all"
    blood = leukaemia if lymphoblastic else cml
    haematological = blood.haematological_call(situation)
    made = [
        haematological,
        flow_call(situation, haematological),
        molecular_call(situation, haematological),
        cml.cytogenetic_call(situation),
        *cml.milestone_calls(situation),
    ]
    return [call for call in made if call is not None]


def _remember(history: History, evaluation: Evaluation) -> History:
    """Keep the lowest transcript level of this line; zero says nothing about a later factor of rise."""
    levels = [t.percent for t in evaluation.transcripts if t.percent]
    if not levels:
        return history
    lowest = min([*levels, *([history.lowest_percent] if history.lowest_percent else [])])
    return history.model_copy(update={"lowest_percent": lowest})
