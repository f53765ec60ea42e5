"""qPCR: what published numbers, an independent regression, and simulation say."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.qpcr.levels import deepest_by_level, depth_of, to_international_scale
from kinscope.clinic.qpcr.model import FUSION, QpcrRun, QpcrSample, StandardLevel, Wells
from kinscope.clinic.qpcr.quantify import (
    fit_curve,
    poisson_interval,
    quantity_from_copies,
    quantity_from_cycles,
    ratio_interval_percent,
    ratio_percent,
)
from kinscope.clinic.qpcr.reading import read_run
from kinscope.clinic.qpcr.run import analyse_run
from kinscope.core.errors import BadInputError

EXAMPLES = Path(str(files("kinscope.clinic"))) / "examples"

# Mean cycles of six b3a2 BCR-ABL standards over two years (n = 134) in Adelaide: Branford S, Hughes T.
# Methods Mol Med 2006;125:69-92, table 1.
ADELAIDE = {15: 36.45, 150: 33.01, 1.5e3: 29.53, 1.5e4: 26.12, 1.5e5: 22.75, 1.5e6: 19.37}


def run_of(fusion: Wells, control: Wells, **fields: object) -> QpcrRun:
    sample = QpcrSample(name="s", fusion=fusion, control=control)
    return QpcrRun.model_validate({"control_gene": "ABL1", "samples": (sample,), **fields})


def levels(table: dict[float, float]) -> list[StandardLevel]:
    return [StandardLevel(copies=copies, ct=(ct,)) for copies, ct in table.items()]


def test_the_papers_relapse_level_comes_out_of_cycles() -> None:
    run = read_run(EXAMPLES / "qpcr-relapse-gusb.csv", transcript="e1a2")
    (result,) = analyse_run(run).results
    assert result.control_gene == "GUSB"
    assert result.percent == pytest.approx(0.150727, abs=5e-7)
    assert f"{result.percent:.6f}" == "0.150727"
    assert result.low_percent is not None
    assert result.low_percent < 0.150727 < (result.high_percent or 0)
    assert result.accepted
    assert not result.scale.applies
    assert "p190" in result.scale.reason


def test_the_papers_level_after_induction_comes_out_of_copies() -> None:
    (result,) = analyse_run(read_run(EXAMPLES / "qpcr-after-induction.yaml")).results
    assert f"{result.percent:.4f}" == "0.0019"
    assert result.fusion.detected
    assert not result.quantifiable, "fewer than ten copies a well"


def test_a_published_standard_curve() -> None:
    """Slope between -3.3 (perfect doubling is -3.32) and -3.5, as that laboratory's curve has to be."""
    linregress = pytest.importorskip("scipy.stats").linregress
    curve = fit_curve(FUSION, levels(ADELAIDE))
    independent = linregress([math.log10(c) for c in ADELAIDE], list(ADELAIDE.values()))
    assert curve.slope == pytest.approx(independent.slope, rel=1e-12)
    assert curve.intercept == pytest.approx(independent.intercept, rel=1e-12)
    assert curve.r_squared == pytest.approx(independent.rvalue**2, rel=1e-10)
    assert math.sqrt(curve.covariance[2]) == pytest.approx(independent.stderr, rel=1e-9)
    assert math.sqrt(curve.covariance[0]) == pytest.approx(independent.intercept_stderr, rel=1e-9)
    assert curve.slope == pytest.approx(-3.417, abs=0.005)
    assert 95 < curve.efficiency_percent < 97


def test_perfect_doubling_is_an_efficiency_of_one_hundred_per_cent() -> None:
    slope = -1 / math.log10(2)
    curve = fit_curve(FUSION, levels({10.0**k: 40 + slope * k for k in range(1, 7)}))
    assert curve.slope == pytest.approx(-3.3219, abs=1e-4)
    assert curve.efficiency_percent == pytest.approx(100)
    assert curve.r_squared == pytest.approx(1)


def test_covariance_of_the_fit_agrees_with_numpy() -> None:
    import numpy as np

    generator = np.random.default_rng(3)
    x = np.repeat(np.arange(1.0, 7.0), 3)
    y = 39.8 - 3.4 * x + generator.normal(0, 0.2, x.size)
    curve = fit_curve(FUSION, [StandardLevel(copies=10.0**a, ct=(b,)) for a, b in zip(x, y, strict=True)])
    coefficients, covariance = np.polyfit(x, y, 1, cov="unscaled")
    scale = np.sum((y - np.polyval(coefficients, x)) ** 2) / (x.size - 2)
    expected = covariance * scale
    assert curve.covariance[0] == pytest.approx(expected[1, 1])
    assert curve.covariance[1] == pytest.approx(expected[0, 1])
    assert curve.covariance[2] == pytest.approx(expected[0, 0])


def test_the_variance_of_copies_is_what_drawing_from_the_fit_gives() -> None:
    import numpy as np

    curve = fit_curve(FUSION, levels(ADELAIDE))
    cycles = (31.0, 31.2, 31.1)
    quantity = quantity_from_cycles(Wells(ct=cycles), curve, 1.0)
    scatter = sum((ct - 31.1) ** 2 for ct in cycles)
    pooled = (4 * curve.residual_sd_ct**2 + scatter) / 6
    of_intercept, both, of_slope = (v * pooled / curve.residual_sd_ct**2 for v in curve.covariance)
    generator = np.random.default_rng(1)
    fits = generator.multivariate_normal(
        (curve.intercept, curve.slope), [[of_intercept, both], [both, of_slope]], 40_000
    )
    means = generator.normal(31.1, math.sqrt(pooled / 3), 40_000)
    drawn = (means - fits[:, 0]) / fits[:, 1]
    assert math.sqrt(quantity.variance_log10) == pytest.approx(float(np.std(drawn)), rel=0.02)


@pytest.mark.parametrize(("laboratory", "factor"), [(0.08, 1.25), (0.12, 0.83), (0.045, 2.22)])
def test_published_conversion_factors(laboratory: float, factor: float) -> None:
    """Adelaide, Mannheim, London: Hughes T et al. Blood 2006;108:28-37, table 3."""
    converted = to_international_scale(laboratory, (0, 1), "e14a2", "ABL1", factor)
    assert converted.percent == pytest.approx(0.1, abs=0.0005), "each laboratory's own MMR is 0.1 % on it"


@pytest.mark.parametrize(
    ("transcript", "gene", "factor", "word"),
    [
        ("e1a2", "ABL1", 0.8, "p190"),
        ("p190", "GUSB", 0.8, "p190"),
        ("e19a2", "ABL1", 0.8, "p230"),
        ("e13a3", "ABL1", 0.8, "e13a3"),
        ("e14a2", "B2M", 0.8, "B2M"),
        ("e14a2", "ABL1", None, "factor"),
        ("", "ABL1", 0.8, "transcript"),
        ("e99a2", "ABL1", 0.8, "e99a2"),
    ],
)
def test_the_scale_is_refused_with_a_reason(
    transcript: str, gene: str, factor: float | None, word: str
) -> None:
    scale = to_international_scale(1.0, (0.5, 2.0), transcript, gene, factor)
    assert not scale.applies
    assert scale.percent is None
    assert word in scale.reason


@pytest.mark.parametrize(
    ("gene", "copies", "level"),
    [
        ("ABL1", 9_999, None),
        ("ABL1", 10_000, "MR4"),
        ("ABL1", 31_999, "MR4"),
        ("ABL1", 32_000, "MR4.5"),
        ("ABL1", 99_999, "MR4.5"),
        ("ABL1", 100_000, "MR5"),
        ("GUSB", 23_999, None),
        ("GUSB", 24_000, "MR4"),
        ("GUSB", 76_999, "MR4"),
        ("GUSB", 77_000, "MR4.5"),
        ("GUSB", 239_999, "MR4.5"),
        ("GUSB", 240_000, "MR5"),
        ("BCR", 1e6, None),
    ],
)
def test_depth_follows_the_published_table(gene: str, copies: float, level: str | None) -> None:
    """Cross NCP et al. Leukemia 2015;29:999-1003, table 2."""
    depth = depth_of(gene, copies)
    assert (depth.name if depth else None) == level


@pytest.mark.parametrize(
    ("percent", "level"),
    [
        (0.11, None),
        (0.1, "MMR"),
        (0.0101, "MMR"),
        (0.01, "MR4"),
        (0.0032, "MR4.5"),
        (0.001, "MR5"),
        (0, "MR5"),
    ],
)
def test_levels_on_the_scale(percent: float, level: str | None) -> None:
    reached = deepest_by_level(percent)
    assert (reached.name if reached else None) == level


def test_undetectable_is_stated_at_its_sensitivity() -> None:
    run = run_of(Wells(copies=(0, 0)), Wells(copies=(18_000, 17_000)), transcript="e1a2")
    (result,) = analyse_run(run).results
    assert result.percent is None
    assert result.depth == "MR4.5"
    assert "undetectable at a sensitivity of MR4.5" in result.molecular_class
    assert "complete molecular response" in result.molecular_class
    # No event in 35,000: the exact upper 95 % bound is -ln(0.05) = 3.0 events.
    assert result.high_percent == pytest.approx(100 * 2.9957 / 35_000, rel=1e-4)


def test_undetectable_in_a_poor_sample_is_no_response() -> None:
    run = run_of(Wells(copies=(0, 0)), Wells(copies=(2_000, 2_500)), transcript="e14a2")
    (result,) = analyse_run(run).results
    assert result.depth == ""
    assert "does not reach" in result.molecular_class
    assert result.depth_log is None


def test_a_deep_level_needs_the_transcripts_to_prove_it() -> None:
    """0.002 % on the scale is MR4.5, but 20,000 ABL1 transcripts prove MR4 only."""
    run = run_of(
        Wells(copies=(0, 0.4)), Wells(copies=(10_000, 10_000)), transcript="e14a2", conversion_factor=0.15
    )
    (result,) = analyse_run(run).results
    assert result.scale.percent == pytest.approx(0.15 * 100 * 3 / 20_000), (
        "a positive well counts three copies"
    )
    assert result.molecular_class.startswith("MR4:")


def test_wells_later_than_a_single_copy_hold_nothing() -> None:
    curve = fit_curve(FUSION, levels(ADELAIDE))
    late = curve.intercept + 1.01
    quantity = quantity_from_cycles(Wells(ct=(late, None)), curve, 1.0)
    assert not quantity.detected
    assert quantity_from_cycles(Wells(ct=(late - 0.5, None)), curve, 1.0).detected


def test_a_contaminated_run_is_not_accepted() -> None:
    run = read_run(EXAMPLES / "qpcr-relapse-gusb.csv", transcript="e1a2")
    dirty = run.model_copy(update={"no_template": (38.0, None)})
    report = analyse_run(dirty)
    assert not report.results[0].accepted
    assert any("without template" in check.name and check.passed is False for check in report.checks)


def test_a_flat_curve_is_not_accepted() -> None:
    steep = {copies: 40 - 2.5 * math.log10(copies) for copies in (10, 1e3, 1e5)}
    wells = Wells(ct=(30.0, 30.1))
    run = run_of(
        wells,
        Wells(ct=(25.0, 25.1)),
        fusion_standards=tuple(levels(steep)),
        control_standards=tuple(levels(ADELAIDE)),
    )
    (result,) = analyse_run(run).results
    assert not result.accepted


def test_replicates_that_disagree_are_not_accepted() -> None:
    run = run_of(
        Wells(ct=(28.0, 30.0)),
        Wells(ct=(25.0, 25.1)),
        fusion_standards=tuple(levels(ADELAIDE)),
        control_standards=tuple(levels(ADELAIDE)),
    )
    (result,) = analyse_run(run).results
    assert not result.accepted
    assert any("replicates" in check.name and check.passed is False for check in result.checks)


def test_a_missing_control_is_no_negative_result() -> None:
    run = run_of(Wells(copies=(5,)), Wells(copies=(0, 0)))
    with pytest.raises(BadInputError, match="control gene"):
        analyse_run(run)


def test_poisson_interval_is_garwoods() -> None:
    """10 events: 4.795 to 18.39; 0 events: 0 to 3.689 (Garwood 1936; the tables of every textbook)."""
    assert poisson_interval(10) == pytest.approx((4.795, 18.39), abs=0.005)
    assert poisson_interval(0) == pytest.approx((0.0, 3.689), abs=0.001)


@given(fusion=st.floats(3, 1e6), control=st.floats(1e3, 1e6), factor=st.floats(1.01, 100))
@settings(max_examples=60, deadline=None)
def test_the_ratio_scales_and_its_interval_holds_it(fusion: float, control: float, factor: float) -> None:
    below = quantity_from_copies("ABL1", Wells(copies=(control, control * 1.1)))
    above = quantity_from_copies(FUSION, Wells(copies=(fusion, fusion * 1.1)))
    more = quantity_from_copies(FUSION, Wells(copies=(fusion * factor, fusion * factor * 1.1)))
    assert ratio_percent(more, below) == pytest.approx(factor * ratio_percent(above, below))
    low, high = ratio_interval_percent(above, below)
    assert 0 < low < ratio_percent(above, below) < high


@pytest.mark.parametrize("copies", [8, 30, 300, 30_000])
def test_the_interval_covers_the_truth(copies: int) -> None:
    """Simulated runs: Poisson draws into wells, noisy cycles, a noisy standard curve each time.

    95 % are asked for; 400 runs tell 95 % from 91 %. Few copies are covered more often than needed: the
    wells' scatter already holds part of the Poisson noise.
    """
    import numpy as np

    generator = np.random.default_rng(copies)
    control_copies, runs, sd = 20_000, 400, 0.15
    truth = 100 * copies / control_copies
    covered = tested = 0
    for _ in range(runs):
        curves = []
        for slope, intercept in ((-3.40, 39.8), (-3.38, 39.3)):
            dilutions = [
                StandardLevel(copies=10.0**k, ct=tuple(intercept + slope * k + generator.normal(0, sd, 2)))
                for k in range(2, 7)
            ]
            curves.append(fit_curve("curve", dilutions))
        quantities = []
        for curve, (slope, intercept), mean in (
            (curves[0], (-3.40, 39.8), copies),
            (curves[1], (-3.38, 39.3), control_copies),
        ):
            drawn = generator.poisson(mean, 3)
            cycles = tuple(
                float(intercept + slope * math.log10(n) + generator.normal(0, sd)) if n else None
                for n in drawn
            )
            quantities.append(quantity_from_cycles(Wells(ct=cycles), curve, 1.0))
        if not quantities[0].detected:
            continue
        tested += 1
        low, high = ratio_interval_percent(*quantities)
        covered += low <= truth <= high
    print(f"{copies} copies: {covered} of {tested} intervals hold the truth ({100 * covered / tested:.1f} %)")
    assert tested > 0.9 * runs
    assert covered / tested > 0.915


@pytest.mark.parametrize(
    ("fusion", "control", "depth"),
    [
        ((0,), (12_000, 12_000, 12_000), "MR4"),
        ((0, 0, 0), (12_000, 12_000, 12_000), "MR4.5"),
        ((0, 0, 0), (12_000,), "MR4.5"),
        ((0,), (9_000, 9_500), ""),
    ],
)
def test_depth_counts_control_copies_in_the_volume_tested_for_the_fusion(
    fusion: tuple[float, ...], control: tuple[float, ...], depth: str
) -> None:
    """Cross NCP et al. Leukemia 2015;29:999-1003: wells of the fusion times the mean of the control."""
    (result,) = analyse_run(run_of(Wells(copies=fusion), Wells(copies=control))).results
    assert result.depth == depth
    tested = len(fusion) * sum(control) / len(control)
    assert result.sensitivity_percent == pytest.approx(100 / tested)
    assert result.high_percent == pytest.approx(299.57 / tested, rel=1e-3), (
        "the bound speaks of the same volume"
    )
    assert result.tested_copies == pytest.approx(tested)
    assert f"{tested:,.0f} ABL1 transcripts" in result.statement


@pytest.mark.parametrize("as_cycles", [True, False])
def test_a_failed_control_well_is_no_zero(as_cycles: bool) -> None:
    curves = {"fusion_standards": tuple(levels(ADELAIDE)), "control_standards": tuple(levels(ADELAIDE))}
    if as_cycles:
        run = run_of(Wells(ct=(36.0, 36.1)), Wells(ct=(25.7, None)), **curves)
        whole = run_of(Wells(ct=(36.0, 36.1)), Wells(ct=(25.7,)), **curves)
    else:
        run = run_of(Wells(copies=(20, 20)), Wells(copies=(20_000, 0)))
        whole = run_of(Wells(copies=(20, 20)), Wells(copies=(20_000,)))
    (result,), (sound,) = analyse_run(run).results, analyse_run(whole).results
    assert result.percent == sound.percent
    assert result.tested_copies == sound.tested_copies
    assert any("gave no signal and were left out" in check.text for check in result.checks)
    (many,) = analyse_run(run_of(Wells(copies=(20,)), Wells(copies=(20_000, 0, 0)))).results
    assert not many.accepted, "most of its control wells failed"


@pytest.mark.parametrize(
    ("fusion", "control", "accepted"),
    [
        (Wells(copies=(20, 20)), Wells(copies=(20_000, 8_000)), True),
        (Wells(copies=(20, 20)), Wells(copies=(20_000, 7_000)), False),
        (Wells(copies=(400, 100)), Wells(copies=(20_000, 20_000)), False),
        (Wells(copies=(400, 0)), Wells(copies=(20_000, 20_000)), False),
        (Wells(copies=(4, 0)), Wells(copies=(20_000, 20_000)), True),
        (Wells(copies=(0, 0)), Wells(copies=(20_000, 20_000)), True),
    ],
)
def test_wells_that_disagree_beyond_the_rule_reject_the_sample(
    fusion: Wells, control: Wells, accepted: bool
) -> None:
    """1.5 cycles are a factor of 2.8, whether a well is given in cycles or in copies."""
    (result,) = analyse_run(run_of(fusion, control)).results
    assert result.accepted == accepted


def test_a_silent_well_beside_an_early_one_rejects_the_sample() -> None:
    curves = {"fusion_standards": tuple(levels(ADELAIDE)), "control_standards": tuple(levels(ADELAIDE))}
    for cycles, accepted in (((28.0, None), False), ((36.8, None), True)):
        (result,) = analyse_run(run_of(Wells(ct=cycles), Wells(ct=(25.7, 25.8)), **curves)).results
        assert result.accepted == accepted, cycles


def test_blanks_of_the_control_gene_count_too() -> None:
    run = read_run(EXAMPLES / "qpcr-relapse-gusb.csv", transcript="e1a2")
    dirty = analyse_run(run.model_copy(update={"no_template_control": (35.0, None)}))
    assert not dirty.results[0].accepted
    (check,) = [check for check in dirty.checks if check.name == "GUSB wells without template"]
    assert "depth" in check.text


def test_bcr_as_control_gene_has_no_published_depth() -> None:
    run = run_of(Wells(copies=(0, 0)), Wells(copies=(40_000, 40_000)), control_gene="BCR")
    (result,) = analyse_run(run).results
    assert result.depth == ""
    assert "no published number of BCR transcripts" in result.statement
    assert "one would be 0.0013 %" in result.statement


@given(
    st.lists(st.sampled_from([0.0, 5.0, 20.0, 400.0]), min_size=1, max_size=4),
    st.lists(st.sampled_from([0.0, 9_000.0, 20_000.0]), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_wells_changes_nothing(
    fusion: list[float], control: list[float], random: object
) -> None:
    if not any(control):
        return
    (first,) = analyse_run(run_of(Wells(copies=tuple(fusion)), Wells(copies=tuple(control)))).results
    random.shuffle(fusion)  # type: ignore[attr-defined]
    random.shuffle(control)  # type: ignore[attr-defined]
    (second,) = analyse_run(run_of(Wells(copies=tuple(fusion)), Wells(copies=tuple(control)))).results
    assert (first.percent, first.depth, first.accepted) == (second.percent, second.depth, second.accepted)
