"""From measurements to responses, by a published set of definitions that the caller picks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinscope.clinic import response_cml, response_leukaemia
from kinscope.clinic.measurements import Measurement, TimePoint
from kinscope.clinic.response_context import Situation
from kinscope.clinic.response_criteria import CriteriaSet, available_criteria, load_criteria
from kinscope.clinic.response_history import History, history_of
from kinscope.clinic.response_model import Disease, ResponseCall
from kinscope.clinic.response_molecular import molecular_call
from kinscope.clinic.response_residual import flow_call
from kinscope.clinic.response_testing import mutation_testing_due
from kinscope.clinic.response_visits import Evaluation, check_one_clock, evaluations
from kinscope.core.errors import BadInputError

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

    Parameters
    ----------
    measurements
        Of this line, in any order. Those close in time form one evaluation (``window_days`` of the set).
    disease
        ``ph-all`` or ``cml``.
    criteria
        The identifier of a shipped set (:func:`available_criteria`), a YAML file, or a set.
    treatment_start
        First day of this line; without it refractoriness and milestones cannot be called.
    previous
        Calls of earlier lines: what has been reached can be lost.
    treatment_end
        Day on which this line was given up: disease found then is refractory, however short the line was.

    Returns
    -------
    tuple of ResponseCall
        In order of time; per evaluation haematological, flow MRD, molecular, cytogenetic, milestone.

    Raises
    ------
    BadInputError
        If the criteria are unknown or of the other disease, or calendar dates and relative days are mixed.
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
    blood = response_leukaemia if lymphoblastic else response_cml
    haematological = blood.haematological_call(situation)
    made = [
        haematological,
        flow_call(situation, haematological),
        molecular_call(situation, haematological),
        response_cml.cytogenetic_call(situation),
        *response_cml.milestone_calls(situation),
    ]
    return [call for call in made if call is not None]


def _remember(history: History, evaluation: Evaluation) -> History:
    """Keep the lowest transcript level of this line; zero says nothing about a later factor of rise."""
    levels = [t.percent for t in evaluation.transcripts if t.percent]
    if not levels:
        return history
    lowest = min([*levels, *([history.lowest_percent] if history.lowest_percent else [])])
    return history.model_copy(update={"lowest_percent": lowest})
