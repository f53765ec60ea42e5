"""Published evidence, each item with its citation."""

from __future__ import annotations

from typing import Literal

from kinscope.core.records import Record

Relation = Literal[
    "exact", "part of the compound variant", "compound with more", "same residue", "same region"
]
"""How an item's protein change relates to the variant asked for. Only ``exact`` speaks of this variant."""


class EvidenceItem(Record):
    """One published observation of one protein change and one drug."""

    id: str
    protein_change: str
    """Isoform 1a, one-letter, e.g. ``T315I`` or ``E255K/T315I``; ``V299`` where the source names a position;
    ``T315I/*`` where it speaks of that change with any further one in cis."""
    drug: str
    """Id of the drug library; empty where it speaks of no drug."""
    kind: Literal["cell IC50 fold", "Kd", "clinical resistance", "clinical response", "in vitro screen",
                  "case report", "structure", "statement"]  # fmt: skip
    direction: Literal["resistant", "reduced sensitivity", "sensitive", "no effect", "unclear"]
    value: float | None = None
    unit: str = ""
    """E.g. ``fold``, ``nM``."""
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
    ``weak``: one patient, an association without a test of cause, a row its own source flags."""


class EvidenceHit(Record):
    """An item and how it relates to the variant asked for."""

    item: EvidenceItem
    relation: Relation


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


class EvidenceSummary(Record):
    """Everything published that the pack holds on a variant."""

    hits: tuple[EvidenceHit, ...]
    options: tuple[TreatmentOption, ...]
    searched: tuple[str, ...]
    """What was looked through for this variant, with the date, so that absence means something."""
    statement: str
    """One or two sentences: what there is and what there is not."""
