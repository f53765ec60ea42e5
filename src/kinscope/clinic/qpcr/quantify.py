"""From cycles to copies to a ratio, with its interval.

Standard curve: ordinary least squares of Ct on log10 copies. Copies: inverse prediction, its variance by
the delta method from the wells' scatter and the covariance of the fit (Draper NR, Smith H. Applied
Regression Analysis, 3rd ed. 1998, section 3.2). Ratio: the two variances add on the log scale; few
transcripts add Poisson noise, whose exact interval (Garwood F. Biometrika 1936;28:437-442) is joined to
the rest by the recovery of variance estimates (Zou GY, Donner A. Stat Med 2008;27:1693-1702).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

from kinscope.clinic.qpcr.model import Quantity, StandardCurve, StandardLevel, Wells
from kinscope.core.errors import BadInputError

LEAST_SCORED_COPIES = 3.0
"""A positive well counts at least this many copies: Cross NCP et al. Leukemia 2015;29:999-1003."""

LEVEL = 0.95


def fit_curve(target: str, levels: Sequence[StandardLevel]) -> StandardCurve:
    """Fit a standard curve over all wells that amplified.

    Raises BadInputError if fewer than two dilutions or three wells amplified, or the cycles do not fall with
    the copies.
    """
    points = [(math.log10(level.copies), ct) for level in levels for ct in level.ct if ct is not None]
    amounts = {x for x, _ in points}
    where = f"standards of {target}"
    if len(amounts) < 2 or len(points) < 3:
        raise BadInputError(
            f"The standards of {target} have {len(amounts)} dilutions with {len(points)} wells.",
            where=where,
            remedy="A curve needs two dilutions and three wells that amplified; five dilutions are usual.",
        )
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    sxx = sum((x - mean_x) ** 2 for x, _ in points)
    sxy = sum((x - mean_x) * (y - mean_y) for x, y in points)
    syy = sum((y - mean_y) ** 2 for _, y in points)
    slope = sxy / sxx
    if slope >= 0:
        raise BadInputError(
            f"The cycles of {target} do not fall with the copies (slope {slope:.2f}).",
            where=where,
            remedy="Check that the copies of the standards stand beside their own cycles.",
        )
    intercept = mean_y - slope * mean_x
    residual = sum((y - intercept - slope * x) ** 2 for x, y in points)
    variance = residual / (n - 2)
    return StandardCurve(
        target=target,
        slope=slope,
        intercept=intercept,
        covariance=(variance * (1 / n + mean_x**2 / sxx), -variance * mean_x / sxx, variance / sxx),
        residual_sd_ct=math.sqrt(variance),
        degrees_of_freedom=n - 2,
        r_squared=1 - residual / syy if syy > 0 else 0.0,
        efficiency_percent=100 * (10 ** (-1 / slope) - 1),
        wells=n,
        levels=len(amounts),
        lowest_copies=10 ** min(amounts),
        highest_copies=10 ** max(amounts),
    )


def quantity_from_cycles(wells: Wells, curve: StandardCurve, latest_after_one_copy: float) -> Quantity:
    """Copies of one target from cycles and a standard curve."""
    latest = curve.intercept + latest_after_one_copy
    positive = [ct for ct in wells.ct if ct is not None and ct <= latest]
    per_well = tuple(
        10 ** ((ct - curve.intercept) / curve.slope) if ct is not None and ct <= latest else 0.0
        for ct in wells.ct
    )
    variance, freedom = 0.0, float(curve.degrees_of_freedom)
    if positive:
        mean_ct = sum(positive) / len(positive)
        scatter = sum((ct - mean_ct) ** 2 for ct in positive)
        freedom = curve.degrees_of_freedom + len(positive) - 1
        pooled = (curve.residual_sd_ct**2 * curve.degrees_of_freedom + scatter) / freedom
        x = (mean_ct - curve.intercept) / curve.slope
        of_intercept, both, of_slope = curve.covariance
        of_curve = of_intercept + 2 * x * both + x * x * of_slope
        if curve.residual_sd_ct > 0:
            of_curve *= pooled / curve.residual_sd_ct**2
        variance = (pooled / len(positive) + of_curve) / curve.slope**2
    return _quantity(curve.target, per_well, variance, freedom)


def quantity_from_copies(target: str, wells: Wells) -> Quantity:
    """Copies as the instrument gave them; their scatter on the log scale is all the error that is known."""
    logs = [math.log10(copies) for copies in wells.copies if copies > 0]
    variance = 0.0
    if len(logs) > 1:
        mean = sum(logs) / len(logs)
        variance = sum((value - mean) ** 2 for value in logs) / (len(logs) - 1) / len(logs)
    return _quantity(target, wells.copies, variance, float(max(1, len(logs) - 1)))


def _quantity(target: str, per_well: tuple[float, ...], variance: float, freedom: float) -> Quantity:
    scored = [max(copies, LEAST_SCORED_COPIES) if copies > 0 else 0.0 for copies in per_well]
    return Quantity(
        target=target,
        total_copies=math.fsum(scored),
        per_well=per_well,
        detected_wells=sum(1 for copies in per_well if copies > 0),
        variance_log10=variance,
        degrees_of_freedom=freedom,
    )


def ratio_percent(fusion: Quantity, control: Quantity) -> float:
    """100 x copies per well of the fusion over copies per well of the control."""
    return 100 * fusion.mean_copies / control.mean_copies


def ratio_interval_percent(fusion: Quantity, control: Quantity, level: float = LEVEL) -> tuple[float, float]:
    """The interval of :func:`ratio_percent`, per cent.

    With no positive well it runs from 0 to the exact Poisson bound (3.0 copies at 95 %) over the control.
    """
    if not fusion.detected:
        bound = -math.log(1 - level)
        return 0.0, 100 * bound / fusion.wells / control.mean_copies
    parts = (
        (fusion.variance_log10, fusion.degrees_of_freedom),
        (control.variance_log10, control.degrees_of_freedom),
    )
    variance = sum(value for value, _ in parts)
    half = 0.0
    if variance > 0:
        freedom = variance**2 / sum(value**2 / df for value, df in parts)
        half = float(stats.t.ppf(0.5 + level / 2, freedom)) * math.sqrt(variance)
    low_fusion, high_fusion = poisson_interval(fusion.total_copies, level)
    low_control, high_control = poisson_interval(control.total_copies, level)
    below = _log10(fusion.total_copies, low_fusion), _log10(high_control, control.total_copies)
    above = _log10(high_fusion, fusion.total_copies), _log10(control.total_copies, low_control)
    centre = ratio_percent(fusion, control)
    return (
        centre * 10 ** -math.sqrt(half**2 + below[0] ** 2 + below[1] ** 2),
        centre * 10 ** math.sqrt(half**2 + above[0] ** 2 + above[1] ** 2),
    )


def poisson_interval(count: float, level: float = LEVEL) -> tuple[float, float]:
    """Garwood's exact interval of a Poisson mean, continued to counts that are no whole numbers."""
    tail = (1 - level) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count > 0 else 0.0
    return low, float(stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2


def _log10(larger: float, smaller: float) -> float:
    return math.log10(larger / smaller) if smaller > 0 else math.inf
