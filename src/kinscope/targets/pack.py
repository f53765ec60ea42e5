"""A target pack: everything kinscope knows of one kinase, as data files with their sources.

``targets/<name>/`` holds ``target.yaml`` (identity, regions, states, binding sites), the transcript,
the drug library, the evidence tables and the assembled reference models.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record


class Region(Record):
    """A named stretch of the protein, isoform-1a numbering, both ends included."""

    name: str
    """Stable identifier, e.g. ``activation_loop``."""
    label: str
    """For people, e.g. ``activation loop``."""
    start: int
    end: int
    kind: Literal["domain", "segment", "pocket"]
    """A segment is a part of a domain."""
    residues: tuple[int, ...] = ()
    """For pockets, which are not one stretch: the members. Empty otherwise."""
    source: str
    """Where the boundaries come from."""

    def __contains__(self, residue: object) -> bool:
        """Whether a residue number belongs to the region."""
        if self.residues:
            return residue in self.residues
        return isinstance(residue, int) and self.start <= residue <= self.end

    def members(self) -> tuple[int, ...]:
        """Every residue number of the region."""
        return self.residues or tuple(range(self.start, self.end + 1))


class ExonBlock(Record):
    """A stretch of the coding sequence that is unbroken in the genome."""

    first: int
    """First coding base (``c.`` number)."""
    last: int
    """Last coding base."""
    genomic_first: int
    """Genomic position of the first coding base; the last follows by length and strand."""


class TranscriptEntry(Record):
    """What ``target.yaml`` says of a coding sequence and its place in the genome."""

    accession: str
    protein_accession: str
    chromosome: str = ""
    assembly: str = ""
    genomic_accession: str = ""
    """RefSeq accession of the chromosome in that assembly, e.g. ``NC_000009.12``."""
    strand: str = Field(default="+", pattern=r"^[+-]$")
    exons: tuple[ExonBlock, ...] = ()
    """The coding parts of the exons, from which ``genomic_positions`` is made."""
    mane: str = ""
    """The MANE status, e.g. ``MANE Select``; empty if none."""
    source: str
    """Where the sequence and the coordinates come from."""
    equivalents: dict[str, str] = Field(default_factory=dict)
    """Other accessions with the same coding numbers, each with the reason to believe it; one without a
    version stands for every version."""
    protein_equivalents: dict[str, str] = Field(default_factory=dict)
    """Other accessions with the same residue numbers, each with the reason to believe it."""
    other_assemblies: dict[str, str] = Field(default_factory=dict)
    """Accessions of the chromosome in assemblies that the pack does not hold, and their names."""
    shifts: dict[str, int] = Field(default_factory=dict)
    """Accessions of other genomic sequences, and by how much their positions exceed the pack's own: one
    number for every coding base. A sequence that is not here is not converted."""


class Transcript(TranscriptEntry):
    """A coding sequence with its protein and its place in the genome."""

    protein: str
    cds: str = ""
    """Coding sequence, upper case, from the A of ATG (c.1) to the stop codon; empty: the pack holds none."""
    genomic_positions: tuple[int, ...] = ()
    """Genomic position of every CDS base; ``genomic_positions[0]`` is that of c.1. Empty: not in the pack."""


class Isoform(Record):
    """Another isoform of the protein, and how its numbers relate to the reference isoform's.

    Without accessions it is a numbering of the literature only (human c-Src by the numbers of chicken c-Src).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9-]{1,20}$")
    """``1a`` or ``1b``."""
    transcript_accession: str = ""
    protein_accession: str = ""
    offset: int
    """Its residue number minus the reference isoform's, valid from ``valid_from`` (reference number) on."""
    valid_from: int
    coding_valid_from: int = 0
    """First coding base (reference number) shared with the reference; 0: the first base of ``valid_from``.

    The codon of the first shared residue may begin in an exon that is not shared.
    """
    equivalents: dict[str, str] = Field(default_factory=dict)
    """Other accessions with the same coding numbers, as in :class:`TranscriptEntry`."""
    protein_equivalents: dict[str, str] = Field(default_factory=dict)
    """Other accessions with the same residue numbers."""

    @property
    def first_base(self) -> int:
        """First coding base (reference number) that is shared."""
        return self.coding_valid_from or 3 * self.valid_from - 2

    @property
    def title(self) -> str:
        """``isoform 1b``; ``chicken numbering`` where it is no sequence of the target's own."""
        return f"isoform {self.name}" if self.protein_accession else f"{self.name} numbering"


class RegulatoryDomains(Record):
    """Where SH3, SH2 and the lobes are, for kinases that fold them onto the kinase domain.

    Stretches are pairs of residue numbers, both ends included.
    """

    sh2: tuple[int, int]
    n_lobe: tuple[int, int]
    c_lobe: tuple[int, int]
    sh3_groove: tuple[int, ...] = ()
    """Residues of SH3 that hold the polyproline linker."""
    linker_prolines: tuple[int, ...] = ()
    """Prolines of the SH2-kinase linker that the groove holds in the closed form."""
    source: str = ""


class KinaseLandmarks(Record):
    """Residue numbers that the measured definitions of a kinase's conformation need.

    What is None or empty is not measured.
    """

    beta3_lysine: int
    helix_c_glutamate: int
    dfg_phenylalanine: int
    hrd_aspartate: int
    loop_tyrosine: int | None = None
    """The tyrosine that fills the catalytic site of a folded activation loop, where the kinase has one."""
    ape_glutamate: int | None = None
    """The last residue of the APE motif, the end of the activation loop."""
    loop_c_terminal_cutoff_angstrom: float = Field(default=6.0, gt=0)
    """Longest distance, in an active kinase, of the ninth residue before the loop's end (CA) to the carbonyl
    oxygen of the HRD arginine: 6 in Ser/Thr kinases, 8 in tyrosine kinases (Kincore)."""
    spine_beta4: int | None = None
    """The member of the regulatory spine in strand beta 4."""
    p_loop_glycine: int | None = None
    """The first glycine of the GxGxxG motif."""
    regulatory: RegulatoryDomains | None = None
    """SH3, SH2 and lobes; None: the kinase has no such arrangement."""

    @property
    def helix_c_plus_four(self) -> int:
        """The residue one turn past the helix-C glutamate."""
        return self.helix_c_glutamate + 4

    @property
    def loop_sixth(self) -> int:
        """The sixth residue of the activation loop, counted from the DFG aspartate."""
        return self.dfg_phenylalanine + 4

    @property
    def before_hrd(self) -> int:
        """The residue before the HRD motif."""
        return self.hrd_aspartate - 3

    @property
    def hrd_histidine(self) -> int:
        """The first residue of the HRD motif, a member of the regulatory spine."""
        return self.hrd_aspartate - 2

    @property
    def hrd_arginine(self) -> int:
        """The middle residue of the HRD motif."""
        return self.hrd_aspartate - 1


class StateDefinition(Record):
    """One conformation of the kinase that the pack models."""

    id: str
    """E.g. ``kinase-dfg-out``."""
    label: str
    """For people, e.g. ``kinase domain, DFG-out``."""
    first_residue: int
    last_residue: int
    description: str
    """Which crystals it comes from and why."""
    studied: Literal["always", "thorough", "on request"] = "always"
    """Which studies take the state unless states are named: every one, all presets but ``quick``, or none."""
    dynamics: bool | Literal["exhaustive"] = False
    """Whether a study simulates it unless states are named for dynamics; ``exhaustive``: preset ``paper``."""
    dfg: Literal["in", "out", "inter", ""] = ""
    """The DFG class that measuring the model must give; empty: none is demanded."""
    bound: tuple[str, ...] = ()
    """Ids of the ligands of the library that sit in the model's pockets while it is relaxed."""


class DrugDefinition(Record):
    """One inhibitor (or natural ligand) of the library."""

    id: str
    """Lower-case name, e.g. ``imatinib``."""
    name: str
    ccd: str
    """Chemical Component Dictionary code, e.g. ``STI``."""
    smiles: str
    """Canonical, neutral, with stereochemistry."""
    smiles_ph74: str
    """The protonation and tautomer used, at pH 7.4."""
    protonation_reason: str
    identifiers: dict[str, str] = Field(default_factory=dict)
    """ATC, PubChem CID, ChEMBL id, UNII, each where known."""
    binding_type: str
    """``type I``, ``type I1/2``, ``type II``, ``allosteric (STAMP)``, ``natural ligand``."""
    site: str
    """``atp`` or ``myristate``."""
    state: str
    """Id of the state it binds in this pack."""
    reference_entry: str
    """wwPDB entry, chain and residue of the co-crystal, e.g. ``2HYY:A:STI``; empty: none is at hand."""
    reference_protein: str = ""
    """The gene whose protein the co-crystal holds, where that is not the target's but a related kinase's."""
    sources: tuple[str, ...]
    simulated: Literal["always", "thorough", "exhaustive", "on request"] = "on request"
    """Which studies simulate it bound unless ligands are named: every one, all presets but ``quick``,
    ``paper`` alone, or none."""
    further_states: tuple[str, ...] = ()
    """Other states whose model its co-crystal fits; each has a pose of its own in the pack. `kinscope dock`
    docks the drug there too."""


class Lookalike(Record):
    """A name that is a variant of this gene and, letter for letter, of another gene too."""

    protein: str
    """Short protein change, e.g. ``K404E``."""
    gene: str
    """The other gene."""
    note: str


class Claim(Record):
    """What a reference study says of a variant, to be set beside what a run finds."""

    id: str
    """Of the question that it answers, as in :mod:`kinscope.interpretation.motion`."""
    variant: str
    said: str
    """In our own words."""
    citation: str
    identifier: str


class TargetFile(Record):
    """``target.yaml``: who the kinase is."""

    gene: str = Field(pattern=r"^[A-Za-z0-9-]{1,20}$")
    name: str
    uniprot: str
    reference_isoform: str
    transcript: TranscriptEntry
    isoforms: tuple[Isoform, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names of the gene and its fusions that may stand before a variant, e.g. ``BCR::ABL1``."""
    lookalikes: tuple[Lookalike, ...] = ()
    """Variants whose bare name belongs to another gene as well."""
    fusion_first_residue: int = 1
    """First residue that the clinically known fusion of the gene keeps (BCR::ABL1: from exon a2)."""
    fusion: str = ""
    """Name of that fusion; empty if none."""
    landmarks: KinaseLandmarks | None = None
    """What the conformation is measured on; None: conformations of this target are not classified."""


class TargetPack(TargetFile):
    """One kinase."""

    transcript: Transcript
    regions: tuple[Region, ...]
    states: tuple[StateDefinition, ...]
    drugs: tuple[DrugDefinition, ...]
    claims: tuple[Claim, ...] = ()
    """Of reference studies."""
    directory: Path

    def state(self, identifier: str) -> StateDefinition:
        """The state of that id (see :func:`load_target` for errors)."""
        return _by_id(self.states, identifier, "state")

    def drug(self, identifier: str) -> DrugDefinition:
        """The drug of that id."""
        return _by_id(self.drugs, identifier, "drug")

    def region(self, name: str) -> Region:
        """The region of that name."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)

    @property
    def drug_pockets(self) -> tuple[Region, ...]:
        """The pockets that the drugs bind: named after a drug's ``site``, such as ``atp_site``."""
        sites = ("atp", *(drug.site for drug in self.drugs))
        return tuple(
            region for region in self.regions if region.kind == "pocket" and region.name.startswith(sites)
        )

    def states_covering(self, residues: Iterable[int]) -> tuple[StateDefinition, ...]:
        """The states whose model holds every one of some residues."""
        wanted = tuple(residues)
        return tuple(
            state
            for state in self.states
            if all(state.first_residue <= residue <= state.last_residue for residue in wanted)
        )

    def regions_of(self, residue: int) -> tuple[Region, ...]:
        """Every region that holds a residue, domains first."""
        found = [region for region in self.regions if residue in region]
        return tuple(sorted(found, key=lambda region: (region.kind != "domain", region.start)))


Item = TypeVar("Item", StateDefinition, DrugDefinition)


def _by_id(items: tuple[Item, ...], identifier: str, what: str) -> Item:
    for item in items:
        if item.id == identifier:
            return item
    raise BadInputError(
        f"There is no {what} {identifier!r} in this target pack.",
        where=f"{what} {identifier}",
        remedy=f"Choose from: {', '.join(item.id for item in items) or 'none is defined'}.",
    )
