"""What sequencing hands over: traces read, calls made, codons covered, and how small a share would show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.core.records import Record, VersionedRecord

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

BASES: Final = "ACGT"
"""The order of channels in every array of this package."""

Strand = Literal["forward", "reverse"]
CallKind = Literal["substitution", "synonymous", "nonsense", "deletion", "insertion", "delins", "splice"]
CallStatus = Literal["variant", "known polymorphism", "splice artefact", "to be confirmed"]


def percent_text(percent: float) -> str:
    """A share in per cent as it is told: whole from ten on, below that two digits, so that 0.4 is not 0."""
    return f"{percent:.0f}" if percent >= 9.5 else f"{percent:.2g}"


class TraceInfo(Record):
    """What an instrument says of a run. Names of people, samples and runs are not part of it."""

    format: str
    """``ABIF 1.1``, ``SCF 3.10`` and the like."""
    instrument: str = ""
    dye_set: str = ""
    basecaller: str = ""
    mobility_file: str = ""


@dataclass(frozen=True)
class Trace:
    """One chromatogram as its file holds it."""

    info: TraceInfo
    channels: Floats
    """Processed signal, shape (4, scans), in the order of ``BASES``."""
    positions: Integers
    """Scan of every called base, shape (bases,), increasing; empty where none are usable."""
    bases: str
    """Called bases as the file holds them (IUPAC letters), as many as ``positions``."""
    qualities: Integers
    """Phred quality of every called base; empty where the file gives none."""
    raw: Floats | None = None
    """Unprocessed signal, shape (4, scans of its own), in the order of the detector; None if not held."""


class StrandEvidence(Record):
    """One read at one call."""

    read: str
    """Pseudonym of the read, e.g. ``S1``."""
    strand: Strand
    scan: int
    """Position of the peak in the trace, scans."""
    share_percent: float
    share_low_percent: float
    share_high_percent: float
    z: float
    """Height above the expected background in standard deviations of the local background."""
    detection_limit_percent: float
    """Smallest share that this read would have shown here."""


class Call(Record):
    """One difference from the reference transcript."""

    hgvs_c: str
    """E.g. ``NM_005157.6:c.1210A>G``."""
    hgvs_p: str
    """E.g. ``NP_005148.2:p.Lys404Glu``; ``p.Lys247=`` for a synonymous change."""
    kind: CallKind
    first_codon: int
    """Codon (isoform of the reference) of the first changed base."""
    last_codon: int
    share_percent: float | None = None
    """Share of transcripts that carry it; None if not measured."""
    share_low_percent: float | None = None
    """Lower end of the 95 % interval."""
    share_high_percent: float | None = None
    status: CallStatus = "variant"
    name: str = ""
    """Known name, e.g. ``K247R (rs34549764)`` or ``35INS``."""
    strands: tuple[StrandEvidence, ...] = ()
    depth: int | None = None
    """Reads at the position, for calls from amplicon sequencing."""
    notes: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()
    assess_expression: str = ""
    """What ``kinscope assess`` takes; empty where there is no substitution of a residue to model."""
    sample: str = ""
    """The sample that carries it, as its file names it; empty where the file has one."""

    @property
    def short(self) -> str:
        """The protein change without its accession, e.g. ``p.Lys404Glu``."""
        return self.hgvs_p.partition(":")[2] or self.hgvs_p

    @property
    def handover(self) -> str:
        """The command that goes on from here; empty if there is nothing to model."""
        return f'kinscope assess "{self.assess_expression}"' if self.assess_expression else ""


class Phase(Record):
    """What can be said of two calls being on one molecule."""

    first: str
    """``hgvs_c`` of one call, ``hgvs_p`` if its base change is not known."""
    second: str
    verdict: Literal["compound", "largely separate", "cannot be told"]
    both_low_percent: float
    """At least this share of molecules carries both."""
    both_high_percent: float
    """At most this share carries both."""
    explanation: str
    assess_expression: str = ""
    """The compound, to be assessed beside the single variants; empty where it may not exist."""
    sample: str = ""

    @property
    def handover(self) -> str:
        """The command that goes on from here; empty if there is no compound."""
        return f'kinscope assess "{self.assess_expression}"' if self.assess_expression else ""


class CodonCoverage(Record):
    """How small a share of a substitution would have shown in one codon."""

    codon: int
    strands: tuple[Strand, ...]
    """Strands that cover the whole codon."""
    detection_limit_percent: float | None
    """Combined over strands, worst of nine single-base changes; None: not covered, or no share is sure."""
    forward_limit_percent: float | None = None
    reverse_limit_percent: float | None = None


class ReadSummary(Record):
    """One trace after reading, trimming and alignment."""

    read: str
    name: str = ""
    """Name of the file; empty unless names were asked for."""
    info: TraceInfo
    strand: Strand
    bases_called: int
    kept_first: int
    """First base kept after quality trimming, from 1."""
    kept_last: int
    coding_first: int
    """First coding base (c. number) that is covered."""
    coding_last: int
    identity_percent: float
    signal_to_noise: float
    """Median height of the called peaks over the median standard deviation of the background."""
    positions_redone: bool = False
    """Whether peaks had to be located anew because the file's were unusable."""
    notes: tuple[str, ...] = ()


class SangerResult(VersionedRecord):
    """The answer for one sample from its traces."""

    SCHEMA_VERSION: ClassVar[int] = 1
    sample: str
    """A pseudonym unless names were asked for."""
    target: str
    reference: str
    reads: tuple[ReadSummary, ...]
    control_used: bool = False
    calls: tuple[Call, ...]
    phases: tuple[Phase, ...] = ()
    coverage: tuple[CodonCoverage, ...]
    first_codon: int
    last_codon: int
    statement: str
    """The result in words a laboratory can sign."""
    notes: tuple[str, ...] = ()
    version: str = ""


class ReportedCalls(VersionedRecord):
    """Calls that another program made, read from a VCF or a table."""

    SCHEMA_VERSION: ClassVar[int] = 1
    sample: str
    samples: tuple[str, ...] = ()
    """The samples by the names in the file, also those without a call; empty where the file has one."""
    target: str
    reference: str
    source: Literal["vcf", "table"]
    calls: tuple[Call, ...]
    phases: tuple[Phase, ...] = ()
    notes: tuple[str, ...] = Field(default=())
    """Lines that were left out, each with the reason."""
    version: str = ""
