"""Published evidence, each item with its citation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinscope.core.records import Record

Relation = Literal[
    "exact", "fusion transcript", "part of the compound variant", "compound with more", "same residue",
]  # fmt: skip
"""How an item relates to what was asked for. ``exact`` alone speaks of this variant; ``fusion transcript`` of
every variant in that fusion."""

Level = Literal["A", "B", "C", "D", "E"]
"""CIViC's: validated, clinical study, case reports, preclinical, inferential."""

AMP_TIERS: dict[str, str] = {"A": "I-A", "B": "I-B", "C": "II-C", "D": "II-D", "E": ""}
"""AMP/ASCO/CAP tier and level that follow (Li et al., J Mol Diagn, 2017, 19, 4); none from inference."""


class EvidenceItem(Record):
    """One published observation of one protein change and one drug."""

    id: str
    protein_change: str
    """Isoform 1a, one-letter, e.g. ``T315I`` or ``E255K/T315I``; ``V299`` where the source names a position;
    ``T315I/*`` where it speaks of that change with any further one in cis."""
    drug: str
    """Id of the drug library; empty where it speaks of no drug."""
    kind: Literal["cell IC50 fold", "Kd", "clinical resistance", "clinical response", "in vitro screen",
                  "case report", "structure", "mechanism", "germline", "statement"]  # fmt: skip
    direction: Literal["resistant", "reduced sensitivity", "sensitive", "no effect", "unclear"]
    value: float | None = None
    unit: str = ""
    """E.g. ``fold``, ``nM``."""
    bound: Literal["", ">", "<"] = ""
    """``>``: the value is a lower bound, the top of the assay."""
    summary: str
    """In our own words."""
    citation: str
    """First author, journal, year."""
    identifier: str
    """``PMID:...`` or ``doi:...``."""
    tier: Literal["measured", "published"]
    """``measured``: a laboratory measurement with a number; ``published``: a statement or an observation."""
    caveat: str = ""
    strength: Literal["strong", "moderate", "weak"] = "moderate"
    """``strong``: a trial cohort or several studies together; ``moderate``: a subgroup, a panel measurement;
    ``weak``: single patients, an association without a test of cause, a row its own source flags."""
    level: Level = "D"
    """As the source states it, else by kind and strength."""
    dated: str = ""
    """Year of the data: that of the paper."""

    @property
    def amp_tier(self) -> str:
        """AMP/ASCO/CAP tier and level, e.g. ``II-D``; empty where none follows."""
        return AMP_TIERS[self.level]


class EvidenceHit(Record):
    """An item and how it relates to the variant asked for."""

    item: EvidenceItem
    relation: Relation
    behind: tuple[str, ...] = ()
    """Guidelines and labels that say the same of this change and drug, e.g. ``ELN 2020``."""


class GuidelineLine(Record):
    """What one guideline or label says of some changes."""

    id: str
    name: str
    """E.g. ``ELN 2020``."""
    kind: Literal["guideline", "label"]
    disease: Literal["CML", "ALL", "CML and ALL"]
    protein_changes: tuple[str, ...]
    named: tuple[str, ...]
    """Drugs it names for these changes."""
    scope: tuple[str, ...]
    """Drugs it chooses among; one that is not named is left out, which is no finding of resistance."""
    reservations: dict[str, str] = Field(default_factory=dict)
    """Footnotes, by ``drug change``."""
    text: str
    """In our own words."""
    citation: str
    identifier: str
    dated: str


class GuidelineStance(Record):
    """What a guideline or label says of one drug and the variant asked for."""

    id: str
    """Of the line."""
    name: str
    kind: Literal["guideline", "label"]
    drug: str
    stance: Literal["named", "named with a reservation", "not named"]
    protein_change: str
    """What it speaks of: the variant, or a part of a compound one, for which no guideline has a line."""
    relation: Relation
    text: str
    citation: str
    identifier: str
    dated: str


class Approval(Record):
    """Where a drug of the pack stands."""

    drug: str
    status: Literal["approved", "approved in China", "approved for another disease", "tool compound"]
    diseases: tuple[Literal["CML", "ALL"], ...] = ()
    text: str
    citation: str
    dated: str
    suppressed_up_to_fold: float | None = None
    """Where concentrations that patients reach suppress changes of more than fourfold: up to which fold."""

    @property
    def is_tool(self) -> bool:
        """Whether it belongs below the drugs that a patient with this disease could be given."""
        return self.status not in ("approved", "approved in China")


class Sighting(Record):
    """How often a change was seen in patients of one source."""

    protein_change: str
    patients: int
    of: int
    """Patients with any mutation in that source."""
    setting: str
    """E.g. ``imatinib resistance, six cohorts``."""
    citation: str
    identifier: str


class KinEstimate(Record):
    """What the same change with other drugs, and other changes of its residue, say of one pair."""

    drug: str
    fold: float
    """Of the cell IC50, median."""
    low: float
    high: float
    """90 % of what a laboratory would measure."""
    same_variant: int
    """Pairs of the same change with other drugs of the site that speak."""
    same_residue: int
    """Pairs of other changes of the residue with this drug or others of the site."""
    part: str = ""
    """The part of a compound variant that it is of; empty: of the variant asked for."""


class TrackRecord(Record):
    """How often a verdict of this kind was right where the pair was measured."""

    kind: str
    """E.g. ``published, sensitivity reported``."""
    right: int
    total: int
    threshold_fold: float
    """Fold change from which a pair counted as resistant."""
    how: str
    """What was hidden, e.g. ``study hidden``."""

    @property
    def words(self) -> str:
        """E.g. ``right in 20 of 22 pairs of this kind``."""
        return f"right in {self.right} of {self.total} pairs of this kind"


class TreatmentOption(Record):
    """A therapy by mode of action with its published evidence; never a prescription."""

    id: str
    name: str
    mode_of_action: str
    depends_on_abl1_binding: bool
    """False for CD19- or CD22-directed therapy and the like, which a kinase mutation cannot touch."""
    drugs: tuple[str, ...]
    """Ids of the drug library it contains."""
    evidence: str
    """Published figures, in our own words."""
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    citations: tuple[str, ...]
    diseases: tuple[Literal["CML", "ALL"], ...] = ("CML", "ALL")
    """For which it is offered."""
    approval: str = ""
    """Where it stands, with the date of that."""


class Search(Record):
    """A source that the pack was curated from."""

    source: str
    only: str = ""
    """The protein change that it was looked through for; empty: every change."""
    items: tuple[str, ...] = ()
    """How the ids of the items taken from it begin; given, they are counted for the residue asked about."""


class EvidenceBase(Record):
    """Everything a target pack holds of published evidence."""

    items: tuple[EvidenceItem, ...]
    options: tuple[TreatmentOption, ...]
    """The options with what holds for every variant; :func:`kinscope.evidence.lookup` adds the variant's."""
    searched: tuple[Search, ...]
    fusions: tuple[EvidenceItem, ...] = ()
    """What holds for a fusion transcript, which stands in place of the protein change."""
    guidelines: tuple[GuidelineLine, ...] = ()
    approvals: tuple[Approval, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    track: tuple[TrackRecord, ...] = ()


class EvidenceSummary(Record):
    """Everything published that the pack holds on a variant."""

    hits: tuple[EvidenceHit, ...]
    options: tuple[TreatmentOption, ...]
    searched: tuple[str, ...]
    """What was looked through for this variant, with the date, so that absence means something."""
    statement: str
    """One or two sentences: what there is and what there is not."""
    guidelines: tuple[GuidelineStance, ...] = ()
    """What guidelines and labels say, by drug; empty: none has a line on the variant or a part of it."""
    approvals: tuple[Approval, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    kin: tuple[KinEstimate, ...] = ()
    """For drugs without a measurement of this change; nothing on a residue that was never measured."""
    track: tuple[TrackRecord, ...] = ()
    distances_angstrom: dict[str, float] = Field(default_factory=dict)
    """From each drug's known pose to the nearest substituted residue."""
    fusion_matters: bool = False
    """Whether some fusion transcript decides on a drug by itself."""
    transcript: str = ""
    """The fusion transcript that was given, e.g. ``e14a2``."""
