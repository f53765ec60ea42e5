"""Measurements that belong together: one evaluation of the disease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from kinscope.clinic.measurements import (
    BlastPercent,
    BloodCounts,
    FlowMrd,
    KaryotypeFinding,
    Measurement,
    MutationFinding,
    TimePoint,
    TranscriptLevel,
)
from kinscope.clinic.response.model import EvidenceUsed
from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

M = TypeVar("M")


class Evaluation(Record):
    """What was measured within one window of time, oldest first in each tuple.

    ``before`` holds the blood counts of the window before it, and the marrow and flow MRD where it has none
    of its own: a count belongs to the marrow beside it, on whichever side of a second count that is.
    """

    at: TimePoint
    taken: tuple[Measurement, ...]
    before: tuple[Measurement, ...] = ()

    def of(self, kind: type[M]) -> tuple[M, ...]:
        """What was taken of a kind."""
        return tuple(m for m in self.taken if isinstance(m, kind))

    def marrow_blasts(self) -> BlastPercent | None:
        """The marrow's highest blast percentage: by morphology where there is one, else by any method."""
        return _fullest(self.of(BlastPercent))

    def marrow_before(self) -> BlastPercent | None:
        """The latest marrow of the window before, where this evaluation has none."""
        marrow = [b for b in self.before if isinstance(b, BlastPercent)]
        return _fullest([b for b in marrow if b.at.days == marrow[-1].at.days]) if marrow else None

    def blood_blasts_percent(self) -> float | None:
        """Blasts in the blood, from the differential or a measurement of their own."""
        values = [c.blood_blasts_percent for c in self.of(BloodCounts) if c.blood_blasts_percent is not None]
        values += [b.percent for b in self.of(BlastPercent) if b.material == "peripheral blood"]
        return max(values) if values else None

    def extramedullary(self) -> bool | None:
        """Whether disease outside the marrow was found; None where nothing is said."""
        said = [
            c.extramedullary_disease for c in self.of(BloodCounts) if c.extramedullary_disease is not None
        ]
        liquor = [b.percent > 0 for b in self.of(BlastPercent) if b.material == "cerebrospinal fluid"]
        if any(said) or any(liquor):
            return True
        return False if said else None

    def blood_counts(self) -> tuple[BloodCounts, ...]:
        """The counts of the window before, and its own."""
        return (*(c for c in self.before if isinstance(c, BloodCounts)), *self.of(BloodCounts))

    def count(self, field: str, worse: Callable[[Iterable[float]], float] = max) -> float | None:
        """A number, yes (1) or no (0), of the latest day that gives it; the ``worse`` of two of one day."""
        given = [(c.at.days, float(v)) for c in self.blood_counts() if (v := getattr(c, field)) is not None]
        return worse(value for day, value in given if day == given[-1][0]) if given else None


def _fullest(blasts: Sequence[BlastPercent]) -> BlastPercent | None:
    marrow = [b for b in blasts if b.material == "bone marrow"]
    by_eye = [b for b in marrow if b.method == "morphology"]
    return max(by_eye or marrow, key=lambda b: b.percent, default=None)


def evaluations(measurements: Sequence[Measurement], window_days: int) -> tuple[Evaluation, ...]:
    """Group measurements that were taken together, oldest first.

    An evaluation begins with a day and takes the days that follow within ``window_days``; a day with a second
    measurement of the same kind, material and method begins a new one. What is of one day stays together;
    what is entered twice counts once.

    Raises BadInputError if calendar dates and relative days are mixed.
    """
    check_one_clock([m.at for m in measurements])
    # Within a day by content, so that the order of entry decides nothing.
    ordered = sorted(measurements, key=lambda m: (m.at.days, m.model_dump_json()))
    once = {m.model_dump_json(exclude={"note", "source"}): m for m in ordered}
    groups: list[list[Measurement]] = []
    for day, taken in groupby(once.values(), key=lambda m: m.at.days):
        together = list(taken)
        near = bool(groups) and day - groups[-1][0].at.days <= window_days
        if near and not any(_is_same_test(one, other) for one in together for other in groups[-1]):
            groups[-1] += together
        else:
            groups.append(together)
    return tuple(_evaluation(group, tuple(once.values()), window_days) for group in groups)


def check_one_clock(points: Sequence[TimePoint]) -> None:
    """Refuse a course that mixes calendar dates with relative days."""
    if len({point.clock for point in points}) > 1:
        raise BadInputError(
            "Calendar dates and relative days are mixed.",
            where=next(f"the time {p.label()!r}" for p in points if p.clock == "relative"),
            remedy="Give every measurement and the start of treatment on one clock.",
        )


def _is_same_test(one: Measurement, other: Measurement) -> bool:
    """Of one kind and method, and not known to be of two materials."""
    two = {one.material, other.material} - {"not stated"}
    same = one.kind == other.kind and getattr(one, "method", "") == getattr(other, "method", "")
    return same and len(two) < 2


def _evaluation(group: list[Measurement], course: Sequence[Measurement], window_days: int) -> Evaluation:
    first, last = group[0].at.days, group[-1].at.days
    own = {"marrow" if m.kind == "blasts" and m.material == "bone marrow" else m.kind for m in group}
    before = [
        m
        for m in course
        if last - window_days <= m.at.days < first
        and (
            m.kind == "counts" or m.kind in {"flow-mrd"} - own or (m.kind == "blasts" and "marrow" not in own)
        )
    ]
    return Evaluation(at=group[-1].at, taken=tuple(group), before=tuple(before))


def evidence_of(measurement: Measurement) -> EvidenceUsed:
    """A measurement in a few words, as calls cite it."""
    return EvidenceUsed(kind=measurement.kind, at=measurement.at, statement=statement_of(measurement))


def statement_of(measurement: Measurement) -> str:
    """E.g. ``blasts 89 % (bone marrow, flow cytometry)``."""
    if isinstance(measurement, BlastPercent):
        return f"blasts {measurement.percent:g} % ({measurement.material}, {_method(measurement.method)})"
    if isinstance(measurement, BloodCounts):
        return _counts_statement(measurement)
    if isinstance(measurement, TranscriptLevel):
        return _transcript_statement(measurement)
    if isinstance(measurement, FlowMrd):
        return _flow_statement(measurement)
    if isinstance(measurement, KaryotypeFinding):
        return f"karyotype {measurement.iscn}"
    if isinstance(measurement, MutationFinding):
        found = measurement.expression if measurement.detected else "no mutation"
        return f"{measurement.gene} {measurement.region}: {found} ({_method(measurement.method)})"
    return f"stated by the treating centre: {measurement.category}"


def _method(method: str) -> str:
    return "method not stated" if method == "not stated" else method


def _counts_statement(counts: BloodCounts) -> str:
    named = (
        ("neutrophils", counts.neutrophils_giga_per_litre, "G/L"),
        ("platelets", counts.platelets_giga_per_litre, "G/L"),
        ("leucocytes", counts.leucocytes_giga_per_litre, "G/L"),
        ("haemoglobin", counts.haemoglobin_gram_per_litre, "g/L"),
        ("basophils", counts.basophils_percent, "%"),
        ("blood blasts", counts.blood_blasts_percent, "%"),
    )
    parts = [f"{name} {value:g} {unit}" for name, value, unit in named if value is not None]
    flags = (
        (counts.extramedullary_disease, "extramedullary disease"),
        (counts.spleen_palpable, "palpable spleen"),
        (counts.immature_granulocytes, "immature granulocytes"),
    )
    parts += [name if said else f"no {name}" for said, name in flags if said is not None]
    return ", ".join(parts) or "blood count without numbers"


def _transcript_statement(level: TranscriptLevel) -> str:
    transcript = f" {level.transcript}" if level.transcript else ""
    gene = "" if level.control_gene == "not stated" else f"/{level.control_gene}"
    scale = " on the international scale" if level.on_international_scale else ""
    where = "" if level.material == "not stated" else f" ({level.material})"
    amount = "detected, not quantified" if level.percent is None else f"{level.percent:g} %{scale}"
    return f"BCR::ABL1{transcript}{gene} {amount if level.detected else 'not detected'}{where}"


def _flow_statement(flow: FlowMrd) -> str:
    where = "" if flow.material == "bone marrow" else f" ({flow.material})"
    if not flow.detected:
        depth = "not stated" if flow.sensitivity_percent is None else f"{flow.sensitivity_percent:g} %"
        return f"flow MRD not detected (sensitivity {depth}){where}"
    return "flow MRD " + ("detected" if flow.level_percent is None else f"{flow.level_percent:g} %") + where
