"""What kinscope concludes from a case: typed, written as ``case.json``, drawn as the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from kinscope.clinic.case.model import Case, Entry
from kinscope.clinic.case.schedule import Schedule
from kinscope.clinic.measurements import TimePoint
from kinscope.clinic.response.model import ResponseCall, TestingDue
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record, VersionedRecord

Severity = Literal["contradiction", "implausible", "open"]
Agreement = Literal["agrees", "agrees in part", "differs", "not computable"]


class Inconsistency(Record):
    """Something in the case that cannot be, is hard to believe, or is left open where it matters.

    The rule is the general check that found it; then the entries it concerns, and who states them.
    """

    rule: str
    severity: Severity
    title: str
    detail: str
    entries: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    citation: str = ""


_FINDINGS: dict[str, dict[str, str]] = read_yaml(Path(__file__).parent / "findings.yaml")


def found(rule: str, entries: Sequence[Entry], **values: object) -> Inconsistency:
    """An inconsistency of some entries, with their sources, in the words of ``findings.yaml``."""
    words = {name: text.format(*entries, **values) for name, text in _FINDINGS[rule].items()}
    ids = tuple(entry.id for entry in entries)
    sources = tuple(dict.fromkeys(entry.source for entry in entries if entry.source))
    return Inconsistency.model_validate({"rule": rule, "entries": ids, "sources": sources, **words})


class LineCalls(Record):
    """One line of therapy, by its first and last treatment, with the calls made in it."""

    line: int
    title: str
    last_title: str
    start: TimePoint | None
    calls: tuple[ResponseCall, ...]


class Comparison(Record):
    """A stated response beside the computed one."""

    entry: str
    stated: str
    at: TimePoint
    computed: str
    agreement: Agreement
    reason: str
    source: str = ""


class VariantFound(Record):
    """A variant that a screening of this case found, as ``assess`` takes it."""

    entry: str
    at: TimePoint
    expression: str
    short: str = ""
    hgvs_c: str = ""
    hgvs_p: str = ""
    command: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


class CaseResult(VersionedRecord):
    """The whole of it, made of the case without anything that names the patient.

    ``lines`` hold calls from the measurements alone, ``lines_with_statements`` the same once a stated
    remission stands in for blood counts that were never given; each such call says so in its ``basis``.
    """

    SCHEMA_VERSION: ClassVar[int] = 1
    kinscope_version: str
    pseudonym: str
    redacted: bool
    criteria: str
    criteria_title: str
    criteria_citation: str
    case: Case
    schedule: Schedule
    lines: tuple[LineCalls, ...]
    lines_with_statements: tuple[LineCalls, ...] = ()
    comparisons: tuple[Comparison, ...]
    testing: tuple[TestingDue, ...]
    variants: tuple[VariantFound, ...]
    inconsistencies: tuple[Inconsistency, ...]

    @property
    def calls(self) -> tuple[ResponseCall, ...]:
        """Every call, oldest first."""
        return tuple(call for line in self.lines for call in line.calls)
