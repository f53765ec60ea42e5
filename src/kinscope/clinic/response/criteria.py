"""Published definitions of response as data: thresholds with the rule and the source they come from.

A set is a YAML file under ``criteria/``; a laboratory or a trial can write its own and name its path.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from kinscope.clinic.measurements import Material
from kinscope.clinic.response.model import Category, Criterion, Disease
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_record, read_yaml
from kinscope.core.records import Record

Limit = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=0, le=40_000)]
Text = Annotated[str, Field(min_length=1, max_length=400)]

R = TypeVar("R", bound=Record)
ROOT = Path(__file__).parents[1] / "criteria"
TESTING_FILE, SHARED_FILE = "mutation-testing", "shared-rules"


class Rule(Record):
    """The words and the source of one rule; thresholds stand in its subclasses.

    A rule without citation or standing takes its set's; the id of one that sets share stands for it.
    ``line`` is the table and row, section or page of the publication, marked ``not opened`` where it was
    known from elsewhere.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9./-]{1,79}$")]
    text: Text
    citation: Annotated[str, Field(max_length=400)] = ""
    identifier: Annotated[str, Field(max_length=200)] = ""
    line: Annotated[str, Field(max_length=200)] = ""
    standing: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="before")
    @classmethod
    def _shared(cls, value: Any) -> Any:
        return _shared_rules().get(value, value) if isinstance(value, str) else value


class RecoveryRule(Rule):
    """Recovery of both counts, partial in CRh."""

    neutrophils_above_giga_per_litre: Limit
    platelets_above_giga_per_litre: Limit


class RemissionRule(RecoveryRule):
    """Complete remission of ALL; flow MRD, where measured, must be below ``residual_below_percent``."""

    marrow_blasts_below_percent: Limit
    residual_below_percent: Limit | None = None


class RelapseRule(Rule):
    """Return of the disease after a remission."""

    marrow_blasts_from_percent: Limit


class RefractoryRule(Rule):
    """No remission under treatment, callable from a day on or at the treatment's end."""

    after_days: Days


class LeukaemiaCriteria(Record):
    """Haematological rules for ALL."""

    remission: RemissionRule
    partial: RecoveryRule | None = None
    incomplete: Rule
    leukaemia_free: Rule | None = None
    relapse: RelapseRule
    refractory: RefractoryRule


class ChrRule(Rule):
    """Complete haematological response of CML."""

    leucocytes_below_giga_per_litre: Limit
    platelets_below_giga_per_litre: Limit
    basophils_below_percent: Limit


class PhaseRule(Rule):
    """An advanced phase of CML; other classifications begin it from ``others_from_percent`` blasts."""

    blasts_from_percent: Limit
    others_from_percent: Limit | None = None


class AcceleratedRule(PhaseRule):
    """Accelerated phase of CML."""

    basophils_from_percent: Limit
    platelets_below_giga_per_litre: Limit


class CmlCriteria(Record):
    """Haematological rules for CML."""

    remission: ChrRule
    blast_phase: PhaseRule
    accelerated: AcceleratedRule | None = None


class NegativeRule(Rule):
    """Residual disease not detected by an assay of at least this sensitivity."""

    sensitivity_percent: Limit


class FromRule(Rule):
    """Holds from a level on."""

    from_percent: Limit


class FlowCriteria(Record):
    """Residual disease by flow cytometry, judged in the material that the rules name."""

    compartment: Material = "bone marrow"
    negative: NegativeRule
    positive: FromRule
    relapse: FromRule


class DepthRule(Rule):
    """Undetectable at this depth, as minus log10 of the ratio."""

    depth_log: Annotated[float, Field(ge=1, le=9)]


class AtMostRule(Rule):
    """Holds up to a level."""

    at_most_percent: Limit


class RiseRule(Rule):
    """A rise by a factor over the lowest level, to at least ``from_percent``."""

    factor: Annotated[float, Field(gt=1, le=1e6)]
    from_percent: Limit


class LeukaemiaMolecularCriteria(Record):
    """Transcript levels in Ph+ ALL; a response is one of the material that the rules name."""

    compartment: Material = "bone marrow"
    complete: DepthRule
    major: AtMostRule
    relapse: FromRule
    rise: RiseRule


class CmlMolecularCriteria(Rule):
    """Transcript levels in CML, on the international scale; a response is one of the material named."""

    compartment: Material = "peripheral blood"
    major_at_most_percent: Limit


class CytogeneticCriteria(Rule):
    """Shares of Ph+ metaphases."""

    minimum_metaphases: Annotated[int, Field(ge=1, le=1000)]
    partial_to_percent: Limit
    minor_to_percent: Limit
    minimal_to_percent: Limit


class MilestoneRule(Rule):
    """What a response means between two days of treatment, near the date of a milestone.

    By the level on the international scale, by the share of Ph+ metaphases, and by CHR where it is needed.
    """

    from_day: Days
    to_day: Days | None = None
    optimal_at_most_percent: Limit
    optimal_excludes_limit: bool = False
    failure_above_percent: Limit | None = None
    confirm_from_days: Days | None = None
    confirm_to_days: Days | None = None
    ph_optimal_at_most_percent: Limit | None = None
    ph_optimal_excludes_limit: bool = False
    ph_failure_above_percent: Limit | None = None
    needs_chr: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.to_day is not None and self.to_day < self.from_day:
            raise ValueError("to_day lies before from_day")
        failure = self.failure_above_percent
        if failure is not None and failure < self.optimal_at_most_percent:
            raise ValueError("failure_above_percent lies below optimal_at_most_percent")
        if (self.confirm_from_days is None) != (self.confirm_to_days is None):
            raise ValueError("confirm_from_days and confirm_to_days belong together")
        return self


class LossRule(Rule):
    """Responses whose loss counts, at any time, in these lines of treatment (all where none are named).

    With ``confirmed_from_percent`` a loss of MMR counts only once two consecutive tests show it, one of them
    at this level or more; until then it is a warning.
    """

    categories: tuple[Category, ...]
    verdict: Literal["warning", "failure"]
    confirmed_from_percent: Limit | None = None
    lines: tuple[int, ...] = ()


class ChangeRule(Rule):
    """Additional chromosome changes under treatment; ``any_change`` or only those of high risk."""

    any_change: bool = False


class MutationRule(Rule):
    """Mutations under treatment; ``any_mutation``, or only one that confers resistance to the drug in use."""

    any_mutation: bool = False


class CriteriaSet(Record):
    """One published set of definitions; ``second_line`` replaces the milestones after a first failure."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,39}$")]
    disease: Disease
    title: Text
    citation: Text
    identifier: Annotated[str, Field(max_length=200)] = ""
    standing: Annotated[str, Field(max_length=200)] = ""
    window_days: Annotated[int, Field(ge=0, le=90)] = 14
    haematological: LeukaemiaCriteria | CmlCriteria
    flow: FlowCriteria | None = None
    molecular: LeukaemiaMolecularCriteria | CmlMolecularCriteria
    cytogenetic: CytogeneticCriteria | None = None
    milestones: tuple[MilestoneRule, ...] = ()
    second_line: tuple[MilestoneRule, ...] = ()
    losses: tuple[LossRule, ...] = ()
    treatment_free: Rule | None = None
    baseline_change: Rule | None = None
    high_risk_change: ChangeRule | None = None
    resistance_mutation: MutationRule | None = None

    def milestones_of(self, line: int) -> tuple[MilestoneRule, ...]:
        """The milestones of a line of treatment; none beyond the second where that has a table of its own."""
        if not self.second_line or line == 1:
            return self.milestones
        return self.second_line if line == 2 else ()

    @model_validator(mode="after")
    def _of_one_disease(self) -> Self:
        lymphoblastic = isinstance(self.haematological, LeukaemiaCriteria)
        if lymphoblastic != (self.disease == "ph-all"):
            raise ValueError("the haematological rules are of another disease")
        if lymphoblastic != isinstance(self.molecular, LeukaemiaMolecularCriteria):
            raise ValueError("the molecular rules are of another disease")
        return self

    def criterion(self, rule: Rule) -> Criterion:
        """The rule as calls cite it, with the set's source where it has none of its own."""
        return Criterion(
            id=rule.id,
            criteria_set=self.id,
            text=rule.text,
            citation=rule.citation or self.citation,
            identifier=rule.identifier if rule.citation else self.identifier,
            line=rule.line,
            standing=rule.standing or self.standing,
        )


class TestingTrigger(Rule):
    """Calls that make mutation testing due, but for those by a rule of ``not_for``."""

    __test__ = False  # not a test case, whatever the name says to pytest

    disease: Disease
    categories: tuple[Category, ...]
    not_for: tuple[str, ...] = ()


class TestingRules(Record):
    """The triggers, and when a screening counts for one: so many days before it to so many after it."""

    __test__ = False

    days_before: Days
    days_after: Days
    triggers: tuple[TestingTrigger, ...]


@lru_cache(maxsize=1)
def _shared_rules() -> dict[str, Any]:
    return {rule["id"]: rule for rule in read_yaml(ROOT / f"{SHARED_FILE}.yaml")}


def _names() -> list[str]:
    return sorted(path.stem for path in ROOT.glob("*.yaml") if path.stem not in (TESTING_FILE, SHARED_FILE))


def available_criteria() -> tuple[CriteriaSet, ...]:
    """The sets that ship with kinscope."""
    return tuple(map(_shipped, _names()))


def load_criteria(name: str | Path) -> CriteriaSet:
    """A shipped set by its identifier, or a set in a file of its own.

    Raises BadInputError if there is no such set, or its file is invalid.
    """
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise BadInputError("There is no such criteria file.", where=str(path)[:200])
        return _read(path, CriteriaSet)
    if name not in _names():
        raise BadInputError(
            f"There is no criteria set {name[:40]!r}.",
            where="criteria",
            remedy=f"Choose from: {', '.join(_names())}; or name a YAML file of your own.",
        )
    return _shipped(name)


def criteria_for(disease: Disease, criteria: str | Path | CriteriaSet) -> CriteriaSet:
    """A set that is of this disease, as :func:`load_criteria` finds it.

    Raises BadInputError as that does, and if the criteria are of another disease.
    """
    chosen = criteria if isinstance(criteria, CriteriaSet) else load_criteria(criteria)
    if chosen.disease != disease:
        raise BadInputError(
            f"The criteria {chosen.id} are for {chosen.disease}, not for {disease}.",
            where="criteria",
            remedy="Choose from: " + ", ".join(s.id for s in available_criteria() if s.disease == disease),
        )
    return chosen


@lru_cache(maxsize=16)
def _shipped(name: str) -> CriteriaSet:
    return _read(ROOT / f"{name}.yaml", CriteriaSet)


@lru_cache(maxsize=1)
def testing_rules() -> TestingRules:
    """The published occasions for BCR::ABL1 kinase-domain mutation testing."""
    return _read(ROOT / f"{TESTING_FILE}.yaml", TestingRules)


def _read(path: Path, kind: type[R]) -> R:
    remedy = "Compare with a set that ships with kinscope (src/kinscope/clinic/criteria)."
    return read_record(path, kind, "The criteria are not valid", remedy)
