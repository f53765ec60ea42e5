"""What every rule of response looks at, and how a call is written down."""

from __future__ import annotations

from kinscope.clinic.measurements import Measurement, TimePoint
from kinscope.clinic.response_criteria import CriteriaSet, Rule
from kinscope.clinic.response_history import History
from kinscope.clinic.response_model import Axis, Basis, Category, ResponseCall
from kinscope.clinic.response_visits import Evaluation, evidence_of
from kinscope.core.records import Record

ORDINALS = ("", "first", "second", "third", "fourth", "fifth")


class Findings(Record):
    """What a call rests on, what it lacked, and what a reader should know beside it."""

    evidence: tuple[Measurement, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    basis: Basis = "measured"


class Situation(Record):
    """One evaluation, the rules, what came before, and when this treatment began and ended."""

    evaluation: Evaluation
    criteria: CriteriaSet
    history: History
    treatment_start: TimePoint | None = None
    treatment_end: TimePoint | None = None

    @property
    def days_treated(self) -> int | None:
        """Days since this treatment began; None where the start is not known."""
        if self.treatment_start is None:
            return None
        return self.evaluation.at.days - self.treatment_start.days

    @property
    def before_treatment(self) -> bool:
        """Whether the evaluation lies before this treatment or on its first day."""
        return self.days_treated is not None and self.days_treated <= 0

    @property
    def at_treatment_end(self) -> bool:
        """Whether this treatment was given up at or before this evaluation (a week of grace)."""
        return self.treatment_end is not None and self.evaluation.at.days >= self.treatment_end.days - 7

    def call(
        self,
        category: Category,
        axis: Axis,
        rule: Rule,
        statement: str,
        findings: Findings,
        level: str = "",
    ) -> ResponseCall:
        """A call at this evaluation, dated by the latest measurement it rests on."""
        used = sorted(findings.evidence, key=lambda m: m.at.days)
        return ResponseCall(
            category=category,
            axis=axis,
            level=level,
            at=used[-1].at if used else self.evaluation.at,
            criterion=self.criteria.criterion(rule),
            evidence=tuple(evidence_of(measurement) for measurement in used),
            missing=findings.missing,
            basis=findings.basis,
            notes=findings.notes,
            statement=statement,
        )


def ordinal(number: int) -> str:
    """E.g. ``second``; plain digits beyond the fifth."""
    return ORDINALS[number] if number < len(ORDINALS) else f"{number}th"
