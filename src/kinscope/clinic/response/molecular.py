"""Molecular response from transcript levels: Ph+ ALL (no international scale) and CML (on it)."""

from __future__ import annotations

import math

from kinscope.clinic.measurements import TranscriptLevel
from kinscope.clinic.qpcr.levels import DEEP_LEVELS, deepest_by_level, deepest_by_log, depth_of, off_scale
from kinscope.clinic.response.context import ACTIVE, DEEP_LOST, Findings, Situation, ordinal
from kinscope.clinic.response.criteria import CmlMolecularCriteria, LeukaemiaMolecularCriteria
from kinscope.clinic.response.model import Category, ResponseCall
from kinscope.clinic.response.visits import statement_of

LEAST_LOG = 3.0
"""A sample with fewer than 1,000 control transcripts cannot tell 0.1 %: one in so many is more."""


def molecular_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The molecular call of one evaluation, or None where no transcript level bears on it."""
    rules = situation.criteria.molecular
    found = decisive_level(situation)
    if found is None:
        return _reported(situation)
    level, findings = found
    if isinstance(rules, CmlMolecularCriteria):
        return _cml(situation, rules, level, findings)
    return _lymphoblastic(situation, rules, level, findings, haematological)


def decisive_level(situation: Situation) -> tuple[TranscriptLevel, Findings] | None:
    """The level that decides an evaluation, and all of its levels as evidence.

    A positive result decides before a negative one, the higher of two before the lower, whatever their
    material; of two negative ones that of the material which the rules name, then the deeper.
    """

    def weight(level: TranscriptLevel) -> tuple[bool, bool, float]:
        if level.detected:
            return True, level.percent is not None and not unusable(situation, level), level.percent or 0.0
        return False, in_compartment(situation, level), depth_log_of(level) or -1.0

    levels = situation.evaluation.transcripts
    if not levels:
        return None
    chosen = max(levels, key=weight)
    notes = _level_notes(chosen)
    if others := [statement_of(level) for level in levels if level is not chosen]:
        notes = (*notes, f"decided by: {statement_of(chosen)}; measured too: {', '.join(others)}")
    return chosen, Findings(evidence=levels, notes=notes)


def in_compartment(situation: Situation, level: TranscriptLevel) -> bool:
    """Whether a level is of the material that the rules name, or of one that is not stated."""
    return level.material in (situation.criteria.molecular.compartment, "not stated")


def unusable(situation: Situation, level: TranscriptLevel) -> str:
    """Why a level cannot be set against the rules' thresholds; empty where it can."""
    if level.on_international_scale:
        reason = off_scale(level.transcript)
        return f"said to be on the international scale, which is {reason}" if reason else ""
    on_scale = isinstance(situation.criteria.molecular, CmlMolecularCriteria)
    return "not on the international scale, on which the levels are defined" if on_scale else ""


def _lymphoblastic(
    situation: Situation,
    rules: LeukaemiaMolecularCriteria,
    level: TranscriptLevel,
    findings: Findings,
    haematological: ResponseCall | None,
) -> ResponseCall | None:
    active = haematological is not None and haematological.category in ACTIVE
    if not level.detected:
        return _undetected(situation, rules, level, findings, active=active)
    percent = level.percent
    if percent is None:
        lost = situation.history.complete_molecular and active
        category: Category = "loss of CMR" if lost else "MRD positive"
        lacking = findings.lacking("transcript level")
        text = "transcripts detected; no level given"
        return situation.call(category, "molecular", rules.relapse if lost else rules.complete, text, lacking)
    if reason := unusable(situation, level):
        lacking = findings.lacking("a level as a ratio to the control gene")
        text = f"{percent:g} % is {reason}"
        return situation.call("cannot be called", "molecular", rules.major, text, lacking)
    if situation.history.complete_molecular and percent >= rules.relapse.from_percent:
        return _lost(situation, rules, percent, findings, active)
    call = _risen(situation, rules, percent, findings) or _responding(situation, rules, level, findings)
    if active and call is not None and call.category in ("MMR", "molecular response"):
        return _beside_disease(situation, rules, findings, f"transcripts of {percent:g} %")
    return call


def _beside_disease(
    situation: Situation, rules: LeukaemiaMolecularCriteria, findings: Findings, shown: str
) -> ResponseCall:
    text = f"{shown} beside active disease: a molecular response needs the remission"
    return situation.call("cannot be called", "molecular", rules.complete, text, findings)


def _undetected(
    situation: Situation,
    rules: LeukaemiaMolecularCriteria,
    level: TranscriptLevel,
    findings: Findings,
    *,
    active: bool,
) -> ResponseCall:
    number = ordinal(situation.history.complete_molecular_count + (not situation.history.complete_molecular))
    reached = depth_log_of(level)
    needed = rules.complete.depth_log
    category: Category = "CMR"
    text = f"complete molecular response ({number}): transcripts undetectable"
    if active:
        return _beside_disease(situation, rules, findings, "transcripts undetectable")
    if reached is not None and reached < needed:
        category = "molecular response"
        findings = findings.lacking("a sample with more control-gene transcripts")
        text = f"transcripts undetectable, but at a sensitivity of 10^-{reached:.3g} only; "
        text += f"10^-{needed:g} is asked for"
        level_words = f"undetectable at 10^-{reached:.3g}"
    elif not in_compartment(situation, level):
        category, findings = "molecular response", findings.lacking(f"a sample of {rules.compartment}")
        text = f"transcripts undetectable in {level.material}; the response is judged in {rules.compartment}"
        level_words = f"undetectable in {level.material}"
    elif reached is None:
        findings = findings.lacking("control-gene copies or sensitivity of the sample")
        text += f"; the sensitivity is not stated, 10^-{needed:g} is asked for"
        level_words = f"{number}; sensitivity not stated"
    else:
        text += f" at 10^-{reached:g}"
        level_words = f"{number}; undetectable at 10^-{reached:g}"
    return situation.call(category, "molecular", rules.complete, text, findings, level_words)


def _lost(
    situation: Situation,
    rules: LeukaemiaMolecularCriteria,
    percent: float,
    findings: Findings,
    active: bool,
) -> ResponseCall:
    """Transcripts back after a complete response: molecular relapse only while the remission holds."""
    if active:
        text = f"complete molecular response lost: {percent:g} %, with the haematological relapse"
        return situation.call("loss of CMR", "molecular", rules.relapse, text, findings, f"{percent:g} %")
    held = situation.history.remission
    text = f"molecular relapse: {percent:g} % after a complete molecular response"
    if not held:
        findings = findings.lacking("proof of a haematological remission")
    return situation.call("molecular relapse", "molecular", rules.relapse, text, findings, f"{percent:g} %")


def _risen(
    situation: Situation, rules: LeukaemiaMolecularCriteria, percent: float, findings: Findings
) -> ResponseCall | None:
    lowest = situation.history.lowest_percent
    rise = rules.rise
    if not lowest or percent < rise.from_percent or percent < rise.factor * lowest:
        return None
    text = f"transcripts rise: {percent:g} % after a lowest level of {lowest:g} %"
    return situation.call("MRD progression", "molecular", rise, text, findings, f"{percent:g} %")


def _risen(
    situation: Situation, rules: LeukaemiaMolecularCriteria, percent: float, findings: Findings
) -> ResponseCall | None:
    lowest = situation.history.lowest_percent
    rise = rules.rise
    if not lowest or percent < rise.from_percent or percent < rise.factor * lowest:
        return None
    text = f"transcripts rise: {percent:g} % after a lowest level of {lowest:g} %"
    return situation.call("MRD progression", "molecular", rise, text, findings, f"{percent:g} %")


def _responding(
    situation: Situation, rules: LeukaemiaMolecularCriteria, level: TranscriptLevel, findings: Findings
) -> ResponseCall | None:
    """MMR or none; without its control gene or its material a level is a response and no MMR."""
    if situation.before_treatment:
        return None  # the level before treatment is a baseline, not a response
    percent, limit = level.percent or 0.0, rules.major.at_most_percent
    if percent > limit:
        lost = situation.history.major_molecular
        category: Category = "loss of MMR" if lost else "no MMR"
        text = f"{'major molecular response lost: ' * lost}transcripts of {percent:g} %, above {limit:g} %"
        return situation.call(category, "molecular", rules.major, text, findings, f"{percent:g} %")
    text = f"transcripts detectable at {percent:g} %, at most {limit:g} %: not a complete molecular response"
    if too_poor(level):
        lacking = findings.lacking("a sample with more control-gene transcripts")
        text = f"{percent:g} % of too few control-gene transcripts to tell {limit:g} %"
        return situation.call("cannot be called", "molecular", rules.major, text, lacking)
    category = "MMR"
    if not in_compartment(situation, level):
        category, findings = "molecular response", findings.lacking(f"a sample of {rules.compartment}")
        text += f"; MMR is judged in {rules.compartment}, not in {level.material}"
    elif level.control_gene == "not stated":
        category, findings = "molecular response", findings.lacking("control gene of the level")
        text += "; no control gene is named, to which MMR is a ratio"
    return situation.call(category, "molecular", rules.major, text, findings, f"{percent:g} %")


def too_poor(level: TranscriptLevel) -> bool:
    """Whether a sample has too few control-gene transcripts to tell a major response."""
    depth = depth_log_of(level)
    return depth is not None and depth < LEAST_LOG


def _cml(
    situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel, findings: Findings
) -> ResponseCall | None:
    if not level.detected:
        return _cml_undetected(situation, rules, level, findings)
    if level.percent is None:
        missing = findings.lacking("transcript level")
        text = "transcripts detected; no level given"
        return situation.call("cannot be called", "molecular", rules, text, missing)
    if reason := unusable(situation, level):
        missing = findings.lacking("a level on the international scale")
        text = f"{level.percent:g} % is {reason}"
        return situation.call("cannot be called", "molecular", rules, text, missing)
    if situation.before_treatment:
        return None
    return _cml_level(situation, rules, level, level.percent, findings)


def _cml_level(
    situation: Situation,
    rules: CmlMolecularCriteria,
    level: TranscriptLevel,
    percent: float,
    findings: Findings,
) -> ResponseCall:
    shown = f"{percent:g} % on the international scale"
    if percent > rules.major_at_most_percent:
        lost = situation.history.major_molecular
        category: Category = "loss of MMR" if lost else "no MMR"
        text = f"{'major molecular response lost' if lost else 'no major molecular response'}: {shown}"
        findings = findings.lacking("a second test that confirms it") if lost else findings
        return situation.call(category, "molecular", rules, text, findings, f"{percent:g} %")
    if not in_compartment(situation, level):
        return _elsewhere(situation, rules, level, findings)
    reached = deepest_by_level(percent)
    assert reached is not None
    depth = depth_log_of(level)
    allowed = reached if depth is None else deepest_by_log(min(depth, reached.log))
    if allowed is None:
        lacking = findings.lacking("a sample with more control-gene transcripts")
        text = f"{shown}, of too few control-gene transcripts to tell {rules.major_at_most_percent:g} %"
        return situation.call("cannot be called", "molecular", rules, text, lacking)
    text, words = f"{reached.name}: {shown}", allowed.name
    if depth is None and reached.name != "MMR":
        findings = findings.lacking("sum of control-gene transcripts (ABL1 or GUSB)")
    if allowed.log < reached.log:
        findings = findings.lacking(f"control-gene transcripts enough for {reached.name}")
        text = f"{shown}; the sample's control-gene transcripts allow no more than {allowed.name}"
    elif situation.history.deep_molecular and reached.name == "MMR":
        text, words = f"deep molecular response lost, major molecular response kept: {shown}", DEEP_LOST
    name: Category = allowed.name  # type: ignore[assignment]
    return situation.call(name, "molecular", rules, text, findings, words)


def _elsewhere(
    situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel, findings: Findings
) -> ResponseCall:
    text = f"a response is judged in {rules.compartment}; this sample is of {level.material}"
    lacking = findings.lacking(f"a sample of {rules.compartment}")
    return situation.call("cannot be called", "molecular", rules, text, lacking)


def _cml_undetected(
    situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel, findings: Findings
) -> ResponseCall:
    depth = depth_log_of(level)
    known = None if depth is None or depth < DEEP_LEVELS[0].log else deepest_by_log(depth)
    if known is not None and not in_compartment(situation, level):
        return _elsewhere(situation, rules, level, findings)
    if known is not None:
        text = f"transcripts undetectable at the depth of {known.name}"
        name: Category = known.name  # type: ignore[assignment]
        return situation.call(name, "molecular", rules, text, findings, f"undetectable at {known.name}")
    lacking = "sum of control-gene transcripts (ABL1 or GUSB)"
    if level.control_copies is not None:
        lacking = "at least 10,000 ABL1 or 24,000 GUSB transcripts"
    text = "transcripts undetectable, but the depth of the sample is not known or not enough for MR4"
    return situation.call("cannot be called", "molecular", rules, text, findings.lacking(lacking))


def _reported(situation: Situation) -> ResponseCall | None:
    """The treating centre's word, where no level was given; only for Ph+ ALL."""
    stated = [r for r in situation.evaluation.reported if r.category in ("CMR", "MMR")]
    rules = situation.criteria.molecular
    if not stated or not isinstance(rules, LeukaemiaMolecularCriteria):
        return None
    said = stated[-1]
    findings = Findings(
        evidence=(said,), missing=("transcript level", "sensitivity of the sample"), basis="reported"
    )
    text = f"the treating centre states {said.category}; no level given"
    if said.category == "MMR":
        return situation.call("MMR", "molecular", rules.major, text, findings)
    history = situation.history
    number = ordinal(history.complete_molecular_count + (not history.complete_molecular))
    return situation.call(
        "CMR", "molecular", rules.complete, text, findings, f"{number}; sensitivity not stated"
    )


def depth_log_of(level: TranscriptLevel) -> float | None:
    """The depth a sample reached: as stated or from its control-gene transcripts, the lower of the two.

    A control gene that is not in the published table gives no depth; its copies only bound one, as fewer than
    one in all of them cannot be seen.
    """
    stated, copies = level.sensitivity_log, level.control_copies
    if copies is None:
        return stated
    first, bound = DEEP_LEVELS[0], math.log10(max(copies, 1.0))
    needed = first.control_copies.get(level.control_gene)
    if needed is None:
        return min(stated, bound) if stated is not None else bound if bound < first.log else None
    reached = depth_of(level.control_gene, copies)
    computed = reached.log if reached else max(0.0, first.log - math.log10(needed) + bound)
    return computed if stated is None else min(stated, computed)


def _level_notes(level: TranscriptLevel) -> tuple[str, ...]:
    """What is odd about a level: off the international scale, or deeper than its sample allows."""
    notes = []
    if level.on_international_scale and (reason := off_scale(level.transcript)):
        notes.append(f"the international scale is {reason}")
    depth, stated = depth_log_of(level), level.sensitivity_log
    if depth is not None and stated is not None and depth < stated:
        notes.append(f"10^-{stated:g} is stated, its control transcripts allow 10^-{depth:.3g}")
    return tuple(notes)
