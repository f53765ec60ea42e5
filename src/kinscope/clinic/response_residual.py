"""Measurable residual disease by flow cytometry."""

from __future__ import annotations

from kinscope.clinic.measurements import FlowMrd
from kinscope.clinic.response_context import Findings, Situation
from kinscope.clinic.response_criteria import FlowCriteria
from kinscope.clinic.response_model import ResponseCall

ACTIVE = ("relapse", "extramedullary relapse", "refractory", "active disease")


def flow_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The flow MRD call of one evaluation, or None where none was measured."""
    rules = situation.criteria.flow
    if rules is None:
        return None
    if not situation.evaluation.flow:
        return _reported(situation, rules)
    flow = situation.evaluation.flow[-1]
    if not flow.detected:
        return _negative(situation, rules, flow)
    level = flow.level_percent
    findings = Findings(evidence=(flow,))
    if level is None:
        return situation.call(
            "MRD positive",
            "flow MRD",
            rules.positive,
            "residual disease detected by flow cytometry; no level given",
            findings.model_copy(update={"missing": ("level of residual disease",)}),
        )
    limit = flow.quantitative_limit_percent
    if limit is not None and level < limit:
        text = f"residual disease detected at {level:g} %, below the quantitative limit of {limit:g} %"
        return situation.call("MRD positive, not quantifiable", "flow MRD", rules.positive, text, findings)
    if level < rules.positive.from_percent:
        text = f"residual disease of {level:g} %, below {rules.positive.from_percent:g} %"
        return situation.call("MRD positive", "flow MRD", rules.positive, text, findings, f"{level:g} %")
    active = haematological is not None and haematological.category in ACTIVE
    if situation.history.flow_negative and not active and level >= rules.relapse.from_percent:
        text = (
            f"residual disease again: {level:g} % after a negative result, without a haematological relapse"
        )
        return situation.call("MRD relapse", "flow MRD", rules.relapse, text, findings, f"{level:g} %")
    text = f"residual disease of {level:g} %"
    return situation.call("MRD positive", "flow MRD", rules.positive, text, findings, f"{level:g} %")


def _negative(situation: Situation, rules: FlowCriteria, flow: FlowMrd) -> ResponseCall:
    needed = rules.negative.sensitivity_percent
    reached = flow.sensitivity_percent
    findings = Findings(evidence=(flow,))
    if reached is None:
        return situation.call(
            "MRD negative",
            "flow MRD",
            rules.negative,
            f"no residual disease by flow cytometry; sensitivity not stated, {needed:g} % is asked for",
            findings.model_copy(update={"missing": (f"sensitivity of the flow assay ({needed:g} %)",)}),
            "sensitivity not stated",
        )
    if reached > needed:
        return situation.call(
            "cannot be called",
            "flow MRD",
            rules.negative,
            f"not detected, but at a sensitivity of {reached:g} % only; {needed:g} % is asked for",
            findings.model_copy(update={"missing": (f"a flow assay that reaches {needed:g} %",)}),
        )
    text = f"no residual disease by flow cytometry at a sensitivity of {reached:g} %"
    return situation.call(
        "MRD negative", "flow MRD", rules.negative, text, findings, f"not detected at {reached:g} %"
    )


def _reported(situation: Situation, rules: FlowCriteria) -> ResponseCall | None:
    stated = [r for r in situation.evaluation.reported if r.category == "MRD negative"]
    if not stated:
        return None
    return situation.call(
        "MRD negative",
        "flow MRD",
        rules.negative,
        "the treating centre states MRD negative; neither method nor sensitivity is given",
        Findings(evidence=(stated[-1],), missing=("flow MRD result", "sensitivity"), basis="reported"),
        "sensitivity not stated",
    )
