"""A case as it is written down: who, what was given, what was measured, what was stated, and when.

Nothing here is computed. Times are *statements* (a date as precise as the source gives it, "two months
after X", "before Y"), several per event where several were made; :mod:`kinscope.clinic.case.timing` finds
what they allow together and which of them contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from kinscope.clinic.case.schedule import parse_date, parse_interval
from kinscope.clinic.measurements import (
    FusionTranscript,
    Measurement,
    ReportedCategory,
    ShortText,
    known_protein,
)
from kinscope.clinic.response.model import Disease
from kinscope.core.records import Record, VersionedRecord

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.stop|\.dose\d{1,3})?$")]
"""An ``id``; ``id.stop`` is the end of a treatment or toxicity, ``id.dose2`` the time of its second dose."""
Text = Annotated[str, Field(max_length=2000)]


def _checked(parse: Callable[[str], object]) -> AfterValidator:
    """A text that is empty or that ``parse`` takes."""

    def check(text: str) -> str:
        if text:
            parse(text)
        return text

    return AfterValidator(check)


DateText = Annotated[str, Field(max_length=40), _checked(parse_date)]
IntervalText = Annotated[str, Field(max_length=40), _checked(parse_interval)]
MAX_ENTRIES = 500
"""In one case: far above any real course, low enough for its times to be solved in seconds."""
MAX_STATEMENTS = 12
GROUPS = ("events", "treatments", "measurements", "responses", "toxicities")
"""The lists of a case whose entries have a time."""

DoseUnit = Literal[
    "mg/d", "mg", "mg/m2", "mg/m2/d", "g/m2", "g/m2/d", "mg/kg", "mg/kg/d", "IU/m2", "IU/d", "ug/d",
    "ug/m2/d", "cells", "cells/kg", "Gy",
]  # fmt: skip
StopReason = Literal[
    "completed", "relapse", "progression", "no response", "toxicity", "patient's choice",
    "transplantation", "death", "other", "not stated",
]  # fmt: skip
EventKind = Literal["diagnosis", "visit", "transplantation", "decision", "death", "publication", "other"]


class TimeStatement(Record):
    """One thing a source says about when something was.

    A date is ``2023-12-28``, ``2023-12``, ``2023`` or a range of two with ``/`` between; days count from any
    fixed day 0, where no date may be given. After, before or at the time of another entry (its ``id``): with
    an interval ("2 months") that far from it, or ``at_least``; else only in order. ``or_after`` names others
    it may have been counted from. The source is a key of ``sources``, with its few words on time.
    """

    date: DateText = ""
    day: Annotated[int | None, Field(ge=-40_000, le=40_000)] = None
    last_day: Annotated[int | None, Field(ge=-40_000, le=40_000)] = None
    after: Reference | None = None
    before: Reference | None = None
    same_as: Reference | None = None
    interval: IntervalText = ""
    at_least: bool = False
    or_after: Annotated[tuple[Reference, ...], Field(max_length=6)] = ()
    source: Annotated[str, Field(max_length=64)] = ""
    words: ShortText = ""

    @field_validator("date", mode="before")
    @classmethod
    def _year(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [bool(self.date), self.day is not None, self.after is not None]
        given += [self.before is not None, self.same_as is not None]
        if sum(given) != 1:
            raise ValueError("a time needs exactly one of: date, day, after, before, same_as")
        if self.interval and not (self.after or self.before):
            raise ValueError("an interval needs 'after' or 'before'")
        if self.or_after and not (self.after and self.interval):
            raise ValueError("'or_after' needs 'after' with an interval")
        if self.last_day is not None and (self.day is None or self.last_day < self.day):
            raise ValueError("'last_day' needs a 'day' that is not later")
        return self


def _statements(value: Any) -> Any:
    """Take one date, one statement or a list of either."""
    if value is None:
        return ()
    many = value if isinstance(value, list | tuple) else [value]
    return [_statement(item) for item in many]


def _statement(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("day "):
            try:
                return {"day": int(text[4:])}
            except ValueError:
                raise ValueError("write a day as 'day 12'") from None
        return {"date": text}
    if isinstance(value, int) and 1900 <= value <= 2200:
        return {"date": value}
    if isinstance(value, int | float):
        raise ValueError("a bare number is no time: write 'day 12', or {date: 2020}")
    return value


When = Annotated[tuple[TimeStatement, ...], BeforeValidator(_statements), Field(max_length=MAX_STATEMENTS)]
Times = Annotated[When, Field(min_length=1)]


class Subject(Record):
    """The patient. Names, numbers and the birth date are read but never leave in any output."""

    sex: Literal["female", "male", "other", "not stated"] = "not stated"
    age_years: Annotated[int | None, Field(ge=0, le=125)] = None
    name: ShortText = ""
    hospital_id: ShortText = ""
    other_ids: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    birth_date: Annotated[DateText, Field(max_length=10)] = ""
    institution: ShortText = ""


class Source(Record):
    """Where facts were taken from; cited by ``key`` in each entry."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    text: Text


class Entry(Record):
    """Anything of the course that has a time: its name in the file, and the key of its source."""

    id: Id
    source: Annotated[str, Field(max_length=64)] = ""


class CaseEvent(Entry):
    """Something that happened and was neither given nor measured."""

    when: Times
    label: ShortText
    kind: EventKind = "other"


class Dose(Record):
    """A dose, or a range of doses, from a time on (from the treatment's start where no time is given)."""

    amount: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
    up_to: Annotated[float | None, Field(gt=0, le=1e12, allow_inf_nan=False)] = None
    unit: DoseUnit
    when: When = ()
    days: ShortText = ""
    reason: ShortText = ""
    source: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.up_to is not None and self.up_to < self.amount:
            raise ValueError("'up_to' lies below 'amount'")
        return self

    @property
    def text(self) -> str:
        """E.g. ``200–400 mg/d``."""
        upper = f"–{self.up_to:g}" if self.up_to is not None else ""
        unit = self.unit.replace("m2", "m²").replace("ug", "µg")
        return f"{self.amount:g}{upper} {unit}" + (f" ({self.days})" if self.days else "")


class Agent(Record):
    """One drug of a treatment."""

    drug: Annotated[str, Field(min_length=1, max_length=80)]
    doses: Annotated[tuple[Dose, ...], Field(max_length=40)] = ()


class Treatment(Entry):
    """One drug, or several together, over one stretch of time.

    ``line`` numbers the lines of therapy: responses are judged against the line they were reached in.
    """

    line: Annotated[int, Field(ge=1, le=50)]
    label: ShortText = ""
    agents: Annotated[tuple[Agent, ...], Field(min_length=1, max_length=20)]
    start: Times
    stop: When = ()
    cycles: Annotated[int | None, Field(ge=1, le=200)] = None
    stop_reason: StopReason = "not stated"
    note: ShortText = ""

    @model_validator(mode="before")
    @classmethod
    def _single(cls, value: Any) -> Any:
        if isinstance(value, dict) and "drug" in value and "agents" not in value:
            rest = {key: item for key, item in value.items() if key not in ("drug", "doses")}
            agent = {key: value[key] for key in ("drug", "doses") if key in value}
            return rest | {"agents": [agent]}
        return value

    @property
    def doses(self) -> tuple[Dose, ...]:
        """The doses of all agents in order; ``id.dose1`` names the time of the first."""
        return tuple(dose for agent in self.agents for dose in agent.doses)

    @property
    def title(self) -> str:
        """The label, else the drugs."""
        return self.label or " + ".join(agent.drug for agent in self.agents)


class CaseMeasurement(Entry):
    """A measurement with the statements on its time; ``finding.at`` is set when times are resolved."""

    when: Times
    finding: Measurement
    sample: ShortText = ""

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """Take the flat form of the friendly file: the finding's fields beside ``id`` and ``when``."""
        if not isinstance(value, dict) or "finding" in value:
            return value
        if "at" in value:
            raise ValueError("the time of a measurement is its 'when'")
        if value.get("kind") == "reported":
            raise ValueError("a stated response belongs under 'responses', apart from what was measured")
        own = {key: value[key] for key in ("id", "when", "source", "sample") if key in value}
        finding = {key: item for key, item in value.items() if key not in own}
        return own | {"finding": finding | {"at": {"day": 0}, "source": own.get("source") or ""}}


class StatedResponse(Entry):
    """A response as the treating centre put it, to be compared with the computed one.

    "The third complete molecular remission" has the ordinal 3; ``lasted`` is how long it was stated to last,
    ``lasted_until`` the entry that cannot lie before its end.
    """

    when: Times
    category: ReportedCategory
    ordinal: Annotated[int | None, Field(ge=1, le=50)] = None
    lasted: IntervalText = ""
    lasted_until: Reference | None = None
    words: ShortText = ""


class Toxicity(Entry):
    """An adverse event, with its CTCAE grade where one was given."""

    when: Times
    stop: When = ()
    term: Annotated[str, Field(min_length=1, max_length=120)]
    ctcae_grade: Annotated[int | None, Field(ge=1, le=5)] = None
    severity: Literal["mild", "moderate", "severe", "life-threatening", "not stated"] = "not stated"
    treatment: Id | None = None
    action: ShortText = ""


class ExtraTime(Record):
    """A further statement on the time of an entry, kept with its own source."""

    of: Reference
    when: Times


class Case(VersionedRecord):
    """A whole case as written.

    No response is computed in any other disease than Ph+ ALL and CML. ``day_zero`` says in words what
    relative days count from, once dates were removed; after the entry ``last_possible`` (a publication's
    date) nothing of this case can have been observed.
    """

    SCHEMA_VERSION: ClassVar[int] = 1
    id: Id
    title: ShortText = ""
    citation: Text = ""
    subject: Subject = Subject()
    disease: Disease | Literal["other"]
    transcript: ShortText = ""
    sources: Annotated[tuple[Source, ...], Field(max_length=100)] = ()
    events: Annotated[tuple[CaseEvent, ...], Field(max_length=MAX_ENTRIES)] = ()
    treatments: Annotated[tuple[Treatment, ...], Field(max_length=MAX_ENTRIES)] = ()
    measurements: Annotated[tuple[CaseMeasurement, ...], Field(max_length=MAX_ENTRIES)] = ()
    responses: Annotated[tuple[StatedResponse, ...], Field(max_length=MAX_ENTRIES)] = ()
    toxicities: Annotated[tuple[Toxicity, ...], Field(max_length=MAX_ENTRIES)] = ()
    times: Annotated[tuple[ExtraTime, ...], Field(max_length=MAX_ENTRIES)] = ()
    last_possible: Id | None = None
    day_zero: ShortText = ""
    notes: Annotated[tuple[Text, ...], Field(max_length=100)] = ()

    @field_validator("sources", mode="before")
    @classmethod
    def _sources(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return [{"key": key, "text": text} for key, text in value.items()]
        return value

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(self.entries()) > MAX_ENTRIES:
            raise ValueError(
                f"a case has at most {MAX_ENTRIES} entries; split it, or leave routine counts out"
            )
        return self

    @property
    def fusion(self) -> FusionTranscript | None:
        """The fusion transcript, as the case or else all of its levels name it; None if it is not known."""
        levels = {m.finding.transcript for m in self.measurements if m.finding.kind == "transcript"}
        return known_protein(self.transcript or ", ".join(sorted(levels - {""})))

    def ids(self) -> list[str]:
        """Every ``id`` that is given, in order of the file."""
        return [entry.id for entry in self.entries()]

    def entries(self) -> tuple[Entry, ...]:
        """Everything that has a time, in order of the file."""
        return tuple(entry for group in GROUPS for entry in getattr(self, group))

    def place_of(self, name: str) -> str:
        """Where an entry stands, e.g. ``treatments[0].stop``: an id may be a patient's name."""
        entry, dot, part = name.partition(".")
        return next(
            f"{group}[{index}]{dot}{part}"
            for group in GROUPS
            for index, own in enumerate(getattr(self, group))
            if own.id == entry
        )
