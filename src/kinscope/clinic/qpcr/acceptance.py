"""Rules by which a run and a sample are accepted, as data, and their application."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from kinscope.clinic.qpcr.levels import DEEP_LEVELS
from kinscope.clinic.qpcr.model import FUSION, Check, Quantity, StandardCurve, Wells
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_record
from kinscope.core.records import Record

Finite = Annotated[float, Field(allow_inf_nan=False)]


class AcceptanceRules(Record):
    """Limits for standard curves, replicates and control genes.

    Replicates may span ``replicate_range_to_ct`` where their mean lies below a cycle; later wells scatter by
    chance. A well later than one copy's cycle by more than ``latest_cycles_after_one_copy`` counts as
    negative. A control gene's window of mean cycles is instrument-specific, a warning only. ``lines`` say
    where each limit stands, by its name.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,39}$")]
    title: str
    citation: str
    identifier: str = ""
    standing: str = ""
    slope_from: Annotated[Finite, Field(ge=-10, lt=0)]
    slope_to: Annotated[Finite, Field(ge=-10, lt=0)]
    r_squared_from: Annotated[Finite, Field(ge=0, le=1)]
    levels_from: Annotated[int, Field(ge=2, le=20)]
    replicate_range_to_ct: Annotated[Finite, Field(gt=0, le=20)]
    replicate_range_below_ct: Annotated[Finite, Field(gt=0, le=60)]
    latest_cycles_after_one_copy: Annotated[Finite, Field(ge=0, le=10)]
    quantifiable_from_copies: Annotated[Finite, Field(gt=0, le=1e6)]
    control_ct_windows: dict[str, tuple[Finite | None, Finite | None]] = Field(default_factory=dict)
    lines: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.slope_from >= self.slope_to:
            raise ValueError("slope_from must lie below slope_to")
        return self


def load_rules(name: str | Path = "eac") -> AcceptanceRules:
    """Shipped rules by name, or a YAML file of one's own.

    Raises BadInputError if there are none of that name, or the file is invalid.
    """
    root = Path(__file__).parents[1] / "qpcr_rules"
    own = isinstance(name, Path) or str(name).endswith((".yaml", ".yml"))
    path = Path(name) if own else root / f"{name}.yaml"
    names = sorted(entry.stem for entry in root.glob("*.yaml"))
    if (own and not path.is_file()) or (not own and str(name) not in names):
        raise BadInputError(
            f"There are no acceptance rules {str(name)[:60]!r}.",
            where="rules",
            remedy=f"Choose from: {', '.join(names)}; or name a YAML file of your own.",
        )
    remedy = "Compare with the rules that ship with kinscope (src/kinscope/clinic/qpcr_rules)."
    return read_record(path, AcceptanceRules, "The acceptance rules are not valid", remedy)


def curve_checks(curve: StandardCurve, rules: AcceptanceRules) -> tuple[Check, ...]:
    """Slope, R² and number of dilutions of a standard curve."""
    slope = f"slope {curve.slope:.3f} (efficiency {curve.efficiency_percent:.1f} %)"
    slope += f"; accepted from {rules.slope_from:g} to {rules.slope_to:g}"
    r_squared = f"R² {curve.r_squared:.4f}; accepted from {rules.r_squared_from:g}"
    dilutions = f"{curve.levels} dilutions; at least {rules.levels_from}"
    checks = (
        ("slope", rules.slope_from <= curve.slope <= rules.slope_to, slope),
        ("R²", curve.r_squared >= rules.r_squared_from, r_squared),
        ("dilutions", curve.levels >= rules.levels_from, dilutions),
    )
    return tuple(Check(name=f"{curve.target} {name}", passed=met, text=text) for name, met, text in checks)


def no_template_check(
    target: str, cycles: tuple[float | None, ...], curve: StandardCurve | None
) -> tuple[Check, ...]:
    """Wells without template must stay negative, those of the control gene too."""
    if not cycles:
        return ()
    amplified = [ct for ct in cycles if ct is not None]
    text = f"{len(cycles)} wells without template, {len(amplified)} amplified"
    if amplified:
        text += f" (earliest at cycle {min(amplified):.2f})"
        if curve is not None:
            copies = 10 ** ((min(amplified) - curve.intercept) / curve.slope)
            text += f", as many as {copies:.1f} copies"
        if target != FUSION:
            text += (
                ": foreign cDNA or genomic DNA; each sample's control copies, and its depth, may be too high"
            )
    name = f"{target} wells without template" if target != FUSION else "wells without template"
    return (Check(name=name, passed=not amplified, text=text),)


def replicate_check(target: str, wells: Wells, rules: AcceptanceRules) -> tuple[Check, ...]:
    """Whether replicates agree, where they are early or many enough to have to; a silent well never does.

    Copies are held to the same spread as cycles, of which each is a doubling.
    """
    given: tuple[float | None, ...] = wells.ct or tuple(
        -math.log2(copies) if copies > 0 else None for copies in wells.copies
    )
    cycles = [ct for ct in given if ct is not None]
    if len(given) < 2:
        text = "a single well: nothing is known of the scatter, the interval holds counting noise only"
        return (Check(name=f"{target} replicates", passed=None, text=text, decisive=False),)
    if not cycles:
        return ()
    latest = rules.replicate_range_below_ct if wells.ct else -math.log2(rules.quantifiable_from_copies)
    binding = math.fsum(cycles) / len(cycles) < latest  # exact, so that the order of wells decides nothing
    silent = len(given) - len(cycles)
    spread = max(cycles) - min(cycles)
    limit = f"accepted up to {rules.replicate_range_to_ct:g}"
    if not binding:
        limit = f"not judged: later than cycle {rules.replicate_range_below_ct:g}"
        limit = limit if wells.ct else f"not judged: fewer than {rules.quantifiable_from_copies:g} copies"
    met = not silent and spread <= rules.replicate_range_to_ct if binding else None
    text = f"replicates span {spread:.2f} cycles{f', {silent} without signal' * bool(silent)}; {limit}"
    return (Check(name=f"{target} replicates", passed=met, text=text),)


def control_checks(gene: str, wells: Wells, quantity: Quantity, rules: AcceptanceRules) -> tuple[Check, ...]:
    """Whether the control gene shows a sample good enough to speak of deep responses."""
    checks: list[Check] = []
    window = rules.control_ct_windows.get(gene)
    cycles = [ct for ct in wells.ct if ct is not None]
    if window is not None and cycles:
        mean = sum(cycles) / len(cycles)
        early, late = window
        inside = (early is None or mean >= early) and (late is None or mean <= late)
        shown = f"{'' if early is None else f'{early:g} '}to {'' if late is None else f'{late:g}'}".strip()
        text = f"mean cycle {mean:.2f}; window {shown} (instrument-specific)"
        checks.append(Check(name=f"{gene} cycle", passed=inside, text=text, decisive=False))
    needed = DEEP_LEVELS[0].control_copies.get(gene)
    least, met, text = min(quantity.per_well), None, f"no published number of {gene} transcripts for MR4"
    if needed is not None:
        met, text = least >= needed, f"least in a well {least:,.0f}; MR4 asks for {needed:,.0f} in each"
    checks.append(Check(name=f"{gene} transcripts", passed=met, text=text, decisive=False))
    return tuple(checks)
