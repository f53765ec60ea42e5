"""A qPCR run and what comes out of it, as records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from kinscope.clinic.measurements import Material, TimePoint
from kinscope.core.records import Record

FUSION = "BCR::ABL1"
ControlName = Literal["ABL1", "GUSB", "BCR"]
Ct = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
CopyNumber = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


def _printable(text: str) -> str:
    """Refuse what could steer a terminal: names come from files and go to the screen."""
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]

MAX_WELLS = 20_000


def last_cycle(cycles: Iterable[float | None]) -> float | None:
    """The number of cycles that were run, where it stands as the cycle of wells that gave no signal.

    Instruments write it so (40, 45, 50): a whole number from 40 on, later than every other cycle.
    """
    latest = max((cycle for cycle in cycles if cycle is not None), default=0.0)
    return latest if 40 <= latest <= 60 and latest.is_integer() else None


class StandardLevel(Record):
    """Wells of one dilution of a plasmid standard; None where a well did not amplify."""

    copies: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
    ct: Annotated[tuple[Ct | None, ...], Field(min_length=1)]


class Wells(Record):
    """Replicate wells of one target in one sample: cycles, or copies that the instrument worked out."""

    ct: tuple[Ct | None, ...] = ()
    copies: tuple[CopyNumber, ...] = ()

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.ct) == bool(self.copies):
            raise ValueError("give either ct or copies, at least one well")
        return self


class QpcrSample(Record):
    """One sample: the fusion transcript and the control gene from the same cDNA."""

    name: Name
    fusion: Wells
    control: Wells
    at: TimePoint | None = None
    material: Material = "not stated"


class QpcrRun(Record):
    """One run.

    The transcript (``e1a2``) decides whether the international scale applies; the conversion factor is the
    laboratory's. Plasmid standards are needed where samples are given as cycles. Cycles without template
    should all be None, those of the control gene too. ``notes`` say what of a table was left out.
    """

    transcript: Annotated[str, Field(max_length=60), AfterValidator(_printable)] = ""
    control_gene: ControlName
    conversion_factor: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    fusion_standards: tuple[StandardLevel, ...] = ()
    control_standards: tuple[StandardLevel, ...] = ()
    no_template: tuple[Ct | None, ...] = ()
    no_template_control: tuple[Ct | None, ...] = ()
    samples: Annotated[tuple[QpcrSample, ...], Field(min_length=1, max_length=2000)]
    notes: tuple[str, ...] = ()


class Check(Record):
    """One rule of acceptance and how it came out; ``passed`` is None where it could not be applied."""

    name: str
    passed: bool | None
    text: str
    decisive: bool = True


class StandardCurve(Record):
    """Ct = intercept + slope x log10(copies), by ordinary least squares over all wells.

    ``covariance`` is (var intercept, cov, var slope), ``residual_sd_ct`` the residuals' standard deviation in
    cycles, the efficiency 100 x (10^(-1/slope) - 1), lowest and highest copies what the standards span.
    """

    target: str
    slope: float
    intercept: float
    covariance: tuple[float, float, float]
    residual_sd_ct: float
    degrees_of_freedom: int
    r_squared: float
    efficiency_percent: float
    wells: int
    levels: int
    lowest_copies: float
    highest_copies: float
    checks: tuple[Check, ...] = ()


class Quantity(Record):
    """Copies of one target in one sample.

    ``total_copies`` sums the wells as scored, a positive one below 3 copies counting 3 (Cross 2015);
    ``per_well`` are copies as worked out, 0 where nothing was detected; ``variance_log10`` is of log10 of the
    mean, from the wells' scatter and the curve, without Poisson noise.
    """

    target: str
    total_copies: float
    per_well: tuple[float, ...]
    detected_wells: int
    variance_log10: float
    degrees_of_freedom: float

    @property
    def wells(self) -> int:
        """Number of wells."""
        return len(self.per_well)

    @property
    def mean_copies(self) -> float:
        """Copies per well as scored."""
        return self.total_copies / self.wells

    @property
    def detected(self) -> bool:
        """Whether any well is positive."""
        return self.detected_wells > 0


class ScaleResult(Record):
    """The level on the international scale, or why there is none."""

    applies: bool
    percent: float | None = None
    low_percent: float | None = None
    high_percent: float | None = None
    reason: str = ""


class QpcrResult(Record):
    """One sample's result.

    ``percent`` is 100 x BCR::ABL1 / control gene, None where nothing was detected, with its 95 % interval
    (undetected: the upper end only); ``quantifiable`` means within the range of the standards; ``depth`` is
    the deepest level that the control transcripts allow (``MR4.5``), empty if none.
    """

    name: str
    at: TimePoint | None = None
    material: Material = "not stated"
    transcript: str
    control_gene: ControlName
    fusion: Quantity
    control: Quantity
    percent: float | None
    low_percent: float | None
    high_percent: float | None
    quantifiable: bool
    sensitivity_percent: float
    depth: str
    depth_log: float | None
    scale: ScaleResult
    molecular_class: str
    statement: str
    checks: tuple[Check, ...] = ()
    accepted: bool = True

    @property
    def tested_copies(self) -> float:
        """Control transcripts in the volume of cDNA that was tested for the fusion (Cross 2015)."""
        return self.fusion.wells * self.control.mean_copies


class QpcrReport(Record):
    """All results of a run with its curves and the rules it was judged by."""

    rules: str
    rules_citation: str
    fusion_curve: StandardCurve | None = None
    control_curve: StandardCurve | None = None
    checks: tuple[Check, ...] = ()
    results: tuple[QpcrResult, ...]
    notes: tuple[str, ...] = ()
