"""What every rule of response looks at: one evaluation and what was reached before; how a call is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kinscope.clinic.measurements import Measurement, TimePoint
from kinscope.clinic.response.criteria import CriteriaSet, Rule
from kinscope.clinic.response.model import Axis, Basis, Category, ResponseCall
from kinscope.clinic.response.visits import Evaluation, evidence_of, statement_of
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record

REMISSIONS = ("CR", "CRh", "CRi", "CHR")
CLEARED = ("MLFS", "cannot be called")
AT_LEAST = "at least"
"""The level of a call that only missing blood counts kept from being a remission."""

RELAPSES = ("relapse", "extramedullary relapse", "loss of CHR", "accelerated phase", "blast phase")
ACTIVE = (*RELAPSES, "active disease", "refractory")
MAJOR_OR_DEEPER = ("MMR", "MR4", "MR4.5", "MR5", "CMR")
DEEP = ("MR4", "MR4.5", "MR5")
DEEP_LOST = "deep response lost"


class History(Record):
    """The state of the disease after some calls.

    What was reached stays reached until its loss is called: a low level, one without a number or a sample
    too poor to tell erases nothing. A haematological remission is not proven if only missing counts kept it
    from being called. Of remissions, and of complete molecular responses, a second one needs a relapse
    between. ``haematological`` is the latest call; ``known`` names chromosome changes and mutations seen
    before; ``lost_major`` is the day of an unconfirmed loss of MMR, and the level of the latest test since.
    The lowest transcript level is of the present course of treatment.
    """

    haematological: str = ""
    remission: bool = False
    remission_proven: bool = False
    remissions: int = 0
    flow_negative: bool = False
    complete_molecular: bool = False
    complete_molecular_count: int = 0
    major_molecular: bool = False
    deep_molecular: bool = False
    complete_cytogenetic: bool = False
    partial_cytogenetic: bool = False
    known: frozenset[str] = frozenset()
    lost_major: tuple[int, float] | None = None
    lowest_percent: float | None = None
    warned_day: int | None = None

    def after(self, calls: Sequence[ResponseCall]) -> History:
        """The state once these calls of one evaluation have been made."""
        state = self
        for call in calls:
            state = state._after_one(call)
        return state

    def _after_one(self, call: ResponseCall) -> History:
        updates: dict[str, object] = {}
        category = call.category
        if call.axis == "haematological":
            updates = {"haematological": category, **self._haematological(category, call.level)}
        elif call.axis == "milestone" and {used.kind for used in call.evidence} <= {"karyotype", "mutation"}:
            updates["known"] = self.known | set(filter(None, call.level.split("; ")))
        elif category == "cannot be called":
            return self
        elif call.axis == "flow MRD":
            kept = self.flow_negative and category != "MRD relapse"
            updates["flow_negative"] = category == "MRD negative" or kept
        elif call.axis == "molecular":
            updates = self._molecular(category, call.level)
        elif call.axis == "cytogenetic":
            updates["complete_cytogenetic"] = category == "CCyR"
            updates["partial_cytogenetic"] = category in ("CCyR", "PCyR", "loss of CCyR")
        return self.model_copy(update=updates)

    def _haematological(self, category: str, level: str) -> dict[str, object]:
        proven = category in REMISSIONS
        if proven or (category in CLEARED and level == AT_LEAST):
            return {
                "remission": True,
                "remission_proven": proven or (self.remission and self.remission_proven),
                "remissions": self.remissions + (not self.remission),
            }
        if category in ACTIVE:  # disease in the marrow ends every deeper response, measured or not
            responses = ("remission", "remission_proven", "flow_negative", "complete_molecular")
            deeper = ("major_molecular", "deep_molecular", "complete_cytogenetic", "partial_cytogenetic")
            return dict.fromkeys((*responses, *deeper), False)
        return {}

    def _molecular(self, category: str, level: str) -> dict[str, object]:
        complete = category == "CMR"
        back = category in ("molecular relapse", "loss of CMR")
        above = back or category in ("no MMR", "loss of MMR")
        major = category in MAJOR_OR_DEEPER or (category == "molecular response" and level.endswith("%"))
        return {
            "complete_molecular": complete or (self.complete_molecular and not back),
            "complete_molecular_count": self.complete_molecular_count
            + (complete and not self.complete_molecular),
            "major_molecular": major or (self.major_molecular and not above),
            "deep_molecular": category in DEEP or (self.deep_molecular and not above and level != DEEP_LOST),
            "lost_major": None if major else self.lost_major,
        }


ORDINALS = ("", "first", "second", "third", "fourth", "fifth")


class Said(NamedTuple):
    """What a rule says of an evaluation."""

    category: Category
    rule: Rule
    text: str
    level: str = ""
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


WORDS: dict[str, dict[str, Any]] = read_yaml(Path(__file__).parent / "words.yaml")


def worded(name: str, rule: Rule, **values: object) -> Said:
    """What a rule says, in the words that ``words.yaml`` has under a name."""
    words = {key: text.format(rule=rule, **values) for key, text in WORDS[name].items()}
    missing = (words["missing"],) if "missing" in words else ()
    return Said(words["category"], rule, words["text"], words.get("level", ""), missing)


class Situation(Record):
    """One evaluation, the rules, what came before, and when this line of treatment began and ended."""

    evaluation: Evaluation
    criteria: CriteriaSet
    history: History
    line: int = 1
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

    @property
    def off_treatment(self) -> bool:
        """Whether this treatment had been stopped before this evaluation."""
        return self.treatment_end is not None and self.evaluation.at.days > self.treatment_end.days

    def says(
        self,
        axis: Axis,
        said: Said,
        measured: Sequence[Measurement],
        chosen: Measurement | None = None,
        basis: Basis = "measured",
    ) -> ResponseCall:
        """The call of what is said, by ``chosen`` of several results where one decided, on all of them.

        It is dated by the latest measurement it rests on.
        """
        used = sorted(measured, key=lambda m: m.at.days)
        others = ", ".join(statement_of(other) for other in measured if other is not chosen)
        return ResponseCall(
            category=said.category,
            axis=axis,
            level=said.level,
            at=used[-1].at if used else self.evaluation.at,
            criterion=self.criteria.criterion(said.rule),
            evidence=tuple(evidence_of(measurement) for measurement in used),
            missing=said.missing,
            basis=basis,
            notes=said.notes,
            statement=f"{said.text}; decided by {statement_of(chosen)}, measured too: {others}"
            if chosen and others
            else said.text,
        )


def ordinal(number: int) -> str:
    """E.g. ``second``; plain digits beyond the fifth."""
    return ORDINALS[number] if number < len(ORDINALS) else f"{number}th"


def count_in(level: str) -> int:
    """What the first word of a level counts, ``third remission`` as 3; 0 where it counts nothing."""
    word = level.replace(";", " ").partition(" ")[0]
    return ORDINALS.index(word) if word in ORDINALS else 0
