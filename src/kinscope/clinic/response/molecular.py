"""Molecular response from transcript levels: Ph+ ALL (no international scale) and CML (on it)."""

from __future__ import annotations

import math

from kinscope.clinic.measurements import TranscriptLevel
from kinscope.clinic.qpcr.levels import DEEP_LEVELS, deepest_by_level, deepest_by_log, depth_of, off_scale
from kinscope.clinic.response.context import ACTIVE, DEEP_LOST, Said, Situation, ordinal, worded
from kinscope.clinic.response.criteria import CmlMolecularCriteria, LeukaemiaMolecularCriteria
from kinscope.clinic.response.model import Category, ResponseCall

LEAST_LOG = 3.0
"""A sample with fewer than 1,000 control transcripts cannot tell 0.1 %: one in so many is more."""


def molecular_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The molecular call of one evaluation, or None where no transcript level bears on it."""
    rules = situation.criteria.molecular
    level = decisive_level(situation)
    if level is None:
        return None
    if isinstance(rules, CmlMolecularCriteria):
        said = _cml(situation, rules, level)
    else:
        active = haematological is not None and haematological.category in ACTIVE
        said = _lymphoblastic(situation, rules, level, active=active)
    if said is None:
        return None
    said = said._replace(text="; ".join((said.text, *_level_notes(level))))
    return situation.says("molecular", said, situation.evaluation.of(TranscriptLevel), level)


def decisive_level(situation: Situation) -> TranscriptLevel | None:
    """The level that decides an evaluation.

    A positive result decides before a negative one, the higher of two before the lower, whatever their
    material; of two negative ones that of the material which the rules name, then the deeper.
    """

    def weight(level: TranscriptLevel) -> tuple[bool, bool, float]:
        if level.detected:
            return True, level.percent is not None and not unusable(situation, level), level.percent or 0.0
        return False, in_compartment(situation, level), depth_log_of(level) or -1.0

    return max(situation.evaluation.of(TranscriptLevel), key=weight, default=None)


def in_compartment(situation: Situation, level: TranscriptLevel) -> bool:
    """Whether a level is of the material that the rules name, or of one that is not stated."""
    return level.material in (situation.criteria.molecular.compartment, "not stated")


def judged(situation: Situation) -> set[str]:
    """Control genes of the samples a response may rest on: of the material that the rules name, not too poor.

    A worse sample of another material beside them takes nothing from what they are; its level decides.
    """
    levels = situation.evaluation.of(TranscriptLevel)
    return {one.control_gene for one in levels if in_compartment(situation, one) and not too_poor(one)}


def unusable(situation: Situation, level: TranscriptLevel) -> str:
    """Why a level cannot be set against the rules' thresholds; empty where it can."""
    if level.on_international_scale:
        return "said to be on the international scale" if off_scale(level.transcript) else ""
    on_scale = isinstance(situation.criteria.molecular, CmlMolecularCriteria)
    return "not on the international scale, on which the levels are defined" if on_scale else ""


def too_poor(level: TranscriptLevel) -> bool:
    """Whether a sample has too few control-gene transcripts to tell a major response."""
    depth = depth_log_of(level)
    return depth is not None and depth < LEAST_LOG


def _lymphoblastic(
    situation: Situation, rules: LeukaemiaMolecularCriteria, level: TranscriptLevel, *, active: bool
) -> Said | None:
    percent, history = level.percent, situation.history
    said = _responding(situation, rules, level)
    if level.detected and percent is None:
        if history.complete_molecular and active:
            return worded("lost without a level", rules.relapse)
        return worded("detected without a level", rules.complete)
    if percent and (reason := unusable(situation, level)):
        return worded("no usable ratio", rules.major, percent=percent, reason=reason)
    if percent and history.complete_molecular and percent >= rules.relapse.from_percent:
        return _back(situation, rules, percent, active=active)
    lowest, rise = history.lowest_percent, rules.rise
    if percent and lowest and percent >= max(rise.from_percent, rise.factor * lowest):
        return worded("rise", rise, percent=percent, lowest=lowest)
    if active and said is not None and said.category in ("CMR", "MMR", "molecular response"):
        shown = f"transcripts of {percent:g} %" if percent else "transcripts undetectable"
        return worded("response beside active disease", rules.complete, shown=shown)
    return said


def _back(situation: Situation, rules: LeukaemiaMolecularCriteria, percent: float, *, active: bool) -> Said:
    """Transcripts back after a complete response: molecular relapse only while the remission holds."""
    if active:
        return worded("lost with the relapse", rules.relapse, percent=percent)
    missing = () if situation.history.remission else ("proof of a haematological remission",)
    return worded("molecular relapse", rules.relapse, percent=percent)._replace(missing=missing)


def _responding(
    situation: Situation, rules: LeukaemiaMolecularCriteria, level: TranscriptLevel
) -> Said | None:
    """CMR, MMR or none; of another material, or without its control gene, it is a response and no more."""
    percent, rule, genes = level.percent, rules.major, judged(situation)
    lacking = "" if genes else f"a sample of {rules.compartment}"
    if not level.detected:
        return _undetected(situation, rules, level)
    if situation.before_treatment or percent is None:
        return None  # the level before treatment is a baseline, not a response
    if percent > rule.at_most_percent:
        return worded(
            "major lost" if situation.history.major_molecular else "no major", rule, percent=percent
        )
    if too_poor(level):
        return worded("too poor", rule, percent=percent)
    shown = f"{percent:g} %"
    text = f"transcripts detectable at {shown}, at most {rule.at_most_percent:g} %: "
    text += "not a complete molecular response"
    if lacking:
        text += f"; MMR is judged in {rules.compartment}, not in {level.material}"
    elif genes == {"not stated"}:
        text += "; MMR is a ratio to a control gene, and none is named"
        lacking = "control gene of the level"
    category: Category = "molecular response" if lacking else "MMR"
    return Said(category, rule, text, shown, (lacking,) * bool(lacking))


def _undetected(situation: Situation, rules: LeukaemiaMolecularCriteria, level: TranscriptLevel) -> Said:
    number = ordinal(situation.history.complete_molecular_count + (not situation.history.complete_molecular))
    reached, rule = depth_log_of(level), rules.complete
    if too_poor(level):
        return worded("undetectable too poor", rules.major)
    if reached is not None and reached < rule.depth_log:
        major = judged(situation) - {"not stated"}
        name, decides = ("undetectable, major", rules.major) if major else ("undetectable too shallow", rule)
        return worded(name, decides, reached=reached, needed=rule.depth_log)
    if not in_compartment(situation, level):
        where = {"material": level.material, "compartment": rules.compartment}
        return worded("undetectable elsewhere", rule, **where)
    if reached is None:
        return worded("undetectable without a depth", rule, number=number)
    return worded("undetectable", rule, number=number, reached=reached)


def _cml(situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel) -> Said | None:
    if level.detected and level.percent is None:
        return worded("cml without a level", rules)
    if (level.detected or level.on_international_scale) and (reason := unusable(situation, level)):
        return worded("cml off the scale", rules, percent=level.percent or 0, reason=reason)
    if not level.detected or level.percent is None:
        return _cml_undetected(situation, rules, level)
    return None if situation.before_treatment else _cml_level(situation, rules, level, level.percent)


def _cml_level(
    situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel, percent: float
) -> Said:
    if percent > rules.major_at_most_percent:
        lost = situation.history.major_molecular
        return worded("cml major lost" if lost else "cml no major", rules, percent=percent)
    if not judged(situation) and not in_compartment(situation, level):
        return worded("cml elsewhere", rules, material=level.material)
    reached, levels = deepest_by_level(percent), situation.evaluation.of(TranscriptLevel)
    depths = [depth_log_of(one) for one in levels if in_compartment(situation, one)]
    depth = max((log for log in depths if log is not None), default=None)
    assert reached is not None
    allowed = reached if depth is None else deepest_by_log(min(depth, reached.log))
    if allowed is None:
        return worded("cml too poor", rules, percent=percent)
    name: Category = allowed.name  # type: ignore[assignment]
    shown = f"{percent:g} % on the international scale"
    if allowed.log < reached.log:
        text = f"{shown}; the sample's control-gene transcripts allow no more than {name}"
        return Said(name, rules, text, name, (f"control-gene transcripts enough for {reached.name}",))
    if situation.history.deep_molecular and reached.name == "MMR":
        text = f"deep molecular response lost, major molecular response kept: {shown}"
        return Said(name, rules, text, DEEP_LOST)
    unknown = depth is None and reached.name != "MMR"
    missing = ("sum of control-gene transcripts (ABL1 or GUSB)",) * unknown
    return Said(name, rules, f"{name}: {shown}", name, missing)


def _cml_undetected(situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel) -> Said:
    known = deepest_by_log(depth_log_of(level) or 0.0)
    if known is None or known.name == "MMR":
        lacking = "sum of control-gene transcripts (ABL1 or GUSB)"
        if level.control_copies is not None:
            lacking = "at least 10,000 ABL1 or 24,000 GUSB transcripts"
        return worded("cml undetectable without a depth", rules, lacking=lacking)
    if not in_compartment(situation, level):
        return worded("cml elsewhere", rules, material=level.material)
    name: Category = known.name  # type: ignore[assignment]
    text = f"transcripts undetectable at the depth of {name}"
    return Said(name, rules, text, f"undetectable at {name}")


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
