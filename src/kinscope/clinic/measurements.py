"""What a clinic measures, as typed and dated records.

Every record says when, in which material and by which method; a number that was not given stays
``None`` and is never filled in. Units stand in the field names.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, TypeAdapter, model_validator

from kinscope.core.records import Record

Material = Literal["bone marrow", "peripheral blood", "cerebrospinal fluid", "other", "not stated"]
ControlGene = Literal["ABL1", "GUSB", "BCR", "B2M", "not stated"]
BlastMethod = Literal["morphology", "flow cytometry", "not stated"]
ReportedCategory = Literal[
    "CR", "CRh", "CRi", "CHR", "CCyR", "MMR", "CMR", "MRD negative", "relapse", "refractory", "progression"
]

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Count = Annotated[float, Field(ge=0, le=1e5, allow_inf_nan=False)]
Copies = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
ShortText = Annotated[str, Field(max_length=400)]

SAME_EVALUATION_DAYS = 14
"""Measurements this close belong to one evaluation unless a criteria set says otherwise."""


class TimePoint(Record):
    """When something was measured: a calendar date, or a day relative to any fixed day 0.

    Attributes
    ----------
    date, day
        Exactly one of the two. A course uses one kind throughout.
    approximate
        The source gives a month or "two months later"; ``as_reported`` then keeps its words.
    """

    date: dt.date | None = None
    day: int | None = Field(default=None, ge=-40_000, le=40_000)
    approximate: bool = False
    as_reported: ShortText = ""

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.date is None) == (self.day is None):
            raise ValueError("a time point needs a date or a relative day, and not both")
        return self

    @property
    def days(self) -> int:
        """Days on this point's own clock; differences of two points of one clock are days."""
        return self.date.toordinal() if self.date is not None else int(self.day or 0)

    @property
    def clock(self) -> Literal["calendar", "relative"]:
        """Which of the two kinds of time this is."""
        return "calendar" if self.date is not None else "relative"

    def label(self) -> str:
        """E.g. ``2023-12-30`` or ``day 120``, with ``about`` where it is approximate."""
        text = self.date.isoformat() if self.date is not None else f"day {self.day}"
        return f"about {text}" if self.approximate else text


class _Dated(Record):
    """What every measurement carries."""

    at: TimePoint
    material: Material = "not stated"
    source: ShortText = ""
    note: ShortText = ""


class BlastPercent(_Dated):
    """Blasts among nucleated cells, per cent."""

    kind: Literal["blasts"] = "blasts"
    percent: Percent
    method: BlastMethod = "not stated"
    material: Material = "bone marrow"


class BloodCounts(_Dated):
    """The blood count and what the examination found with it."""

    kind: Literal["counts"] = "counts"
    material: Material = "peripheral blood"
    method: ShortText = "blood count"
    neutrophils_giga_per_litre: Count | None = None
    platelets_giga_per_litre: Count | None = None
    haemoglobin_gram_per_litre: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)] | None = None
    leucocytes_giga_per_litre: Count | None = None
    blood_blasts_percent: Percent | None = None
    basophils_percent: Percent | None = None
    immature_granulocytes: bool | None = None
    spleen_palpable: bool | None = None
    extramedullary_disease: bool | None = None


class TranscriptLevel(_Dated):
    """A BCR::ABL1 transcript level.

    Attributes
    ----------
    percent
        100 x BCR::ABL1 / control gene; None where the report gives only detected or not.
    low_percent, high_percent
        The 95 % interval of ``percent``.
    detected
        Whether any replicate was positive.
    quantifiable
        False where it is positive below the range that can be quantified; None where not said.
    transcript
        The fusion transcript or protein as written: ``e1a2``, ``p190``, ``e14a2`` and the like.
    sensitivity_log
        The depth the sample allowed, as minus log10 of a ratio: 4.0, 4.5, 5.0; None if unknown.
    """

    kind: Literal["transcript"] = "transcript"
    method: ShortText = "RT-qPCR"
    percent: Ratio | None = None
    low_percent: Ratio | None = None
    high_percent: Ratio | None = None
    detected: bool
    quantifiable: bool | None = None
    transcript: ShortText = ""
    control_gene: ControlGene = "not stated"
    control_copies: Copies | None = None
    fusion_copies: Copies | None = None
    on_international_scale: bool = False
    sensitivity_log: Annotated[float, Field(ge=0, le=9, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.detected and self.percent:
            raise ValueError("a transcript that was not detected has no level above 0 %")
        low, high = self.low_percent, self.high_percent
        if low is not None and high is not None and low > high:
            raise ValueError("the interval's lower end lies above its upper end")
        return self


class FlowMrd(_Dated):
    """Measurable residual disease by multicolour flow cytometry.

    ``sensitivity_percent`` is the limit of detection (0.01 for 1e-4); ``quantitative_limit_percent``
    the limit of quantification.
    """

    kind: Literal["flow-mrd"] = "flow-mrd"
    material: Material = "bone marrow"
    method: ShortText = "multicolour flow cytometry"
    detected: bool
    level_percent: Percent | None = None
    sensitivity_percent: Percent | None = None
    quantitative_limit_percent: Percent | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.detected and self.level_percent:
            raise ValueError("residual disease that was not detected has no level above 0 %")
        return self


class KaryotypeFinding(_Dated):
    """A karyotype as the report writes it; :func:`kinscope.clinic.karyotype.parse_karyotype` reads it."""

    kind: Literal["karyotype"] = "karyotype"
    material: Material = "bone marrow"
    method: ShortText = "chromosome banding"
    iscn: Annotated[str, Field(min_length=1, max_length=4000)]


class MutationFinding(_Dated):
    """One screening of a gene: a variant that was found, or its absence.

    Attributes
    ----------
    expression
        HGVS as reported; empty where nothing was found.
    share_percent
        Share of the mutant among transcripts.
    limit_percent
        The share below which the method finds nothing.
    """

    kind: Literal["mutation"] = "mutation"
    gene: ShortText = "ABL1"
    method: ShortText = "not stated"
    detected: bool
    expression: ShortText = ""
    region: ShortText = "kinase domain"
    share_percent: Percent | None = None
    limit_percent: Percent | None = None


class ReportedResponse(_Dated):
    """A response that the treating centre stated, without the numbers behind it.

    It never overrides a number; it stands in for one that was not given, and the call says so.
    """

    kind: Literal["reported"] = "reported"
    method: ShortText = "statement of the treating centre"
    category: ReportedCategory


_AnyKind: TypeAlias = (
    BlastPercent
    | BloodCounts
    | TranscriptLevel
    | FlowMrd
    | KaryotypeFinding
    | MutationFinding
    | ReportedResponse
)
Measurement = Annotated[_AnyKind, Field(discriminator="kind")]
MEASUREMENT: TypeAdapter[_AnyKind] = TypeAdapter(Measurement)
"""Validates plain data of any kind into the record that its ``kind`` names."""
