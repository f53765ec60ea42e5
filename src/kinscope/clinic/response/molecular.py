"""Molecular response from transcript levels: Ph+ ALL (no international scale) and CML (on it)."""

from __future__ import annotations

from kinscope.clinic.measurements import TranscriptLevel, known_protein
from kinscope.clinic.qpcr.levels import deepest_by_level, depth_of
from kinscope.clinic.response.context import Findings, Situation, ordinal
from kinscope.clinic.response.criteria import CmlMolecularCriteria, LeukaemiaMolecularCriteria
from kinscope.clinic.response.model import Category, ResponseCall

ACTIVE = ("relapse", "extramedullary relapse", "refractory", "active disease")


def molecular_call(situation: Situation, haematological: ResponseCall | None) -> ResponseCall | None:
    """The molecular call of one evaluation, or None where no transcript level bears on it."""
    rules = situation.criteria.molecular
    if not situation.evaluation.transcripts:
        return _reported(situation)
    level = situation.evaluation.transcripts[-1]
    if isinstance(rules, CmlMolecularCriteria):
        return _cml(situation, rules, level)
    return _lymphoblastic(situation, rules, level, haematological)


def _lymphoblastic(
    situation: Situation,
    rules: LeukaemiaMolecularCriteria,
    level: TranscriptLevel,
    haematological: ResponseCall | None,
) -> ResponseCall | None:
    notes = scale_notes(level)
    if not level.detected:
        return _undetected(situation, rules, level, notes)
    findings = Findings(evidence=(level,), notes=notes)
    percent = level.percent
    active = haematological is not None and haematological.category in ACTIVE
    if percent is None:
        lost = situation.history.complete_molecular and active
        category: Category = "loss of CMR" if lost else "MRD positive"
        lacking = findings.lacking("transcript level")
        text = "transcripts detected; no level given"
        return situation.call(category, "molecular", rules.relapse, text, lacking)
    if situation.history.complete_molecular and percent >= rules.relapse.from_percent:
        return _lost(situation, rules, percent, findings, active)
    return _risen(situation, rules, percent, findings) or _responding(situation, rules, percent, findings)


def _undetected(
    situation: Situation, rules: LeukaemiaMolecularCriteria, level: TranscriptLevel, notes: tuple[str, ...]
) -> ResponseCall:
    number = ordinal(situation.history.complete_molecular_count + (not situation.history.complete_molecular))
    reached = depth_log_of(level)
    needed = rules.complete.depth_log
    findings = Findings(evidence=(level,), notes=notes)
    category: Category = "CMR"
    text = f"complete molecular response ({number}): transcripts undetectable"
    if reached is None:
        findings = findings.lacking("control-gene copies or sensitivity of the sample")
        text += f"; the sensitivity is not stated, 10^-{needed:g} is asked for"
        level_words = f"{number}; sensitivity not stated"
    elif reached < needed:
        category, findings = (
            "molecular response",
            findings.lacking("a sample with more control-gene transcripts"),
        )
        text = f"transcripts undetectable, but at a sensitivity of 10^-{reached:g} only; "
        text += f"10^-{needed:g} is asked for"
        level_words = f"undetectable at 10^-{reached:g}"
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


def _responding(
    situation: Situation, rules: LeukaemiaMolecularCriteria, percent: float, findings: Findings
) -> ResponseCall | None:
    if situation.before_treatment:
        return None  # the level before treatment is a baseline, not a response
    limit = rules.relapse.from_percent
    if percent < limit:
        text = (
            f"transcripts detectable at {percent:g} %, below {limit:g} %: not a complete molecular response"
        )
        return situation.call(
            "molecular response", "molecular", rules.complete, text, findings, f"{percent:g} %"
        )
    if percent <= rules.major.at_most_percent:
        text = f"transcripts of {percent:g} %, at most {rules.major.at_most_percent:g} %"
        return situation.call("MMR", "molecular", rules.major, text, findings, f"{percent:g} %")
    text = f"transcripts of {percent:g} %, above {rules.major.at_most_percent:g} %"
    return situation.call("no MMR", "molecular", rules.major, text, findings, f"{percent:g} %")


def _cml(situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel) -> ResponseCall | None:
    findings = Findings(evidence=(level,), notes=scale_notes(level))
    if not level.detected:
        return _cml_undetected(situation, rules, level, findings)
    if level.percent is None:
        missing = findings.lacking("transcript level")
        text = "transcripts detected; no level given"
        return situation.call("cannot be called", "molecular", rules, text, missing)
    if not level.on_international_scale:
        missing = findings.lacking("a level on the international scale")
        text = f"{level.percent:g} % is not on the international scale, on which the levels are defined"
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
        if situation.history.major_molecular:
            unconfirmed = findings.lacking("a second test that confirms it")
            text = f"major molecular response lost: {shown}"
            return situation.call("loss of MMR", "molecular", rules, text, unconfirmed, f"{percent:g} %")
        return situation.call(
            "no MMR", "molecular", rules, f"no major molecular response: {shown}", findings, f"{percent:g} %"
        )
    reached = deepest_by_level(percent)
    assert reached is not None
    missing: tuple[str, ...] = ()
    if reached.name != "MMR":
        allowed = None if level.control_copies is None else depth_of(level.control_gene, level.control_copies)
        if level.control_copies is None or level.control_gene not in reached.control_copies:
            missing = ("sum of control-gene transcripts (ABL1 or GUSB)",)
        elif allowed is None or allowed.log < reached.log:
            missing = (f"control-gene transcripts enough for {reached.name}",)
            name = allowed.name if allowed else "MMR"
            text = f"{shown}; the sample's control-gene transcripts allow no more than {name}"
            return situation.call(
                name,  # type: ignore[arg-type]
                "molecular",
                rules,
                text,
                findings.lacking(*missing),
                name,
            )
    if situation.history.deep_molecular and reached.name == "MMR":
        text = f"deep molecular response lost, major molecular response kept: {shown}"
        return situation.call("MMR", "molecular", rules, text, findings, "deep response lost")
    return situation.call(
        reached.name,  # type: ignore[arg-type]
        "molecular",
        rules,
        f"{reached.name}: {shown}",
        findings.lacking(*missing),
        reached.name,
    )


def _cml_undetected(
    situation: Situation, rules: CmlMolecularCriteria, level: TranscriptLevel, findings: Findings
) -> ResponseCall:
    known = None
    if level.control_copies is not None:
        known = depth_of(level.control_gene, level.control_copies)
    if known is not None:
        text = f"transcripts undetectable at the depth of {known.name}"
        return situation.call(
            known.name,  # type: ignore[arg-type]
            "molecular",
            rules,
            text,
            findings,
            f"undetectable at {known.name}",
        )
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
    """The depth a sample reached: as stated, else from its control-gene transcripts.

    0 where the control gene is in the published table and its transcripts reach no level of it.
    """
    if level.sensitivity_log is not None:
        return level.sensitivity_log
    if level.control_copies is None or level.control_gene not in ("ABL1", "GUSB"):
        return None
    reached = depth_of(level.control_gene, level.control_copies)
    return reached.log if reached else 0.0


def scale_notes(level: TranscriptLevel) -> tuple[str, ...]:
    """What is odd about a level said to be on the international scale."""
    protein = known_protein(level.transcript)
    if level.on_international_scale and protein is not None and protein.protein != "p210":
        return (f"the international scale is not defined for {protein.protein} ({level.transcript})",)
    return ()
