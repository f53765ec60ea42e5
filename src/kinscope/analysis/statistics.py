"""Differences with intervals, corrections for many comparisons, and correlated time series.

A replica is the unit everywhere: frames of one trajectory are correlated, and the spread between replicas
is what a repeated experiment would show. Native and mutant replicas are independent and may differ in spread,
so the interval is Welch's (Biometrika 1947, 34, 28) with the Welch-Satterthwaite degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from kinscope.results.measured import Difference, Outcome
from kinscope.results.notes import Note

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Correction = Literal["holm", "benjamini-hochberg"]
CONFIDENCE = 0.95
"""Of every interval."""
MODEL_ENERGY_KCAL_PER_MOL = 2.0
"""How far energies of minimised models can be told apart: what shares of models are reckoned with, not kT."""
_ROUNDING = 1e-12
"""Spread, relative to the values, that rounding leaves on identical numbers."""


def difference(
    native: Sequence[float],
    mutant: Sequence[float],
    *,
    unit: str,
    smallest_meaningful: float = 0.0,
    sampling: str = "",
    least_spread: tuple[float, float] = (0.0, 0.0),
) -> Difference:
    """Mutant minus native, with Welch's interval over replicas and what it comes to.

    ``native``, ``mutant``, ``unit``: one value per replica, in ``unit``; what is not finite is a failed
    replica and is left out. ``smallest_meaningful``: an effect smaller than this in ``unit``, as fewer than
    two replicas on either side, leaves the difference unresolved.
    ``sampling``: what was sampled, e.g. ``3 x 0.2 ns per side``. ``least_spread``: standard deviations of
    native and mutant replicas below which their scatter is not believed (:func:`share_resolution`).
    """
    first, second = _finite(native), _finite(mutant)
    value = float(second.mean() - first.mean()) if first.size and second.size else None
    low = high = p_value = None
    effect: EffectSize = (None, None, None)
    if min(first.size, second.size) >= 2:
        low, high, p_value = _welch(first, second, least_spread)
        effect = hedges_g(first.tolist(), second.tolist(), least_spread=least_spread)
    raw = Difference(
        value=value,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        native_replicas=int(first.size),
        mutant_replicas=int(second.size),
        p_value=p_value,
        resolved=False,
        outcome="unresolved",
        unit=unit,
        smallest_meaningful=smallest_meaningful,
        minimum_replicas=2,
        sampling=sampling,
        effect_size=effect[0],
        effect_size_low=effect[1],
        effect_size_high=effect[2],
    )
    return _judged(raw)


def mean_interval(values: Sequence[float] | FloatArray) -> tuple[float | None, float | None]:
    """Ends of Student's interval of the mean of independent values (n,); None below two."""
    from scipy.special import stdtrit

    points = np.asarray(values, dtype=np.float64)
    if points.size < 2:
        return None, None
    half = float(stdtrit(points.size - 1, 0.5 + CONFIDENCE / 2.0) * points.std(ddof=1)) / math.sqrt(
        points.size
    )
    return float(points.mean()) - half, float(points.mean()) + half


EffectSize = tuple[float | None, float | None, float | None]
"""A standardised difference with the ends of its interval; None where the values do not allow one."""


def hedges_g(
    native: Sequence[float], mutant: Sequence[float], *, least_spread: tuple[float, float] = (0.0, 0.0)
) -> EffectSize:
    """Mutant minus native in pooled standard deviations, without the bias of few values.

    Hedges, J. Educ. Stat. 1981, 6, 107: the factor J = G(f/2) / (sqrt(f/2) G((f-1)/2)) for f degrees of
    freedom (0.80 for three values on each side) makes the estimate unbiased for normal values of one spread.
    The interval is of the true standardised difference: the noncentralities at which the observed t lies at
    a tail of (1 - CONFIDENCE)/2 (Steiger & Fouladi 1997). It assumes one spread on both sides.

    ``native``, ``mutant``: one finite value per replica, two at least on each side. ``least_spread``: as in
    :func:`difference`.
    """
    from scipy.special import gammaln, nctdtrinc

    first, second = _finite(native), _finite(mutant)
    freedom = first.size + second.size - 2
    if first.size < 2 or second.size < 2:
        return None, None, None
    own, other = _variances(first, second, least_spread)
    pooled = math.sqrt(((first.size - 1) * own + (second.size - 1) * other) / freedom)
    scale = max(abs(float(first.mean())), abs(float(second.mean())))
    if pooled <= _ROUNDING * scale or pooled == 0.0:
        return None, None, None
    unbiased = math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    distance = float(second.mean() - first.mean()) / pooled
    root = math.sqrt(1.0 / first.size + 1.0 / second.size)
    tail = (1.0 - CONFIDENCE) / 2.0
    ends = [float(nctdtrinc(freedom, p, distance / root)) * root for p in (1.0 - tail, tail)]
    low, high = (end if math.isfinite(end) else None for end in ends)
    return distance * unbiased, low, high


def widened(item: Difference, systematic: float) -> Difference:
    """The difference with an uncertainty that its replicas do not show, judged again.

    ``item``: a difference with an interval; one without is returned as it is. ``systematic``: standard
    deviation, in the difference's unit, of what replicas share (a receptor's own noise, say). It is added to
    the interval's half-width in quadrature, as a normal deviate at the same confidence.
    """
    from scipy.special import ndtr, ndtri

    if item.value is None or item.low is None or item.high is None:
        return item
    z = float(ndtri(0.5 + item.confidence / 2.0))
    half = math.hypot((item.high - item.low) / 2.0, z * systematic)
    p_value = 2.0 * float(ndtr(-abs(item.value) * z / half)) if half > 0.0 else item.p_value
    wider = {"low": item.value - half, "high": item.value + half, "p_value": p_value}
    return _judged(item.model_copy(update=wider))


def energy_shares(
    energies: Sequence[float] | FloatArray, width: float = MODEL_ENERGY_KCAL_PER_MOL
) -> FloatArray:
    """The share of each conformation (n,) by exp(-E / width), energies and width in kcal/mol."""
    points = np.asarray(energies, dtype=np.float64)
    shares: FloatArray = np.exp((points.min() - points) / width)
    shares /= shares.sum()
    return shares


def weighted_spread(values: Sequence[float], shares: Sequence[float] | FloatArray) -> float:
    """Standard deviation of values (n,) that count by their shares (n,)."""
    points, weights = np.asarray(values, dtype=np.float64), np.asarray(shares) / np.sum(shares)
    return math.sqrt(float(weights @ (points - weights @ points) ** 2))


def weighted_difference(
    native: tuple[Sequence[float], Sequence[float] | FloatArray],
    mutant: tuple[Sequence[float], Sequence[float] | FloatArray],
    *,
    unit: str,
    noise: float = 0.0,
    smallest_meaningful: float = 0.0,
    sampling: str = "",
) -> Difference:
    """Mutant minus native where each side is a few models that count by their energies.

    Models of one side are no replicas: which of them is right is not known, so their whole weighted spread is
    uncertainty, beside ``noise``, the standard deviation (in ``unit``) that models built twice differ by.

    ``native``, ``mutant``: values and shares, one each per model.
    """
    means = [float(np.average(values, weights=shares)) for values, shares in (native, mutant)]
    value = means[1] - means[0]
    raw = Difference(
        value=value, low=value, high=value, native_replicas=len(native[0]), mutant_replicas=len(mutant[0]),
        p_value=1.0 if value == 0.0 else 0.0, resolved=False, outcome="unresolved", unit=unit,
        smallest_meaningful=smallest_meaningful, minimum_replicas=1, sampling=sampling,
    )  # fmt: skip
    return widened(raw, math.hypot(noise, weighted_spread(*native), weighted_spread(*mutant)))


def judged_again(item: Difference, *, smallest_meaningful: float) -> Difference:
    """The same difference, with another bound on what counts as a change."""
    return _judged(item.model_copy(update={"smallest_meaningful": smallest_meaningful}))


def limited(item: Difference, outcome: Outcome, limit: Note) -> Difference:
    """The difference, left unresolved for what its sampling is."""
    return item.model_copy(update={"resolved": False, "outcome": outcome, "limit": limit})


REPLICA_SPREAD = 0.22
"""Standard deviation of a region's RMSF over replicas, relative to their mean: residues 382-402 in 3 x 100 ns
of each of four systems (0.10, 0.13, 0.27 and 0.32; the panel of ``docs/validation.md``), pooled."""
WANTED_POWER = 0.8
_NODES = 200
_MOST_REPLICAS = 1000


def power(change: float, replicas: int, *, spread: float = REPLICA_SPREAD) -> float:
    """How often Welch's test resolves a true change with so many replicas a side, one comparison.

    Given both sides' sample variances (chi-squared) the difference is normal; the chance is averaged over
    them. Nothing is corrected for further comparisons.

    ``change``: relative to native, e.g. 0.3. ``spread``: of replicas, relative to their own side's mean.
    """
    from scipy.special import chdtri, ndtr, stdtrit

    if replicas < 2:
        return 0.0
    freedom = replicas - 1
    variances = np.array([spread, spread * (1.0 + change)])[:, None] ** 2 / replicas
    drawn = variances * chdtri(freedom, (np.arange(_NODES) + 0.5) / _NODES) / freedom
    one, two = drawn[0][:, None], drawn[1][None]
    bound = stdtrit((one + two) ** 2 * freedom / (one**2 + two**2), 0.5 + CONFIDENCE / 2.0)
    bound = bound * np.sqrt(one + two)
    error = math.sqrt(variances.sum())
    return float(np.mean(ndtr((change - bound) / error) + ndtr((-change - bound) / error)))


def replicas_needed(change: float, *, spread: float = REPLICA_SPREAD) -> int:
    """Replicas a side with which a change is found as often as wanted; a thousand at most."""
    enough = (n for n in range(2, _MOST_REPLICAS) if power(change, n, spread=spread) >= WANTED_POWER)
    return next(enough, _MOST_REPLICAS)


def holm(p_values: Sequence[float]) -> FloatArray:
    """Holm's step-down adjusted p values (Scand. J. Stat. 1979, 6, 65), shape (n_tests,), input order.

    Controls the chance of a single false alarm in the whole family, under any dependence.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> FloatArray:
    """Step-up adjusted p values (J. R. Stat. Soc. B 1995, 57, 289), shape (n_tests,), input order.

    Controls the expected share of false alarms among the calls, under independence or positive dependence.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * p.size / np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted


def correct_family(differences: Sequence[Difference], *, method: Correction = "holm") -> list[Difference]:
    """The same differences, judged again as one family of comparisons, in the same order.

    Differences without a p value (too few replicas) stay unresolved and do not count in the family.
    """
    tested = [index for index, item in enumerate(differences) if item.p_value is not None]
    adjust = holm if method == "holm" else benjamini_hochberg
    adjusted = adjust([float(differences[index].p_value or 0.0) for index in tested])
    corrected = list(differences)
    for index, p_value in zip(tested, adjusted, strict=True):
        item = differences[index].model_copy(update={"adjusted_p_value": float(p_value)})
        corrected[index] = _judged(item)
    return corrected


def statistical_inefficiency(series: FloatArray) -> float:
    """Frames per independent frame of a stationary series, g = 1 + 2 tau >= 1.

    Chodera et al., J. Chem. Theory Comput. 2007, 3, 26, eq. 6-8: the normalised autocorrelation summed with
    triangular weights until it first turns negative, here for all lags at once by FFT.

    ``series``: shape (n_frames,), equally spaced. A constant or shorter than three frames gives ``n_frames``:
    nothing in it shows that any two frames are independent.
    """
    x = np.asarray(series, dtype=np.float64)
    n = x.size
    deviation = x - x.mean() if n else x
    variance = float(np.mean(deviation**2)) if n else 0.0
    if n < 3 or variance <= np.finfo(float).eps * max(1.0, float(np.mean(x**2))):
        return float(max(n, 1))
    spectrum = np.fft.rfft(deviation, 2 * n)
    products = np.fft.irfft(spectrum * np.conj(spectrum), 2 * n)[:n]
    correlation = products / (np.arange(n, 0, -1) * variance)
    lags = correlation[1:]
    negative = np.flatnonzero(lags <= 0.0)
    stop = int(negative[0]) if negative.size else n - 1
    weights = 1.0 - np.arange(1, stop + 1) / n
    return max(1.0, 1.0 + 2.0 * float(np.sum(weights * lags[:stop])))


def effective_sample_size(series: FloatArray) -> float:
    """Independent frames that a correlated series (n_frames,) is worth, at least 1."""
    x = np.asarray(series, dtype=np.float64)
    return max(1.0, x.size / statistical_inefficiency(x))


def standard_error(series: FloatArray) -> float:
    """Standard error of the mean of a correlated series (n_frames,), s sqrt(g / n); inf below three."""
    x = np.asarray(series, dtype=np.float64)
    if x.size < 3:
        return math.inf
    return float(x.std(ddof=1) / math.sqrt(effective_sample_size(x)))


def share_resolution(percent: Sequence[float], looks: Sequence[float]) -> float:
    """Standard deviation of a replica's share of the frames that so few independent frames leave, percent.

    A share p of n independent frames has the variance p (1 - p) / n. p is what Laplace's rule makes of all m
    independent frames of the side, (k + 1) / (m + 2): 0 and 100 % are not known exactly, and replicas that
    agree on them agree only as far as they were looked at.

    ``percent``, ``looks``: of each replica, its share and its number of independent frames, 1 at least.
    """
    shares, counts = np.asarray(percent, dtype=np.float64) / 100.0, np.asarray(looks, dtype=np.float64)
    likely = float((shares @ counts + 1.0) / (counts.sum() + 2.0))
    return 100.0 * math.sqrt(likely * (1.0 - likely) * float(np.mean(1.0 / counts)))


def _variances(first: FloatArray, second: FloatArray, least: tuple[float, float]) -> tuple[float, float]:
    """Of the replicas of each side, but not below the least."""
    return max(float(first.var(ddof=1)), least[0] ** 2), max(float(second.var(ddof=1)), least[1] ** 2)


def _welch(first: FloatArray, second: FloatArray, least: tuple[float, float]) -> tuple[float, float, float]:
    """Ends of the interval of mean(second) - mean(first), and the two-sided p value."""
    from scipy.special import stdtr, stdtrit

    value = float(second.mean() - first.mean())
    own, other = _variances(first, second, least)
    a, b = own / first.size, other / second.size
    error = math.sqrt(a + b)
    # Rounding leaves a variance of about (eps * mean)^2 on identical numbers.
    scale = max(abs(float(first.mean())), abs(float(second.mean())))
    if error <= _ROUNDING * scale or error == 0.0:
        return value, value, 1.0 if abs(value) <= _ROUNDING * scale else 0.0
    freedom = (a + b) ** 2 / (a**2 / (first.size - 1) + b**2 / (second.size - 1))
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2.0)) * error
    return value - half, value + half, 2.0 * float(stdtr(freedom, -abs(value) / error))


def _judged(item: Difference) -> Difference:
    """Decide what a difference comes to."""
    outcome = _outcome(item)
    return item.model_copy(
        update={"resolved": outcome in ("higher", "lower"), "outcome": outcome, "limit": None}
    )


def _outcome(item: Difference) -> Outcome:
    if item.value is None:
        return "no-value"
    enough = min(item.native_replicas, item.mutant_replicas) >= item.minimum_replicas
    if item.low is None or item.high is None or not enough:
        return "too-few-replicas"
    if item.low == item.high and item.value != 0.0:
        # Replicas without any spread are copies of one another, not independent evidence.
        return "copies"
    p_value = item.adjusted_p_value if item.adjusted_p_value is not None else item.p_value
    excluded = p_value is not None and p_value < 1.0 - item.confidence
    bound = item.smallest_meaningful
    if excluded and abs(item.value) >= bound:
        return "higher" if item.value > 0 else "lower"
    if bound > 0 and -bound < item.low and item.high < bound:
        return "no-change"
    if excluded:
        return "below-smallest"
    if item.adjusted_p_value is not None and item.p_value is not None and item.p_value < 1 - item.confidence:
        return "unresolved-corrected"
    return "unresolved"


def _finite(values: Sequence[float]) -> FloatArray:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]
