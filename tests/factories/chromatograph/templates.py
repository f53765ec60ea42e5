"""What is in the tube: the amplicon, and molecules that carry a variant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinscope.core.errors import BadInputError
from kinscope.core.residues import reverse_complement
from kinscope.variants import parse_variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinscope.sequencing.model import Strand
    from kinscope.targets import TargetPack

_INDEL: Final = re.compile(r"(?:[\w.]+:)?c\.(\d+)(?:_(\d+))?(del|dup|ins|delins)(\d+|[ACGT]*)$")
FIRST_CODING: Final = 600
LAST_CODING: Final = 1630
"""Bases read between the sequencing primers, which lie outside: codons 200 to 544 of ABL1."""
INSERTED: Final = "ATGGCAAGCATTTAGACTGAGAGTCAGTCCTCAAG"
"""Thirty-five bases for an insertion whose sequence is not given; not the sequence of intron 8."""


@dataclass(frozen=True)
class Amplicon:
    """The stretch of the coding sequence between the sequencing primers."""

    cds: str
    first: int
    """First base read, c. number."""
    last: int


@dataclass(frozen=True)
class Molecule:
    """One kind of template."""

    sequence: str
    """Coding strand between the primers."""
    share: float
    """Of all molecules, 0 to 1."""

    def read(self, strand: Strand) -> str:
        """The sequence as its sequencing reaction reads it."""
        return self.sequence if strand == "forward" else reverse_complement(self.sequence)


def amplicon_of(pack: TargetPack, first: int = FIRST_CODING, last: int = LAST_CODING) -> Amplicon:
    """The amplicon of a target."""
    return Amplicon(pack.transcript.cds, first, min(last, len(pack.transcript.cds)))


def molecules_of(
    expressions: Sequence[tuple[str, float]], pack: TargetPack, amplicon: Amplicon
) -> tuple[Molecule, ...]:
    """The mixture of molecules that carry given variants with their shares (0 to 1), the rest being native.

    A variant is what ``parse_variant`` reads (``E255K/T315I`` is one molecule with both), or
    ``c.1086_1270del``, ``c.1423_1424ins35``, ``c.1000dup``, ``c.1000_1002delinsTTT``.

    Raises BadInputError if a variant cannot be read or lies outside, or the shares exceed one.
    """
    total = sum(share for _, share in expressions)
    if total > 1 + 1e-9 or any(share < 0 for _, share in expressions):
        raise BadInputError(
            f"The shares add up to {100 * total:g} %.",
            where="--share",
            remedy="Shares are of all molecules; together they are at most 100 %.",
        )
    made = [Molecule(_changed(text, pack, amplicon), share) for text, share in expressions]
    native = Molecule(amplicon.cds[amplicon.first - 1 : amplicon.last], 1 - total)
    return (native, *made) if native.share > 1e-9 else tuple(made)


def _changed(text: str, pack: TargetPack, amplicon: Amplicon) -> str:
    """The amplicon of a molecule that carries a variant."""
    if text.strip().upper() in {"WT", "NATIVE", "NONE"}:
        return amplicon.cds[amplicon.first - 1 : amplicon.last]
    found = _INDEL.match(text.replace(" ", ""))
    if found is None:
        edits = []
        for item in parse_variant(text, pack).substitutions:
            given = [change for change in item.coding_changes if change.given]
            if not item.coding_changes:
                raise BadInputError(
                    f"No single base change makes {item.short}.", where=text, remedy="Write it as c."
                )
            codon = (given or list(item.coding_changes))[0].codon_variant
            edits.append((3 * item.position - 2, 3 * item.position, codon))
    else:
        edits = [_indel(found, text, amplicon.cds)]
    sequence = amplicon.cds
    for first, last, inserted in sorted(edits, reverse=True):
        if not amplicon.first < first <= last + 1 <= amplicon.last:
            raise BadInputError(
                f"{text} lies outside the amplicon (c.{amplicon.first} to c.{amplicon.last}).",
                where=text,
                remedy="Choose a variant of the kinase domain.",
            )
        sequence = sequence[: first - 1] + inserted + sequence[last:]
    lost = len(amplicon.cds) - len(sequence)
    return sequence[amplicon.first - 1 : amplicon.last - lost]


def _indel(found: re.Match[str], text: str, cds: str) -> tuple[int, int, str]:
    """First and last base replaced (last = first - 1 for an insertion) and what comes in."""
    first = int(found[1])
    last = int(found[2] or found[1])
    if not 1 <= first <= last <= len(cds):
        raise BadInputError(f"{text} is outside the coding sequence.", where=text, remedy="Check it.")
    given = found[4]
    inserted = INSERTED * 9 if given.isdecimal() else given
    inserted = inserted[: int(given)] if given.isdecimal() else inserted
    if found[3] == "dup":
        return last + 1, last, cds[first - 1 : last]
    if found[3] == "ins":
        return first + 1, first, inserted
    return first, last, inserted if found[3] == "delins" else ""
