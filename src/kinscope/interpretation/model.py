"""The study's whole result: what `result.json` holds and the report shows."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from kinscope.core.records import Record, VersionedRecord
from kinscope.evidence.model import (
    EvidenceSummary,
    GuidelineStance,
    KinEstimate,
    Level,
    TrackRecord,
    TreatmentOption,
)
from kinscope.results.docking import Call, Reach, RelaxedComparison
from kinscope.results.measured import (
    ContactChange,
    Difference,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    SimulationSummary,
)
from kinscope.results.models import ModelRecord
from kinscope.results.trajectories import StateMobility, TrajectoryComparison
from kinscope.variants.model import Variant


class Reason(Record):
    """One measurement or publication that speaks for or against a verdict."""

    tier: Literal["computed", "measured", "published"]
    text: str
    source: str
    """A citation, or the step of this run that computed it."""
    weight: Literal["strong", "moderate", "weak"]


class BindingCall(Record):
    """What drug and surroundings relaxed together come to in one state."""

    state: str
    difference_kcal_per_mol: Difference
    """Of interaction energies, mutant less native."""
    call: Call


class MeasuredFold(Record):
    """One published fold change, mutant over native."""

    item: str
    """Id of the evidence item."""
    fold: float
    bound: Literal["", ">", "<"]
    assay: str
    citation: str
    identifier: str
    averaged: bool = True
    """Whether the mean that is shown holds it: one assay, Kd only where no cell was measured."""


class Predicted(Record):
    """A computed change of binding free energy with what it is worth; made by `kinscope.affinity`."""

    drug: str
    part: str = ""
    """The part of a compound variant that it is of; empty: of the variant asked for."""
    ddg_kcal_mol: float
    """Mutant less native; positive: binds less well."""
    low: float
    high: float
    probability_lost: float
    """Of a tenfold loss or more."""
    nearest_residue: int
    """The measured residue nearest to the variant's."""
    reach_angstrom: float
    """From the drug to the variant's residue."""
    call: Literal["lost", "kept", "loss suspected", "open", "out of reach"] = "open"
    """What the interval allows to be said of a tenfold loss."""
    track: TrackRecord | None = None
    drivers: dict[str, float] = Field(default_factory=dict)
    """What each term adds, kcal/mol."""
    measured_kcal_mol: float | None = None
    """What was measured of this pair and left out of the prediction."""
    fold_rule: str = ""
    """Why it may be no kinase: ``catalytic``, ``packing``, ``not computed``; empty: nothing says so."""
    packing_excess_kcal_mol: float = 0.0
    fold_tested: tuple[int, int] = (0, 0)
    """How many measured substitutions, active kinases all, ``packing`` flags, and of how many."""


class Sight(Record):
    """What a computation could have seen of the variant's effect on one drug."""

    word: Literal["out of reach", "in reach, tested", "in reach, not tested", "contradicted"]
    distance_angstrom: float | None
    """From the drug to the substituted residue, in the drug's own state."""
    text: str
    track: TrackRecord | None = None


Basis = Literal[
    "published", "fusion transcript", "part of the variant", "inferred from kin", "predicted", "computed"
]
VerdictWord = Literal[
    "resistance reported", "reduced sensitivity reported", "sensitivity reported",
    "resistance inferred", "reduced sensitivity inferred", "sensitivity inferred",
    "resistance predicted", "sensitivity predicted",
    "reduced binding expected", "no loss of binding detected", "not resolved",
]  # fmt: skip
"""``reported``: of exactly this change; ``inferred``: from parts or kin; ``predicted``: free energies;
``binding``: models of this run alone."""


class DrugVerdict(Record):
    """What is concluded of one drug, with the reasons on both sides."""

    drug: str
    verdict: VerdictWord
    confidence: Literal["high", "moderate", "low"]
    mechanism: str
    """What the computation shows: ``steric clash``, ``lost contact``, ``shift towards the active
    conformation``, ``none seen`` or ``not resolved``."""
    reasons_for_binding: tuple[Reason, ...]
    reasons_against_binding: tuple[Reason, ...]
    summary: str
    binding: tuple[BindingCall, ...] = ()
    """Relaxed complexes, a call per state that holds the drug, its own first; empty: out of reach."""
    basis: Basis = "computed"
    level: Level | Literal[""] = ""
    """CIViC level of the best item that decides; empty where no item does."""
    amp_tier: str = ""
    dated: str = ""
    """Years of the data that decide, e.g. ``2009-2020``."""
    guidelines: tuple[GuidelineStance, ...] = ()
    disagreements: tuple[str, ...] = ()
    """What stands against the verdict: a guideline, a label, strong evidence, another tier; and why."""
    measured: tuple[MeasuredFold, ...] = ()
    measured_fold: float | None = None
    """Geometric mean of cell IC50, of Kd where there is none."""
    published_mechanisms: tuple[Reason, ...] = ()
    inferred: KinEstimate | None = None
    inferred_word: str = ""
    """``resistance inferred`` and so on; shown beside, whatever decides; empty: silent."""
    predicted: Predicted | None = None
    sight: Sight | None = None
    track: TrackRecord | None = None
    tool_compound: bool = False
    """Not approved for this disease anywhere: shown apart."""
    approval: str = ""
    """Where it stands, with the date of that."""


class Answer(Record):
    """The answer in two sentences, and how sure it is."""

    sentences: tuple[str, ...]
    confidence: Literal["high", "moderate", "low"]
    confidence_reason: str


class MobilityFinding(Record):
    """One reading that bears on a question."""

    method: Literal["md", "network", "models"]
    where: str
    """Of what, in which state, in words."""
    result: str
    """With its interval and effect size, where there is one."""
    verdict: str
    """``resolved: ...``, ``no change of 0.05 Å or more``, ``not resolved`` or what is observed, in words."""
    sampling: str


class MobilityQuestion(Record):
    """A question on motion, what this study read on it, and how far that carries."""

    id: str
    """``bound``, ``window``, ``states``, ``pocket NAME``, ``open``, ``crystals``, ``preference`` or
    ``contacts``."""
    question: str
    answer: str
    """What the readings come to."""
    findings: tuple[MobilityFinding, ...]
    settled_by: str = ""
    """What would decide it, where this study cannot."""
    said: str = ""
    """What a reference study of this variant says to it."""
    said_by: str = ""
    """Its citation and identifier."""


class Assessment(Record):
    """The reasoned part of the result; what earlier ones held besides is passed over."""

    model_config = ConfigDict(extra="ignore")

    answer: Answer
    verdicts: tuple[DrugVerdict, ...]
    limits: tuple[str, ...]
    finding: str = ""
    """What the substitution does to its surroundings in every modelled state, if anything."""
    questions: tuple[MobilityQuestion, ...] = ()
    """What was asked of motion, each with its readings and verdict."""
    options: tuple[TreatmentOption, ...] = ()
    """The options of the evidence, with what the verdicts of this run add on either side."""
    next_steps: tuple[str, ...] = ()
    """Three: an assay that would decide, the clone, what to repeat."""


class StepProvenance(Record):
    """How one artefact came about."""

    step: str
    label: str
    key: str
    reused: bool
    """True if it came from the store or the shared cache."""
    seed: int | None
    wall_seconds: float
    platform: str


class Measurements(Record):
    """Everything computed in the run that interpretation reads; unknown keys are passed over."""

    model_config = ConfigDict(extra="ignore")

    models: tuple[ModelRecord, ...]
    geometries: tuple[ModelGeometry, ...]
    contact_changes: tuple[ContactChange, ...]
    docking: tuple[DockingComparison, ...]
    profiles: tuple[FluctuationProfile, ...]
    regions: tuple[RegionComparison, ...]
    pockets: tuple[PocketComparison, ...]
    simulations: tuple[SimulationSummary, ...]
    trajectories: tuple[TrajectoryComparison, ...] = ()
    """What the trajectories of each simulated system show, mutant against native."""
    state_mobility: tuple[StateMobility, ...] = ()
    """DFG-out against DFG-in, by each method and for each variant."""
    relaxed: tuple[RelaxedComparison, ...] = ()
    """Drugs relaxed together with their surroundings, where a substituted residue is among these."""
    reach: tuple[Reach, ...] = ()
    """How far each drug of the pack lies from the substituted residues, docked or not."""


class StudyResult(VersionedRecord):
    """One assessment of one variant."""

    kinscope_version: str
    created: str
    """ISO date of the run (UTC, to the day: the result does not otherwise depend on the clock)."""
    target: str
    variant: Variant
    preset: str
    settings: dict[str, object]
    """The study's settings as given, every number of every protocol."""
    measurements: Measurements
    evidence: EvidenceSummary
    assessment: Assessment
    versions: dict[str, str]
    """Of kinscope and every library that computed something."""
    provenance: tuple[StepProvenance, ...]

    def __repr__(self) -> str:
        """One line."""
        said = ", ".join(f"{one.drug} {one.verdict}" for one in self.assessment.verdicts)
        return f"<{self.variant.gene} {self.variant.short}: {said}>"
