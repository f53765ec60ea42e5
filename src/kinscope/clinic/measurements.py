"""What a clinic measures, as typed and dated records.

Every record says when, in which material and by which method; a number that was not given stays
``None`` and is never filled in. Units stand in the field names.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
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

    A course uses one kind throughout. Approximate is what the source gives as a month or "two months later";
    ``as_reported`` then keeps its words.
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
    """A BCR::ABL1 transcript level, and whether any replicate was positive.

    ``percent`` is 100 x BCR::ABL1 / control gene with its 95 % interval; None where the report gives only
    detected or not. Not quantifiable is what is positive below that range, None where not said. The
    transcript or protein stands as written: ``e1a2``, ``p190``. ``sensitivity_log`` is the depth that the
    sample allowed, as minus log10 of a ratio: 4.0, 4.5, 5.0; None if unknown.
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
        if self.detected and self.percent == 0:
            raise ValueError("a transcript that was detected has a level above 0 %, or none given")
        low, high = self.low_percent, self.high_percent
        if low is not None and high is not None and low > high:
            raise ValueError("the interval's lower end lies above its upper end")
        ends = low or 0, math.inf if high is None else high
        if self.percent is not None and not ends[0] <= self.percent <= ends[1]:
            raise ValueError("the level lies outside its own interval")
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
        if self.detected and self.level_percent == 0:
            raise ValueError("residual disease that was detected has a level above 0 %, or none given")
        return self


class KaryotypeFinding(_Dated):
    """A karyotype as written; :func:`kinscope.clinic.karyotype.parse.parse_karyotype` reads it."""

    kind: Literal["karyotype"] = "karyotype"
    material: Material = "bone marrow"
    method: ShortText = "chromosome banding"
    iscn: Annotated[str, Field(min_length=1, max_length=4000)]


class MutationFinding(_Dated):
    """One screening of a gene: a variant that was found, as reported, or its absence.

    The share is that of the mutant among transcripts, the limit the share below which the method finds none.
    """

    kind: Literal["mutation"] = "mutation"
    gene: ShortText = "ABL1"
    method: ShortText = "not stated"
    detected: bool
    expression: ShortText = ""
    region: ShortText = "kinase domain"
    share_percent: Percent | None = None
    limit_percent: Percent | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.share_percent is not None and self.detected != (self.share_percent > 0):
            raise ValueError("a mutation that was detected has a share above 0 %, one that was not has none")
        return self


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


class FusionTranscript(Record):
    """A BCR::ABL1 fusion transcript and the protein it encodes.

    Names count exons of BCR (e) and of ABL1 (a); older reports write b2a2 and b3a2 for e13a2 and e14a2. The
    forms that end in a3 lack ABL1 exon 2.

    The name is empty where only the protein is known. Common are those that the standard assays and the
    international scale are made for (e13a2, e14a2); the note is what matters for measuring it.
    """

    name: str
    protein: str
    breakpoint_region: str
    common: bool = False
    note: str
    citation: str


_FUSIONS: dict[str, FusionTranscript] = {
    word: FusionTranscript.model_validate(entry)
    for entry in read_yaml(Path(__file__).parent / "fusions.yaml")
    for word in entry.pop("words")
}
"""Every known transcript and protein by each of the words for it."""
_WORD = re.compile(r"[a-z]\d{1,2}a\d|p\d{3}")
_NOISE = re.compile(r"bcr|abl1?|[\s_\-/:(),;]+")
MAX_LETTERS = 60


def protein_of(transcript: str) -> FusionTranscript:
    """What a fusion transcript, as written in a report, encodes.

    Accepts exon notation (``e1a2``), the older ``b3a2``, the protein itself (``p190``), and several of
    them that agree (``e1a2, p190``).

    Raises BadInputError if it is none of the known transcripts, or names that contradict each other; nothing
    is guessed.
    """
    found = known_protein(transcript)
    if found is not None:
        return found
    raise BadInputError(
        f"{transcript[:40]!r} is not one known BCR::ABL1 transcript.",
        where="fusion transcript",
        remedy=f"Known are {', '.join(_FUSIONS)}.",
    )


def known_protein(transcript: str) -> FusionTranscript | None:
    """As :func:`protein_of`, with None for what is not known."""
    text = transcript.strip().lower()
    if len(text) > MAX_LETTERS or _NOISE.sub("", _WORD.sub("", text)):
        return None
    found = [_FUSIONS.get(word) for word in _WORD.findall(text)]
    named = [entry for entry in found if entry is not None]
    if len(named) < len(found) or not named or len({entry.protein for entry in named}) > 1:
        return None
    if len({entry.name for entry in named if entry.name}) > 1:
        return None
    return next((entry for entry in named if entry.name), named[0])
