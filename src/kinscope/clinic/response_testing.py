"""When guidelines ask for BCR::ABL1 kinase-domain mutation testing, and whether it was done."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.clinic.measurements import Measurement, MutationFinding
from kinscope.clinic.response_criteria import TestingTrigger, testing_triggers
from kinscope.clinic.response_model import Criterion, Disease, ResponseCall, TestingDue
from kinscope.clinic.response_visits import check_one_clock, evidence_of

SAME_OCCASION_DAYS = 31
"""Calls this close ask for one test, not for two."""


def mutation_testing_due(
    calls: Sequence[ResponseCall],
    measurements: Sequence[Measurement] = (),
    disease: Disease = "ph-all",
    near_days: int = 60,
) -> tuple[TestingDue, ...]:
    """The moments at which mutation testing is due, oldest first.

    Parameters
    ----------
    calls
        Of the whole course, from :func:`kinscope.clinic.response.assess_response`.
    measurements
        Of the whole course.
    disease
        Whose guidelines apply.
    near_days
        A screening this close to a moment counts as done for it.

    Raises
    ------
    BadInputError
        If calendar dates and relative days are mixed.
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
