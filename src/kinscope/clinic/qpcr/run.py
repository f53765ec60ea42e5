"""RT-qPCR of BCR::ABL1: a run of cycles or copies to normalised copy numbers with their intervals."""

from __future__ import annotations

from itertools import compress
from pathlib import Path

from kinscope.clinic.qpcr.acceptance import (
    AcceptanceRules,
    control_checks,
    curve_checks,
    load_rules,
    no_template_check,
    replicate_check,
)
from kinscope.clinic.qpcr.levels import depth_of, molecular_class, to_international_scale
from kinscope.clinic.qpcr.model import (
    FUSION,
    Check,
    QpcrReport,
    QpcrResult,
    QpcrRun,
    Quantity,
    StandardCurve,
    StandardLevel,
    Wells,
)
from kinscope.clinic.qpcr.quantify import (
    fit_curve,
    quantity_from_copies,
    quantity_from_cycles,
    ratio_interval_percent,
    ratio_percent,
)
from kinscope.core.errors import BadInputError

Curves = dict[str, StandardCurve]
"""By target, of those that have standards."""


def analyse_run(run: QpcrRun, rules: str | Path | AcceptanceRules = "eac") -> QpcrReport:
    """Quantify every sample of a run.

    Raises BadInputError if samples are given as cycles without usable standards, or a control gene was not
    detected.
    """
    chosen = rules if isinstance(rules, AcceptanceRules) else load_rules(rules)
    gene = run.control_gene
    standards = {FUSION: run.fusion_standards, gene: run.control_standards}
    curves = {target: _curve(target, levels, chosen) for target, levels in standards.items() if levels}
    checks = [check for curve in curves.values() for check in curve.checks]
    checks += no_template_check(FUSION, run.no_template, curves.get(FUSION))
    checks += no_template_check(gene, run.no_template_control, curves.get(gene))
    failed = [check for check in checks if check.passed is False and check.decisive]
    return QpcrReport(
        rules=chosen.id,
        rules_citation=f"{chosen.citation} ({chosen.standing})" if chosen.standing else chosen.citation,
        fusion_curve=curves.get(FUSION),
        control_curve=curves.get(gene),
        checks=tuple(checks),
        results=tuple(
            _result(run, number, chosen, curves, run_accepted=not failed)
            for number in range(1, len(run.samples) + 1)
        ),
        notes=run.notes,
    )


def _curve(target: str, levels: tuple[StandardLevel, ...], rules: AcceptanceRules) -> StandardCurve:
    curve = fit_curve(target, levels)
    return curve.model_copy(update={"checks": curve_checks(curve, rules)})


def _quantity(target: str, wells: Wells, curves: Curves, rules: AcceptanceRules, number: int) -> Quantity:
    if wells.copies:
        return quantity_from_copies(target, wells)
    if target not in curves:
        raise BadInputError(
            f"{target} is given as cycles, but there are no standards of {target}.",
            where=f"sample number {number} of the run",
            remedy="Give the plasmid standards of the same run, or copies instead of cycles.",
        )
    return quantity_from_cycles(wells, curves[target], rules.latest_cycles_after_one_copy)


def _result(
    run: QpcrRun, number: int, rules: AcceptanceRules, curves: Curves, *, run_accepted: bool
) -> QpcrResult:
    sample = run.samples[number - 1]
    fusion = _quantity(FUSION, sample.fusion, curves, rules, number)
    control = _quantity(run.control_gene, sample.control, curves, rules, number)
    if not control.detected:
        raise BadInputError(
            f"The control gene {run.control_gene} was not detected: nothing can be said about this sample.",
            where=f"sample number {number} of the run",
            remedy="Repeat the sample from a new cDNA; a missing control is not a negative result.",
        )
    wells, failed = _without_failed(run.control_gene, sample.control, control)
    if failed:
        control = _quantity(run.control_gene, wells, curves, rules, number)
    checks = (
        *replicate_check(FUSION, sample.fusion, rules),
        *failed,
        *replicate_check(run.control_gene, wells, rules),
        *control_checks(run.control_gene, wells, control, rules),
        *_range_check(fusion, curves.get(FUSION)),
        *_exchange_check(fusion, control),
    )
    interval = ratio_interval_percent(fusion, control)
    percent = ratio_percent(fusion, control) if fusion.detected else None
    tested = fusion.wells * control.mean_copies
    depth = depth_of(run.control_gene, tested)
    scale = to_international_scale(percent, interval, run.transcript, run.control_gene, run.conversion_factor)
    lowest = curves[FUSION].lowest_copies if FUSION in curves else rules.quantifiable_from_copies
    result = QpcrResult(
        name=sample.name,
        at=sample.at,
        material=sample.material,
        transcript=run.transcript,
        control_gene=run.control_gene,
        fusion=fusion,
        control=control,
        percent=percent,
        low_percent=interval[0] if fusion.detected else None,
        high_percent=interval[1],
        quantifiable=fusion.detected_wells == fusion.wells and fusion.mean_copies >= lowest,
        sensitivity_percent=100.0 / tested,
        depth=depth.name if depth else "",
        depth_log=depth.log if depth else None,
        scale=scale,
        molecular_class=molecular_class(percent, scale, depth, run.control_gene),
        statement="",
        checks=checks,
        accepted=run_accepted and not any(c.passed is False and c.decisive for c in checks),
    )
    return result.model_copy(update={"statement": _statement(result)})


def _without_failed(gene: str, wells: Wells, control: Quantity) -> tuple[Wells, tuple[Check, ...]]:
    """The control wells without those that gave no signal: they failed, and are no zeros to be averaged."""
    lost = control.wells - control.detected_wells
    if not lost:
        return wells, ()
    kept = [copies > 0 for copies in control.per_well]
    sound = Wells(ct=tuple(compress(wells.ct, kept)), copies=tuple(compress(wells.copies, kept)))
    text = f"{lost} of {control.wells} wells gave no signal and were left out: they failed"
    decisive = 2 * lost > control.wells
    return sound, (Check(name=f"{gene} failed wells", passed=False, text=text, decisive=decisive),)


def _range_check(fusion: Quantity, curve: StandardCurve | None) -> tuple[Check, ...]:
    """A level above the standards is an extrapolation; below them it is positive but not quantifiable."""
    if curve is None or not fusion.detected or fusion.mean_copies <= curve.highest_copies:
        return ()
    text = f"{fusion.mean_copies:,.0f} copies lie above the highest standard ({curve.highest_copies:,.0f})"
    return (Check(name=f"{FUSION} range", passed=False, text=text, decisive=False),)


MOST_OF_CONTROL = 10
"""Copies of the fusion for one of the control; levels at diagnosis stay within a few hundred per cent."""


def _exchange_check(fusion: Quantity, control: Quantity) -> tuple[Check, ...]:
    """A level that no sample has: the targets were exchanged, or the control failed."""
    if fusion.mean_copies <= MOST_OF_CONTROL * control.mean_copies:
        return ()
    text = f"over {100 * MOST_OF_CONTROL:,} % of {control.target}: are the two targets exchanged?"
    return (Check(name=f"{FUSION} against {control.target}", passed=False, text=text, decisive=False),)


def _statement(result: QpcrResult) -> str:
    """The result in one or two sentences, as a report would word it."""
    gene = result.control_gene
    if result.percent is None:
        return (
            f"BCR::ABL1/{gene}: {result.molecular_class}; {result.tested_copies:,.0f} {gene} transcripts in "
            f"what was tested, of which one would be {result.sensitivity_percent:.2g} %; 95 % upper bound "
            f"{result.high_percent:.2g} %"
        )
    standing = "" if result.quantifiable else "; positive below the quantifiable range"
    text = (
        f"BCR::ABL1/{gene} = {result.percent:.6g} % "
        f"(95 % interval {result.low_percent:.3g} to {result.high_percent:.3g} %){standing}"
    )
    if result.scale.applies and result.scale.percent is not None:
        return f"{text}; {result.scale.percent:.4g} % on the international scale: {result.molecular_class}"
    return f"{text}; no international scale: {result.scale.reason}"
