"""What kinscope knows of a variant before any model is built."""

from __future__ import annotations

from kinscope.core.records import Record, VersionedRecord


class CodingChange(Record):
    """A single-base (or, where asked, multi-base) coding change that makes the substitution."""

    hgvs_c: str
    """E.g. ``NM_005157.6:c.1210A>G``."""
    codon_reference: str
    codon_variant: str
    hgvs_g: str
    """E.g. ``NC_000009.12:g.130874992A>G`` (GRCh38)."""
    given: bool
    """True if the user named this base change, False if it was derived from the protein change."""


class Substitution(Record):
    """One residue replaced by another, in isoform-1a numbering."""

    wild_type: str
    """One-letter code."""
    position: int
    mutant: str
    """One-letter code."""
    position_1b: int
    """Residue number in isoform 1b; 0 where the residue is not part of it."""
    coding_changes: tuple[CodingChange, ...]
    """Every single-base change that makes it; empty if no single base can."""
    domain: str
    """Region name of kind ``domain``; empty if none."""
    regions: tuple[str, ...]
    """Names of every region that holds the residue, domain included."""

    @property
    def short(self) -> str:
        """E.g. ``K404E``."""
        return f"{self.wild_type}{self.position}{self.mutant}"


class Variant(VersionedRecord):
    """One substitution, or several in cis."""

    text: str
    """As the user wrote it, in plain ASCII characters."""
    gene: str
    substitutions: tuple[Substitution, ...]
    """In order of position."""
    hgvs_p: str
    """E.g. ``NP_005148.2:p.Lys404Glu`` or ``NP_005148.2:p.[Glu255Lys;Thr315Ile]``."""
    hgvs_p_1b: str
    """The same in isoform 1b; empty where a residue is not part of it."""
    vrs_id: str = ""
    """GA4GH VRS 2.0 allele identifier of the protein change; empty for several substitutions."""
    notes: tuple[str, ...] = ()
    """What a reader must know: numbering converted, several coding changes possible, and the like."""

    @property
    def short(self) -> str:
        """E.g. ``K404E`` or ``E255K/T315I``."""
        return "/".join(substitution.short for substitution in self.substitutions)

    @property
    def slug(self) -> str:
        """The short name as a file name."""
        return "_".join(substitution.short for substitution in self.substitutions)

    @property
    def positions(self) -> tuple[int, ...]:
        """Residue numbers (1a) of the substitutions."""
        return tuple(substitution.position for substitution in self.substitutions)
